import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { ConfigError } from "../../src/errors/index.ts"
import { readRedisUrl } from "../../src/redis/index.ts"

describe("readRedisUrl", () => {
  it("takes port 6379 and database 0 where none are named", () => {
    assert.deepEqual(readRedisUrl("redis://localhost"), {
      host: "localhost",
      port: 6379,
      tls: false,
      username: undefined,
      password: undefined,
      database: 0,
      shown: "localhost:6379/0",
    })
  })

  it("reads user, password, port, database and TLS", () => {
    const { shown, ...address } = readRedisUrl("rediss://me:p%40ss@cache.example.com:6380/3")
    assert.deepEqual(address, {
      host: "cache.example.com",
      port: 6380,
      tls: true,
      username: "me",
      password: "p@ss",
      database: 3,
    })
    assert.equal(shown, "cache.example.com:6380/3")
  })

  it("reads a password without a user, and an IPv6 address", () => {
    const { username, password, host, shown } = readRedisUrl("redis://:secret@[::1]:7000")
    assert.deepEqual(
      { username, password, host, shown },
      {
        username: undefined,
        password: "secret",
        host: "::1",
        shown: "[::1]:7000/0",
      },
    )
  })

  for (const [url, why] of [
    ["localhost:6379", /does not begin with redis/],
    ["http://localhost", /does not begin with redis/],
    ["redis://", /does not begin with redis|names no host/],
    ["redis://localhost/shop", /database that is no number/],
    ["redis://localhost/0?timeout=1", /query/],
    ["redis://:50%@localhost", /lone %/],
  ] as const) {
    it(`refuses ${url}`, () => {
      assert.throws(
        () => readRedisUrl(url),
        (error) => error instanceof ConfigError && why.test(error.message) && error.cure.includes("redis://"),
      )
    })
  }

  it("does not repeat a password in the error", () => {
    assert.throws(
      () => readRedisUrl("redis://:hush@host/x"),
      (error: Error) => !error.message.includes("hush"),
    )
  })
})
