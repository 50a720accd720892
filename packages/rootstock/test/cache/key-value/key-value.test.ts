import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { once } from "node:events"
import { createServer } from "node:net"
import { describe, it } from "node:test"
import { setTimeout as pause } from "node:timers/promises"
import fc from "fast-check"
import { type KeyValueCache, openKeyValueCache } from "../../../src/cache/key-value/index.ts"
import { ConfigError, DeclarationError, UnavailableError, ValidationError } from "../../../src/errors/index.ts"
import { openRedis } from "../../../src/redis/index.ts"
import { requireService } from "../../support/index.ts"

/** A busy machine may answer late. */
const quiet = { deadlineMs: 10_000, warn: () => undefined }

/** What holds wherever the values lie. */
function define(url: string): void {
  const open = (name = `test-${randomUUID()}`) => openKeyValueCache({ url, name, ...quiet })

  it("gives back what was set, each time as data of its own", async () => {
    await using values = await open()
    const value = { list: [1, "two", null, -0], at: new Date(5), big: 7n, empty: "" }
    await values.set("key", value, "1m")
    assert.equal(Object.isFrozen(value), false)
    const read = (await values.get("key")) as typeof value
    assert.deepEqual(read, value)
    read.list.push("changed")
    assert.deepEqual(await values.get("key"), value)
    await values.clear()
  })

  it("takes false, 0, null, an empty text and an empty list for values", async () => {
    await using values = await open()
    const all = [false, 0, null, "", []]
    for (const [index, value] of all.entries()) await values.set(`key ${index}`, value, "1m")
    assert.deepEqual(await values.getMany(all.map((_, index) => `key ${index}`)), all)
    for (const index of all.keys()) assert.equal(await values.has(`key ${index}`), true)
    await values.clear()
  })

  it("knows nothing that was not set, or was deleted, and counts what it deletes", async () => {
    await using values = await open()
    await values.set("one", 1, "1m")
    assert.deepEqual(await values.getMany(["one", "other"]), [1, undefined])
    assert.equal(await values.has("other"), false)
    assert.equal(await values.delete("one", "other"), 1)
    assert.equal(await values.delete("one"), 0)
    assert.equal(await values.delete(), 0)
    assert.equal(await values.get("one"), undefined)
  })

  it("forgets a value when its time is over, and lets a new one live anew", async () => {
    await using values = await open()
    await values.set("short", 1, 20)
    await values.set("long", 1, 20)
    await values.set("long", 2, "1m")
    while ((await values.get("short")) !== undefined) await pause(5)
    assert.equal(await values.has("short"), false)
    assert.deepEqual(await values.keys(), ["long"])
    assert.equal(await values.get("long"), 2)
    await values.clear()
  })

  it("counts in one step, from the first on for the time that was given then", async () => {
    await using values = await open()
    const sums = await Promise.all(Array.from({ length: 50 }, () => values.increment("count", "1m")))
    assert.deepEqual(
      sums.toSorted((left, right) => left - right),
      Array.from({ length: 50 }, (_, index) => index + 1),
    )
    assert.equal(await values.increment("count", "1m", -8), 42)
    assert.equal(await values.get("count"), 42)

    await values.increment("window", 40)
    let sum = await values.increment("window", "1h")
    while (sum !== 1) {
      await pause(5)
      sum = await values.increment("window", "1h")
    }
    await values.clear()
  })

  it("refuses to count on what is no whole number", async () => {
    await using values = await open()
    await values.set("text", "7 pieces", "1m")
    await values.set("part", 1.5, "1m")
    await assert.rejects(values.increment("text", "1m"), ValidationError)
    await assert.rejects(values.increment("part", "1m"), ValidationError)
    await assert.rejects(values.increment("count", "1m", 0.5), ValidationError)
    assert.equal(await values.get("text"), "7 pieces")
    await values.clear()
  })

  it("keeps namespaces apart, and clears those within with the whole", async () => {
    await using values = await open()
    const one = values.namespace("one")
    await values.set("key", "whole", "1m")
    await one.set("key", "one", "1m")
    await one.namespace("deep").set("key", "deep", "1m")
    await values.namespace("on").set("e:key", "other", "1m")
    assert.deepEqual((await one.keys()).toSorted(), ["deep:key", "key"])
    assert.equal(await values.get("one:deep:key"), "deep")
    await one.clear()
    assert.deepEqual((await values.keys()).toSorted(), ["key", "on:e:key"])
    await values.clear()
    assert.deepEqual(await values.keys(), [])
  })

  it("clears nothing but its own, whatever signs are in a name", async () => {
    await using values = await open()
    for (const name of ["a*", "a?", "[a]", "a\\"]) {
      await values.set("ab:key", 1, "1m")
      await values.namespace(name).set("key", 2, "1m")
      assert.deepEqual(await values.namespace(name).keys(), ["key"])
      await values.namespace(name).clear()
      assert.deepEqual(await values.keys(), ["ab:key"])
    }
    await values.clear()
  })

  it("refuses what is no plain data, no key and no time", async () => {
    await using values = await open()
    const noData = [undefined, () => 1, Symbol("one"), new Map([[1, 2]]), new Uint8Array(3), { deep: [new Set()] }]
    for (const value of noData) await assert.rejects(values.set("key", value, "1m"), ValidationError)
    for (const key of ["", "\ud800", "x".repeat(1_025)]) await assert.rejects(values.get(key), ValidationError)
    for (const ttl of [0, -1, 1.5, Number.NaN]) await assert.rejects(values.set("key", 1, ttl), DeclarationError)
    assert.deepEqual(await values.keys(), [])
  })

  it("agrees with a model under random calls", async () => {
    const key = fc.constantFrom("a", "b", "c")
    const call = fc.oneof(
      fc.record({ call: fc.constant("set" as const), key, value: fc.oneof(fc.integer(), fc.jsonValue()) }),
      fc.record({ call: fc.constant("increment" as const), key, by: fc.integer({ min: -5, max: 5 }) }),
      fc.record({ call: fc.constantFrom("get" as const, "delete" as const, "has" as const), key }),
      fc.record({ call: fc.constant("clear" as const) }),
    )
    await using values = await open()
    await fc.assert(
      fc.asyncProperty(fc.array(call, { maxLength: 30 }), async (calls) => {
        await values.clear()
        const model = new Map<string, unknown>()
        for (const one of calls) await agree(values, model, one)
      }),
      { numRuns: 60 },
    )
    await values.clear()
  })
}

