import assert from "node:assert/strict"
import { once } from "node:events"
import { createServer } from "node:net"
import { after, before, describe, it } from "node:test"
import { elapsed } from "../../src/clock/index.ts"
import { ConfigError, QueryError, UnavailableError } from "../../src/errors/index.ts"
import { openRedis, type Redis, type RedisConnection, type RedisOptions, redisScript } from "../../src/redis/index.ts"
import { startTcpProxy } from "../support/tcp-proxy.ts"
import { OwnRedis, requireRedisServer } from "./redis-server.ts"

/** What a Redis told of its connections and warned of. */
type Told = { warnings: string[]; connections: RedisConnection[]; lost: number; changed: (string | undefined)[] }

async function opened(url: string, options: RedisOptions = {}): Promise<{ redis: Redis; told: Told }> {
  const told: Told = { warnings: [], connections: [], lost: 0, changed: [] }
  const redis = await openRedis(url, {
    // A machine under load must not look like a server that hangs.
    deadlineMs: 5_000,
    warn: (message) => told.warnings.push(message),
    listener: {
      connected: (connection) => told.connections.push(connection),
      lost: () => told.lost++,
      changed: (_, key) => told.changed.push(key),
    },
    ...options,
  })
  return { redis, told }
}

/** Waits until something holds that is under way. */
async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = elapsed() + 20_000
  while (!(await holds())) {
    if (elapsed() > end) assert.fail(`waited in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

requireRedisServer("Redis", () => {
  let server: OwnRedis
  before(async () => {
    server = await OwnRedis.start()
  })
  after(() => server[Symbol.asyncDispose]())

  it("sets, reads and deletes texts under its prefix", async () => {
    const { redis } = await opened(server.url, { prefix: "a*b:" })
    assert.equal(redis.state, "connected")
    await redis.set("one", "1", 60_000)
    await redis.set("two", "", 60_000)
    assert.equal(await redis.get("one"), "1")
    assert.deepEqual(await redis.getMany(["one", "none", "two"]), ["1", undefined, ""])
    assert.deepEqual(await redis.getMany([]), [])
    assert.equal(await server.command("GET", "a*b:one"), "1")
    const left = (await redis.timeToLive("one")) as number
    assert.ok(left > 59_000 && left <= 60_000, `${left}`)
    assert.equal(await redis.timeToLive("none"), undefined)
    await server.command("SET", "a*b:for ever", "x")
    assert.equal(await redis.timeToLive("for ever"), Number.POSITIVE_INFINITY)
    assert.equal(await redis.delete("one", "none"), 1)
    assert.equal(await redis.delete(), 0)
    await redis.close()
  })

  it("finds keys of its own prefix alone, at most as many as asked", async () => {
    const { redis } = await opened(server.url, { prefix: "s[1]:" })
    for (let id = 0; id < 30; id++) await redis.set(`user:${id}`, "x", 60_000)
    await server.command("SET", "s1:user:9", "of another prefix that a pattern would match")
    const found = await redis.scan("user:*", 100)
    assert.deepEqual(found.sort(), Array.from({ length: 30 }, (_, id) => `user:${id}`).sort())
    assert.equal((await redis.scan("user:*", 7)).length, 7)
    assert.deepEqual(await redis.scan("user:7", 7), ["user:7"])
    await redis.close()
  })

  it("runs scripts, also where the server has forgotten them", async () => {
    const { redis } = await opened(server.url, { prefix: "script:" })
    const join = redisScript('return {KEYS[1], ARGV[1], redis.call("PING")["ok"]}')
    assert.deepEqual(await redis.run(join, ["k"], ["v"]), ["script:k", "v", "PONG"])
    await server.command("SCRIPT", "FLUSH")
    assert.deepEqual(await redis.run(join, ["k"], ["v"]), ["script:k", "v", "PONG"])
    await redis.close()
  })

  it("refuses what the server refuses, and stays connected", async () => {
    const { redis, told } = await opened(server.url)
    await server.command("LPUSH", "list", "x")
    await assert.rejects(
      redis.get("list"),
      (error) => error instanceof QueryError && /GET.*WRONGTYPE/.test(error.message),
    )
    assert.equal(redis.state, "connected")
    assert.deepEqual(told.warnings, [])
    await redis.close()
  })

  it("tells which keys that were read on the connection changed", async () => {
    const { redis, told } = await opened(server.url, { prefix: "t:" })
    await redis.getMany(["seen", "absent"])
    await server.command("SET", "t:seen", "1")
    await server.command("SET", "t:absent", "1")
    await server.command("SET", "t:never read", "1")
    await until(() => told.changed.length === 2, "two changes were told")
    assert.deepEqual(told.changed, ["t:seen", "t:absent"])
    await redis.get("seen")
    await server.command("FLUSHALL")
    await until(() => told.changed.length === 3, "the flush was told")
    assert.equal(told.changed[2], undefined)
    await redis.close()
  })

  it("is away, and says so once, where nobody listens; no error stops the start", async () => {
    const begun = elapsed()
    const { redis, told } = await opened("redis://:hush@127.0.0.1:1/0")
    assert.ok(elapsed() - begun < 3_000)
    assert.equal(redis.state, "away")
    await assert.rejects(redis.get("x"), UnavailableError)
    await assert.rejects(redis.run(redisScript("return 1"), []), UnavailableError)
    await new Promise((resolve) => setTimeout(resolve, 300))
    assert.equal(told.warnings.length, 1)
    assert.match(told.warnings[0] as string, /^Redis at 127\.0\.0\.1:1\/0 is away \(.*ECONNREFUSED/)
    assert.doesNotMatch(told.warnings[0] as string, /hush/)
    await redis.close()
  })

  it("does not hold up the start for longer than the limit where the server hangs", async () => {
    await using listener = createServer((socket) => void socket.resume()).listen(0, "127.0.0.1")
    await once(listener, "listening")
    const { port } = listener.address() as { port: number }
    const begun = elapsed()
    const { redis } = await opened(`redis://127.0.0.1:${port}`, { connectMs: 200 })
    const took = elapsed() - begun
    assert.ok(took >= 190 && took < 3_000, `${took} ms`)
    assert.equal(redis.state, "away")
    await redis.close()
  })

  it("drops a connection whose server hangs, then refuses at once, and is back when it goes on", async () => {
    await using hanging = await OwnRedis.start()
    const { redis, told } = await opened(hanging.url, { deadlineMs: 50 })
    hanging.signal("SIGSTOP")
    const begun = elapsed()
    await assert.rejects(redis.get("x"), UnavailableError)
    const took = elapsed() - begun
    assert.ok(took > 30 && took < 4_000, `${took} ms`)
    assert.equal(redis.state, "away")
    assert.equal(told.lost, 1)
    const again = elapsed()
    for (let call = 0; call < 50; call++) await assert.rejects(redis.get("x"), UnavailableError)
    assert.ok(elapsed() - again < 1_250, "a call costs half of the deadline at most")
    hanging.signal("SIGCONT")
    await until(() => redis.state === "connected", "it is connected again")
    assert.equal(await redis.get("x"), undefined)
    assert.equal(told.warnings.length, 1)
    assert.match(told.warnings[0] as string, /no answer within 50 ms/)
    await redis.close()
  })

  it("finds a hanging server by itself, before a caller meets it", async () => {
    await using hanging = await OwnRedis.start()
    const { redis } = await opened(hanging.url, { deadlineMs: 50 })
    hanging.signal("SIGSTOP")
    await until(() => redis.state === "away", "the hanging server is found")
    hanging.signal("SIGCONT")
    await redis.close()
  })

  it("knows another run of the server when it is back after a restart", async () => {
    await using restarted = await OwnRedis.start()
    const { redis, told } = await opened(restarted.url)
    await restarted.restart()
    await until(() => told.connections.length === 2, "it is connected again")
    const [before, present] = told.connections
    assert.notEqual(before?.runId, present?.runId)
    assert.equal(before?.open, false)
    assert.equal(redis.connection, present)
    await assert.rejects((before as RedisConnection).send(["GET", "x"]), UnavailableError)
    await redis.close()
  })

  it("refuses what was asked when a connection breaks, and connects anew", async () => {
    await using proxy = await startTcpProxy(server.url)
    const { redis, told } = await opened(proxy.url, { deadlineMs: 5_000 })
    proxy.hang()
    const asked = redis.get("x")
    proxy.cut()
    await assert.rejects(asked, UnavailableError)
    proxy.restore()
    await until(() => told.connections.length === 2, "it is connected again")
    await redis.close()
  })

  it("pauses longer and longer while connections break soon after they were made", async () => {
    await using proxy = await startTcpProxy(server.url)
    const pauses: number[] = []
    let lostAt = 0
    const { redis } = await opened(proxy.url, {
      random: () => 0.5,
      listener: {
        connected: () => {
          if (lostAt > 0) pauses.push(elapsed() - lostAt)
          setImmediate(() => proxy.cut())
        },
        lost: () => {
          lostAt = elapsed()
        },
      },
    })
    await until(() => pauses.length >= 4, "four connections broke")
    await redis.close()
    const [first, second, third, fourth] = pauses as [number, number, number, number]
    assert.ok(first >= 24 && second >= 49 && third >= 99 && fourth >= 199, `${pauses}`)
  })

  it("makes another connection where it is asked to, without a warning", async () => {
    const { redis, told } = await opened(server.url)
    const [connection] = told.connections
    redis.reconnect(connection as RedisConnection)
    assert.equal(redis.state, "away")
    await until(() => told.connections.length === 2, "it is connected again")
    redis.reconnect(connection as RedisConnection)
    assert.equal(redis.state, "connected")
    assert.deepEqual(told.warnings, [])
    await redis.close()
  })

  it("signs in, and never tells the password", async () => {
    await using guarded = await OwnRedis.start("--requirepass", "open sesame")
    const right = await opened(guarded.url.replace("//", "//:open%20sesame@"))
    assert.equal(right.redis.state, "connected")
    await right.redis.close()
    const wrong = await opened(guarded.url.replace("//", "//:shut%20sesame@"))
    assert.equal(wrong.redis.state, "away")
    assert.match(wrong.told.warnings[0] as string, /WRONGPASS/)
    assert.doesNotMatch(wrong.told.warnings.join(), /sesame/)
    await wrong.redis.close()
  })

  it("does not use a server that follows another", async () => {
    await using replica = await OwnRedis.start("--replicaof", "127.0.0.1", "1")
    const { redis, told } = await opened(replica.url)
    assert.equal(redis.state, "away")
    assert.match(told.warnings[0] as string, /slave, which cannot be written to/)
    await redis.close()
  })

  it("leaves a server that comes to follow another, and is back when it leads again", async () => {
    await using demoted = await OwnRedis.start()
    const { redis } = await opened(demoted.url)
    await demoted.command("REPLICAOF", "127.0.0.1", "1")
    await until(() => redis.state === "away", "it is found out")
    await demoted.command("REPLICAOF", "NO", "ONE")
    await until(() => redis.state === "connected", "it is connected again")
    await redis.close()
  })

  it("leaves neither timer nor socket when it is closed, connected or away", async () => {
    const resources = () =>
      process
        .getActiveResourcesInfo()
        .filter((name) => /Timeout|TCPSocket/.test(name))
        .sort()
    const before = resources()
    const here = await opened(server.url)
    const away = await opened("redis://127.0.0.1:1")
    await here.redis.get("x")
    await Promise.all([here.redis.close(), away.redis.close()])
    await here.redis.close()
    await until(() => resources().length <= before.length, "all is given back")
    assert.equal(here.told.lost, 1)
    await assert.rejects(here.redis.get("x"), UnavailableError)
  })
})

describe("openRedis", () => {
  it("refuses a deadline that makes no sense", async () => {
    for (const deadlineMs of [0, 4, 1e6, Number.NaN]) {
      await assert.rejects(openRedis("redis://localhost", { deadlineMs }), ConfigError)
    }
  })
})
