import assert from "node:assert/strict"
import { it } from "node:test"
import { absent } from "../../../src/cache/coherence.ts"
import { elapsed } from "../../../src/clock/index.ts"
import { OwnRedis, requireRedisServer } from "../../redis/redis-server.ts"
import { startTcpProxy } from "../../support/tcp-proxy.ts"
import { changesOf, kindOf, MemoryStore, openCoherence, Source, targetOf, until, write } from "./support.ts"

/** Short ones, so that the cache is soon trusted again. */
const timings = { leaseMs: 250, fenceMs: 260, patienceMs: 150 }

type Given = { readonly cache: Awaited<ReturnType<typeof openCoherence>>; readonly source: Source }

/** Reads a key; from memory, from Redis, or past them. */
function read({ cache, source }: Given, key = "thing:1", kind = kindOf()): Promise<unknown> {
  return cache.read(targetOf(kind, key), source.load)
}

/** For what is not about leases. */
const patient = { ...timings, leaseMs: 10_000, fenceMs: 10_400, patienceMs: 10_000 }

const serves = ({ cache }: Given) => until(() => cache.serving, "the cache serves")

/** Reads until a value comes from Redis. */
async function kept(given: Given): Promise<void> {
  await until(async () => {
    const kind = kindOf()
    await read(given, "thing:1", kind)
    return kind.counters.hitsRemote === 1
  }, "it comes from Redis")
}