type Call =
  | { call: "set"; key: string; value: unknown }
  | { call: "increment"; key: string; by: number }
  | { call: "get" | "delete" | "has"; key: string }
  | { call: "clear" }

async function agree(values: KeyValueCache, model: Map<string, unknown>, one: Call): Promise<void> {
  switch (one.call) {
    case "set":
      await values.set(one.key, one.value, "1h")
      model.set(one.key, one.value)
      return
    case "increment": {
      const present = model.get(one.key) ?? (model.has(one.key) ? null : 0)
      if (!Number.isSafeInteger(present) || Object.is(present, -0)) {
        await assert.rejects(values.increment(one.key, "1h", one.by), ValidationError)
        return
      }
      const sum = (present as number) + one.by
      assert.equal(await values.increment(one.key, "1h", one.by), sum)
      model.set(one.key, sum)
      return
    }
    case "get":
      assert.deepEqual(await values.get(one.key), model.get(one.key))
      return
    case "has":
      assert.equal(await values.has(one.key), model.has(one.key))
      return
    case "delete":
      assert.equal(await values.delete(one.key), model.delete(one.key) ? 1 : 0)
      return
    case "clear":
      await values.clear()
      model.clear()
  }
}

describe("values under keys", () => {
  describe("in memory", () => {
    define("memory:")

    it("stay within their bound, the least recently used ones going first", async () => {
      await using values = await openKeyValueCache({ name: "bound", memory: { entries: 2 } })
      await values.set("one", 1, "1m")
      await values.set("two", 2, "1m")
      await values.get("one")
      await values.set("three", 3, "1m")
      assert.deepEqual(await values.getMany(["one", "two", "three"]), [1, undefined, 3])
    })
  })

  requireService("TEST_REDIS_URL", "in Redis", (url) => {
    define(url)

    it("are the same for all who open the name, and lie under it with their time to live", async () => {
      const name = `test-${randomUUID()}`
      await using one = await openKeyValueCache({ url, name, prefix: "one:", ...quiet })
      await using other = await openKeyValueCache({ url, name, prefix: "one:", ...quiet })
      await one.set("key", { a: 1 }, "1m")
      assert.deepEqual(await other.get("key"), { a: 1 })
      const redis = await openRedis(url, quiet)
      assert.equal(await redis.get(`one:${name}:key`), '{"a":1}')
      const left = (await redis.timeToLive(`one:${name}:key`)) as number
      assert.ok(left > 50_000 && left <= 60_000)
      await redis.set(`one:${name}:key`, "{", 60_000)
      assert.equal(await other.get("key"), undefined)
      await redis.close()
      await one.clear()
    })

    it("are refused while the server is away, and there again when it is", async () => {
      const port = await freePort()
      await using values = await openKeyValueCache({ url: `redis://127.0.0.1:${port}`, name: "away", ...quiet })
      assert.equal(values.state, "away")
      await assert.rejects(values.get("key"), UnavailableError)
      await assert.rejects(values.increment("key", "1m"), UnavailableError)
      const server = spawn("redis-server", ["--port", String(port), "--bind", "127.0.0.1", "--save", ""])
      try {
        while (values.state === "away") await pause(10)
        await values.set("key", 1, "1m")
        assert.equal(await values.get("key"), 1)
      } finally {
        await values.close()
        const ended = once(server, "exit")
        server.kill()
        await ended
      }
    })
  })

  it("need a name that is not the library's, and a URL that is understood", async () => {
    for (const name of ["", "a:b", "tag", "set", "state", "a b"]) {
      await assert.rejects(openKeyValueCache({ name }), DeclarationError)
    }
    await assert.rejects(openKeyValueCache({ name: "one", url: "off:" }), ConfigError)
  })
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, "close")
  return port
}