requireRedisServer("when Redis fails", () => {
  const open = (url: string, more: Partial<Parameters<typeof openCoherence>[0]> = {}) =>
    openCoherence({ url, local: false, timings, ...more })

  it("hanging: each request is answered from the database, the first ones a little late, the others at once", async () => {
    await using server = await OwnRedis.start()
    const warnings: string[] = []
    await using cache = await open(server.url, { deadlineMs: 50, warn: (message) => warnings.push(message) })
    const given = { cache, source: new Source("one") }
    await kept(given)
    server.signal("SIGSTOP")
    given.source.value = "two"
    const begun = elapsed()
    const values = await Promise.all(Array.from({ length: 64 }, (_, id) => read(given, `thing:${id}`)))
    const took = elapsed() - begun
    assert.ok(values.every((value) => value === "two"))
    // The deadline is 50 ms; the rest is the machine's.
    assert.ok(took < 3_000, `${took} ms`)
    assert.equal(cache.state, "away")
    const again = elapsed()
    for (let count = 0; count < 100; count++) assert.equal(await read(given), "two")
    const each = (elapsed() - again) / 100
    assert.ok(each < 25, `${each} ms`)
    server.signal("SIGCONT")
    await until(() => cache.state === "connected", "it is connected again")
    assert.equal(warnings.length, 1)
    assert.match(warnings[0] as string, /^Redis at .* is away \(no answer within 50 ms\)/)
  })

  it("away at the start: the start goes on, and the cache serves when Redis comes", async () => {
    const server = await OwnRedis.start()
    await server.kill()
    await using _ = server
    const store = new MemoryStore()
    await using cache = await open(server.url, { store })
    const given = { cache, source: new Source(1) }
    assert.equal(cache.state, "away")
    assert.equal(await read(given), 1)
    const begun = elapsed()
    await write(cache, changesOf(["thing:1"]))
    await write(cache, changesOf(["thing:1"]))
    assert.ok(elapsed() - begun < 5_000)
    await server.restart()
    await serves(given)
    await kept(given)
  })

  it("flushed under a load: what was loaded before a write is not kept", async () => {
    await using server = await OwnRedis.start()
    await using cache = await open(server.url, { timings: patient })
    const given = { cache, source: new Source("old") }
    const kind = kindOf()
    const letGo = given.source.hold()
    const reading = read(given, "thing:1", kind)
    await until(() => given.source.loads === 1, "the load has begun")
    await server.command("FLUSHALL")
    given.source.value = "new"
    await write(cache, changesOf(["thing:1"]))
    letGo()
    assert.equal(await reading, "old")
    assert.equal(await read(given), "new")
    assert.equal(kind.counters.refusedFills, 1)
  })

  it("restarted with an old snapshot: what is in it is not given, and the cache serves again", async () => {
    await using server = await OwnRedis.start()
    const store = new MemoryStore()
    await using cache = await open(server.url, { store, local: true })
    const given = { cache, source: new Source("old") }
    const target = targetOf(kindOf(), "thing:1")
    await until(async () => {
      await cache.read(target, given.source.load)
      return target.slot !== undefined
    }, "it is in the memory too")
    await server.keep("old")
    given.source.value = "new"
    await write(cache, changesOf(["thing:1"]))
    assert.equal(await read(given), "new")
    const { epoch } = store.row as { epoch: number }
    await server.restart("old")
    assert.match(String(await server.command("GET", "thing:1")), /:"old"$/)
    await until(async () => {
      assert.equal(await read(given), "new")
      assert.notEqual(cache.peek(target), "old")
      return cache.serving && store.row?.epoch !== epoch
    }, "the cache serves again")
    assert.equal(store.row?.epoch, epoch + 3, "off, warming, on")
    await kept(given)
    assert.equal(await read(given), "new")
  })

  it("gone under a write: it is acknowledged when nobody can be given what was before", async () => {
    await using server = await OwnRedis.start()
    const store = new MemoryStore()
    await using writer = await open(server.url, { store })
    await using reader = await open(server.url, { store })
    const given = { cache: reader, source: new Source("old") }
    await kept(given)
    await server.kill()
    given.source.value = "new"
    const begun = elapsed()
    await write(writer, changesOf(["thing:1"]))
    const took = elapsed() - begun
    assert.ok(took >= timings.patienceMs + timings.fenceMs - 1, `${took} ms`)
    assert.equal(store.row?.mode, "off")
    assert.equal(await read(given), "new")
    const again = elapsed()
    for (let count = 0; count < 20; count++) await write(writer, changesOf(["thing:1"]))
    assert.ok(elapsed() - again < 20 * timings.fenceMs, "later writes do not wait")
  })

  it("cut off from one writer: its writes are seen by who still reaches Redis, and the cache stays off until it is back", async () => {
    await using server = await OwnRedis.start()
    await using proxy = await startTcpProxy(server.url)
    const store = new MemoryStore()
    await using writer = await open(proxy.url, { store })
    await using reader = await open(server.url, { store, local: true })
    const given = { cache: reader, source: new Source(0) }
    await kept(given)
    proxy.away()
    await until(() => writer.state === "away", "the writer is cut off")
    const target = targetOf(kindOf(), "thing:1")
    for (let value = 1; value <= 3; value++) {
      given.source.value = value
      await write(writer, changesOf(["thing:1"]))
      const peeked = reader.peek(target)
      assert.ok(peeked === absent || peeked === value)
      assert.equal(await reader.read(target, given.source.load), value)
    }
    // The reader would turn the cache on again, if the writer let it.
    const end = elapsed() + 4 * timings.fenceMs
    while (elapsed() < end) {
      assert.equal(reader.serving, false)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    proxy.restore()
    await serves(given)
    given.source.value = 4
    await write(writer, changesOf(["thing:1"]))
    assert.equal(await reader.read(target, given.source.load), 4)
  })

  it("refusing to delete: writes are acknowledged all the same, and the cache stays off until it deletes again", async () => {
    await using server = await OwnRedis.start()
    const store = new MemoryStore()
    const warnings: string[] = []
    await using cache = await open(server.url, { store, warn: (message) => warnings.push(message) })
    const given = { cache, source: new Source("old") }
    await kept(given)
    await server.command("CONFIG", "SET", "min-replicas-to-write", "1")
    given.source.value = "new"
    await write(cache, changesOf(["thing:1"]))
    assert.equal(store.row?.mode, "off")
    assert.equal(await read(given), "new")
    await until(() => warnings.some((text) => /cannot be written to/.test(text)), "it is warned of")
    assert.equal(store.row?.mode, "off")
    await server.command("CONFIG", "SET", "min-replicas-to-write", "0")
    await serves(given)
    await kept(given)
    assert.equal(await read(given), "new")
  })

  it("full: entries are not kept, invalidations still work, and refreshes become deletions", async () => {
    await using server = await OwnRedis.start()
    const store = new MemoryStore()
    await using cache = await open(server.url, { store, timings: patient })
    const given = { cache, source: new Source("old") }
    await kept(given)
    await server.command("CONFIG", "SET", "maxmemory", "1")
    given.source.value = "new"
    const target = targetOf(kindOf(), "thing:1")
    await write(cache, changesOf([], [{ target, load: given.source.load }]))
    assert.equal(store.row?.mode, "on", "nobody had to turn the cache off")
    assert.equal(await read(given), "new")
    assert.equal(await read(given, "thing:2"), "new")
    await server.command("CONFIG", "SET", "maxmemory", "0")
    await kept(given)
  })

  it("gone where values only age: writes do not wait, and their invalidations are given up", async () => {
    await using server = await OwnRedis.start()
    await using cache = await open(server.url, { mode: "ttl" })
    const given = { cache, source: new Source("old") }
    await kept(given)
    await server.kill()
    const begun = elapsed()
    for (let count = 0; count < 20; count++) await write(cache, changesOf(["thing:1"]))
    assert.ok(elapsed() - begun < timings.patienceMs * 20)
    await until(() => cache.standing.waitingWrites === 0, "no write waits any more")
    given.source.value = "new"
    assert.equal(await read(given), "new")
  })

  it("needs the control tables: a start without them fails, and leaves no connection", async () => {
    await using server = await OwnRedis.start()
    const sockets = () => process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length
    const before = sockets()
    const store = new MemoryStore()
    store.away = true
    await assert.rejects(open(server.url, { store }), /the database is away/)
    await until(() => sockets() <= before, "the connection is given back")
  })

  it("while the database does not answer, nothing is given from the cache for longer than a lease", async () => {
    await using server = await OwnRedis.start()
    const store = new MemoryStore()
    await using cache = await open(server.url, { store })
    const given = { cache, source: new Source("old") }
    await kept(given)
    store.away = true
    await until(() => !cache.serving, "the lease ends")
    const failing = async () => {
      throw new Error("the database is away")
    }
    await assert.rejects(cache.read(targetOf(kindOf(), "thing:1"), failing), /the database is away/)
    store.away = false
    await serves(given)
    await kept(given)
  })

  it("two processes that reach different servers never trust either for long, and never give what is stale", async () => {
    await using first = await OwnRedis.start()
    await using second = await OwnRedis.start()
    const store = new MemoryStore()
    await using one = await open(first.url, { store })
    await using two = await open(second.url, { store })
    const source = new Source(0)
    for (let value = 1; value <= 8; value++) {
      const [writer, reader] = value % 2 === 0 ? [one, two] : [two, one]
      await reader.read(targetOf(kindOf(), "thing:1"), source.load)
      source.value = value
      await write(writer, changesOf(["thing:1"]))
      assert.equal(await reader.read(targetOf(kindOf(), "thing:1"), source.load), value)
    }
  })
})
