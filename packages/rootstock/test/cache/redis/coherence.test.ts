import assert from "node:assert/strict"
import { beforeEach, describe, it } from "node:test"
import { absent } from "../../../src/cache/coherence.ts"
import { describeValue } from "../../../src/cache/redis/index.ts"
import { elapsed } from "../../../src/clock/index.ts"
import { requireRedisServer } from "../../redis/redis-server.ts"
import { changesOf, kindOf, MemoryStore, openCoherence, ownRedis, Source, targetOf, until, write } from "./support.ts"

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

requireRedisServer("the cache over Redis", () => {
  const place = ownRedis()
  const command = (...parts: string[]) => place.server.command(...parts)
  const open = (options: Omit<Parameters<typeof openCoherence>[0], "url"> = {}) =>
    openCoherence({ url: place.server.url, ...options })
  beforeEach(() => command("FLUSHALL"))

  /** Waits until an entry is in Redis, which comes after the answer to the reader that missed. */
  const filled = (key: string) =>
    until(async () => String(await command("GET", key)).startsWith("V"), `${key} is filled`)

  describe("reads", () => {
    it("loads what is not there, keeps it for its time to live, and gives it from then on", async () => {
      await using cache = await open({ local: false })
      const kind = kindOf({ ttlMs: 60_000, jitter: 0.1 })
      const source = new Source({ id: 1 })
      assert.deepEqual(await cache.read(targetOf(kind, "thing:1"), source.load), { id: 1 })
      await filled("thing:1")
      assert.deepEqual(await cache.read(targetOf(kind, "thing:1"), source.load), { id: 1 })
      assert.equal(source.loads, 1)
      const left = (await command("PTTL", "thing:1")) as number
      assert.ok(left > 50_000 && left <= 60_000, `${left}`)
      const { misses, hitsRemote, fills } = kind.counters
      assert.deepEqual({ misses, hitsRemote, fills }, { misses: 1, hitsRemote: 1, fills: 1 })
    })

    for (const value of [[], 0, false, "", null, { a: [] }]) {
      it(`keeps ${JSON.stringify(value)} as any other value`, async () => {
        await using cache = await open({ local: false })
        const source = new Source(value)
        const target = targetOf(kindOf(), "thing:1")
        assert.deepEqual(await cache.read(target, source.load), value)
        await filled("thing:1")
        assert.deepEqual(await cache.read(target, source.load), value)
        assert.equal(source.loads, 1)
      })
    }

    it("does not keep that there is none, unless it is asked to", async () => {
      await using cache = await open({ local: false })
      const source = new Source(undefined)
      const plain = targetOf(kindOf(), "thing:1")
      assert.equal(await cache.read(plain, source.load), undefined)
      await until(async () => (await command("EXISTS", "thing:1")) === 0, "the token is taken back")
      assert.equal(await cache.read(plain, source.load), undefined)
      assert.equal(source.loads, 2)
      const negative = targetOf(kindOf({ negativeTtlMs: 5_000 }), "thing:2")
      assert.equal(await cache.read(negative, source.load), undefined)
      await filled("thing:2")
      assert.equal(await cache.read(negative, source.load), undefined)
      assert.equal(source.loads, 3)
      assert.ok(((await command("PTTL", "thing:2")) as number) <= 5_000)
      source.value = { id: 2 }
      await write(cache, changesOf(["thing:2"]))
      assert.deepEqual(await cache.read(negative, source.load), { id: 2 })
    })

    it("counts what it cannot read as a miss, and puts a good entry in its place", async () => {
      const store = new MemoryStore()
      await using cache = await open({ local: false, store })
      const epoch = store.row?.epoch
      await command("SET", "tag:things", "t.1")
      const bad = [
        `V${epoch}:x.1:1769850000000:60000:t.1:{"id":`,
        `V${epoch}:x.1:1769850000000`,
        `W${epoch}:x.1:1769850000000:60000:t.1:{"id":1}`,
        "something else",
      ]
      for (const [index, text] of bad.entries()) {
        const kind = kindOf()
        const source = new Source({ index })
        await command("SET", "thing:1", text)
        assert.deepEqual(await cache.read(targetOf(kind, "thing:1"), source.load), { index }, text)
        assert.equal(kind.counters.corrupt, 1, text)
        await filled("thing:1")
        await command("DEL", "thing:1")
      }
      await command("RPUSH", "thing:1", "of another type")
      assert.deepEqual(await cache.read(targetOf(kindOf(), "thing:1"), new Source(5).load), 5)
      await filled("thing:1")
    })

    it("gives no entry of another epoch", async () => {
      const store = new MemoryStore()
      await using cache = await open({ local: false, store })
      await command("SET", "tag:things", "t.1")
      await command("SET", "thing:1", `V${(store.row?.epoch ?? 0) - 1}:x.1:1769850000000:60000:t.1:"old"`)
      const kind = kindOf()
      assert.equal(await cache.read(targetOf(kind, "thing:1"), new Source("present").load), "present")
      assert.equal(kind.counters.corrupt, 0)
      await filled("thing:1")
    })

    it("gives no entry whose tag is missing or another", async () => {
      await using cache = await open({ local: false })
      const source = new Source("one")
      const target = targetOf(kindOf(), "thing:1", ["tag:a", "tag:b"])
      await cache.read(target, source.load)
      for (const harm of [
        ["DEL", "tag:a"],
        ["DEL", "tag:b"],
        ["SET", "tag:b", "another.1"],
      ]) {
        await filled("thing:1")
        await command(...harm)
        source.value = harm.join(" ")
        assert.equal(await cache.read(target, source.load), source.value)
      }
    })

    it("asks for all that is read at once in one question", async () => {
      await using cache = await open({ local: false })
      const kind = kindOf()
      const read = (id: number) => cache.read(targetOf(kind, `thing:${id}`), new Source({ id }).load)
      const ids = Array.from({ length: 64 }, (_, id) => id)
      await Promise.all(ids.map(read))
      await Promise.all(ids.map((id) => filled(`thing:${id}`)))
      await command("CONFIG", "RESETSTAT")
      const values = await Promise.all([...ids, ...ids].map(read))
      assert.deepEqual(values[65], { id: 1 })
      const stats = String(await command("INFO", "commandstats"))
      assert.match(stats, /cmdstat_mget:calls=1,/)
      assert.equal(kind.counters.hitsRemote, 128)
    })

    it("rejects what a load rejects, and loads at once for the next reader", async () => {
      await using cache = await open({ local: false })
      const target = targetOf(kindOf(), "thing:1")
      const failing = async () => {
        throw new Error("no such table")
      }
      await Promise.all([1, 2, 3].map(() => assert.rejects(cache.read(target, failing), /no such table/)))
      const begun = elapsed()
      await until(async () => (await command("EXISTS", "thing:1")) === 0, "the token is taken back")
      assert.equal(await cache.read(target, new Source(7).load), 7)
      assert.ok(elapsed() - begun < 8_000, "nobody waited for the lease to end")
    })
  })

  describe("concurrent readers", () => {
    it("share one load in a process", async () => {
      await using cache = await open()
      const source = new Source({ id: 1 })
      const target = targetOf(kindOf(), "thing:1")
      const values = await Promise.all(Array.from({ length: 500 }, () => cache.read(target, source.load)))
      assert.equal(source.loads, 1)
      assert.deepEqual(new Set(values.map((value) => JSON.stringify(value))), new Set(['{"id":1}']))
    })

    it("share one load across processes, though it takes 300 ms", async () => {
      const store = new MemoryStore()
      await using one = await open({ store })
      await using two = await open({ store })
      const source = new Source({ id: 1 })
      const letGo = source.hold()
      setTimeout(letGo, 300)
      const reads = [one, two].flatMap((cache) => {
        const target = targetOf(kindOf(), "thing:1")
        return Array.from({ length: 500 }, () => cache.read(target, source.load))
      })
      const values = await Promise.all(reads)
      assert.equal(source.loads, 1)
      assert.equal(values.length, 1_000)
      assert.ok(values.every((value) => (value as { id: number }).id === 1))
    })

    it("that come while it is loaded take it once it is kept", async () => {
      await using cache = await open({ local: false })
      const source = new Source("value")
      const target = targetOf(kindOf(), "thing:1")
      const letGo = source.hold()
      const first = cache.read(target, source.load)
      await until(() => source.loads === 1, "the load has begun")
      const late = cache.read(target, source.load)
      letGo()
      assert.deepEqual(await Promise.all([first, late]), ["value", "value"])
      assert.equal(source.loads, 1)
    })

    it("that come after a write do not take what was loaded before it, and it is not kept", async () => {
      await using cache = await open({ local: false })
      const source = new Source("old")
      const kind = kindOf()
      const target = targetOf(kind, "thing:1")
      const letGo = source.hold()
      const first = cache.read(target, source.load)
      await until(() => source.loads === 1, "the load has begun")
      source.value = "new"
      await write(cache, changesOf(["thing:1"]))
      const late = cache.read(target, source.load)
      letGo()
      assert.equal(await first, "old", "it began before the write was acknowledged")
      assert.equal(await late, "new")
      assert.equal(await cache.read(target, source.load), "new")
      assert.equal(kind.counters.refusedFills, 1)
    })

    it("wait for a filler elsewhere no longer than its lease, and then load and keep it", async () => {
      const store = new MemoryStore()
      await using cache = await open({ local: false, store })
      await command("SET", "thing:1", `L${store.row?.epoch}:dead.1`, "PX", "250")
      const begun = elapsed()
      assert.equal(await cache.read(targetOf(kindOf(), "thing:1"), new Source(1).load), 1)
      const took = elapsed() - begun
      assert.ok(took > 150 && took < 8_000, `${took} ms`)
      await filled("thing:1")
    })

    it("go to the database, and keep nothing, where the filler elsewhere takes too long", async () => {
      const store = new MemoryStore()
      await using cache = await open({ local: false, store, timings: { pollMs: 200 } })
      const lease = `L${store.row?.epoch}:slow.1`
      await command("SET", "thing:1", lease)
      assert.equal(await cache.read(targetOf(kindOf(), "thing:1"), new Source(1).load), 1)
      assert.equal(await command("GET", "thing:1"), lease)
    })

    it("keep what takes longer to load than a lease lives", async () => {
      await using cache = await open({ local: false, timings: { leaseMs: 300, fenceMs: 312 } })
      // A machine that stands still for a whole lease may lose it; hardly so again and again.
      await until(async () => {
        const source = new Source(1)
        setTimeout(source.hold(), 700)
        assert.equal(await cache.read(targetOf(kindOf(), "thing:1"), source.load), 1)
        await sleep(50)
        return String(await command("GET", "thing:1")).startsWith("V")
      }, "it is kept")
    })
  })

  describe("an entry past its soft time to live", () => {
    const soft = () => kindOf({ ttlMs: 60_000, softTtlMs: 30 })

    for (const local of [true, false]) {
      it(`is given and renewed in the background${local ? ", also from memory" : ""}`, async () => {
        await using cache = await open({ local })
        const kind = soft()
        const source = new Source("first")
        const read = () => cache.read(targetOf(kind, "thing:1"), source.load)
        await read()
        await filled("thing:1")
        await read()
        await sleep(60)
        const letGo = source.hold()
        const { loads } = source
        source.value = "second"
        await until(async () => {
          // A slow machine may have renewed it before.
          assert.equal(await read(), "first")
          return source.loads === loads + 1
        }, "the renewal has begun")
        assert.equal(await read(), "first", "it stays until it is replaced")
        await sleep(20)
        assert.equal(source.loads, loads + 1, "one renews it")
        letGo()
        await until(async () => (await read()) === "second", "it is renewed")
        assert.ok(kind.counters.renewals >= 1)
      })
    }

    it("is renewed by one process alone", async () => {
      const store = new MemoryStore()
      await using one = await open({ local: false, store })
      await using two = await open({ local: false, store })
      const source = new Source("first")
      const read = (cache: typeof one) => cache.read(targetOf(soft(), "thing:1"), source.load)
      await read(one)
      await filled("thing:1")
      await sleep(60)
      const letGo = source.hold()
      const { loads } = source
      await until(async () => {
        await read(one)
        return source.loads > loads
      }, "the renewal has begun")
      for (let count = 0; count < 20; count++) {
        await read(two)
        await sleep(5)
      }
      assert.equal(source.loads, loads + 1)
      letGo()
    })

    it("is not brought back by a renewal that began before a write", async () => {
      await using cache = await open({ local: false })
      const kind = soft()
      const source = new Source("first")
      const target = targetOf(kind, "thing:1")
      await cache.read(target, source.load)
      await filled("thing:1")
      await sleep(60)
      const letGo = source.hold()
      const { loads } = source
      await until(async () => {
        await cache.read(target, source.load)
        return source.loads > loads
      }, "the renewal has begun")
      source.value = "written"
      await write(cache, changesOf(["thing:1"]))
      letGo()
      await until(() => kind.counters.refusedFills === 1, "the renewal is refused")
      assert.equal(await cache.read(target, source.load), "written")
    })

    it("goes where its renewal finds none", async () => {
      await using cache = await open({ local: false })
      const source = new Source("first")
      const target = targetOf(soft(), "thing:1")
      await cache.read(target, source.load)
      await filled("thing:1")
      await sleep(60)
      source.value = undefined
      await until(async () => {
        await cache.read(target, source.load)
        return (await command("EXISTS", "thing:1")) === 0
      }, "the entry is gone")
    })
  })

  describe("the memory of a process", () => {
    const windowMs = 200

    /** Two caches of one system, of which the first has an entry in its memory. */
    async function withKept(run: (given: Awaited<ReturnType<typeof kept>>) => Promise<void>): Promise<void> {
      const given = await kept()
      try {
        await run(given)
      } finally {
        await given.reader.stop()
        await given.writer.stop()
      }
    }

    async function kept() {
      const store = new MemoryStore()
      const timings = { windowMs }
      const reader = await open({ store, timings })
      const writer = await open({ store, timings })
      const source = new Source("old")
      const kind = kindOf()
      const target = targetOf(kind, "thing:1")
      await reader.read(target, source.load)
      await filled("thing:1")
      await until(async () => {
        await reader.read(target, source.load)
        return target.slot !== undefined && reader.peek(target) !== absent
      }, "it is in the memory")
      return { store, reader, writer, source, kind, target }
    }

    it("answers at once, and stays in use while it is used", () =>
      withKept(async ({ reader, target, kind }) => {
        const { hitsRemote } = kind.counters
        let hits = 0
        for (let turn = 0; turn < 40; turn++) {
          if (reader.peek(target) === "old") hits++
          await sleep(5)
        }
        assert.ok(hits > 20, `${hits} of 40`)
        assert.equal(kind.counters.hitsRemote, hitsRemote)
      }))

    it("forgets what another process wrote, before that write is acknowledged", () =>
      withKept(async ({ reader, writer, source, target }) => {
        source.value = "new"
        await write(writer, changesOf(["thing:1"]))
        assert.notEqual(reader.peek(target), "old")
        assert.equal(await reader.read(target, source.load), "new")
      }))

    it("forgets what depends on a tag that another process invalidated", () =>
      withKept(async ({ reader, writer, source, target }) => {
        source.value = "new"
        await write(writer, changesOf(["tag:things"]))
        assert.notEqual(reader.peek(target), "old")
        assert.equal(await reader.read(target, source.load), "new")
      }))

    it("forgets all when Redis is flushed or the connection ends", () =>
      withKept(async ({ reader, target }) => {
        await command("FLUSHALL")
        await until(() => target.slot === undefined, "it is forgotten")
        await reader.read(target, new Source("again").load)
        await filled("thing:1")
        await until(async () => {
          await reader.read(target, new Source("again").load)
          return target.slot !== undefined
        }, "it is in the memory again")
        await command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        await until(() => target.slot === undefined, "it is forgotten")
      }))

    it("is not used while Redis does not confirm it", () =>
      withKept(async ({ reader, target }) => {
        assert.equal(reader.peek(target), "old")
        place.server.signal("SIGSTOP")
        try {
          await sleep(windowMs + 20)
          assert.equal(reader.peek(target), absent)
        } finally {
          place.server.signal("SIGCONT")
        }
      }))

    it("is not kept by who does not want it", async () => {
      await using cache = await open({ local: false })
      const target = targetOf(kindOf(), "thing:1")
      await cache.read(target, new Source(1).load)
      await filled("thing:1")
      await cache.read(target, new Source(1).load)
      assert.equal(cache.memory, undefined)
      assert.equal(cache.peek(target), absent)
    })
  })

  describe("a write", () => {
    const timed = async (work: () => Promise<void>) => {
      const begun = elapsed()
      await work()
      return elapsed() - begun
    }

    it("waits for the memories of others, and only where there are any", async () => {
      const store = new MemoryStore()
      const timings = { leaseMs: 300, fenceMs: 312, windowMs: 200 }
      await using alone = await open({ local: false, store, timings })
      const took: number[] = []
      for (let count = 0; count < 10; count++) took.push(await timed(() => write(alone, changesOf(["thing:1"]))))
      assert.ok(Math.min(...took) < 200, `${took}`)
      await using keeper = await open({ local: true, store, timings })
      await until(() => store.row?.windowMs === 200, "the window is agreed upon")
      // After that no process relies on an earlier look.
      await sleep(timings.leaseMs)
      for (let count = 0; count < 2; count++) {
        assert.ok((await timed(() => write(alone, changesOf(["thing:1"])))) >= 200)
        assert.ok((await timed(() => write(keeper, changesOf(["thing:1"])))) >= 200)
      }
    })

    it("records what it is going to invalidate, and takes the record back when that is done", async () => {
      const store = new MemoryStore()
      await using cache = await open({ store })
      const changes = changesOf(["thing:1", "tag:things"])
      await cache.prepare(changes)
      assert.deepEqual([...store.outbox.values()], [["thing:1", "tag:things"]])
      await cache.committed(changes)
      await until(() => store.outbox.size === 0, "the record is taken back")
    })

    it("that died after its commit is finished by whoever finds its record", async () => {
      const store = new MemoryStore()
      await using cache = await open({ store, local: false, timings: { oldMs: 150, sweepMs: 40 } })
      const source = new Source("old")
      const target = targetOf(kindOf(), "thing:1")
      await cache.read(target, source.load)
      await filled("thing:1")
      source.value = "new"
      await store.record(["thing:1"])
      await until(() => store.outbox.size === 0, "the record is worked off")
      assert.equal(await cache.read(target, source.load), "new")
    })

    it("that refreshes puts the new value there, with a new time to live", async () => {
      await using cache = await open({ local: false })
      const kind = kindOf()
      const source = new Source("old")
      const target = targetOf(kind, "thing:1")
      await cache.read(target, source.load)
      await filled("thing:1")
      await command("PEXPIRE", "thing:1", "5000")
      source.value = "new"
      await write(cache, changesOf([], [{ target, load: source.load }]))
      await filled("thing:1")
      const described = describeValue((await command("GET", "thing:1")) as string)
      assert.ok(described.kind === "entry" && described.json === '"new"')
      assert.ok(((await command("PTTL", "thing:1")) as number) > 50_000)
      assert.equal(await cache.read(target, source.load), "new")
      assert.equal(source.loads, 2)
    })

    it("that refreshes is not undone by an earlier refresh that comes late", async () => {
      const store = new MemoryStore()
      await using one = await open({ local: false, store })
      await using two = await open({ local: false, store })
      const target = () => targetOf(kindOf(), "thing:1")
      const slow = new Source("first")
      const letGo = slow.hold()
      await write(one, changesOf([], [{ target: target(), load: slow.load }]))
      await until(() => slow.loads === 1, "the first refresh has read")
      const fast = new Source("second")
      await write(two, changesOf([], [{ target: target(), load: fast.load }]))
      await filled("thing:1")
      letGo()
      await sleep(30)
      for (const cache of [one, two]) assert.equal(await cache.read(target(), fast.load), "second")
    })

    it("that refreshes and clears a tag does both", async () => {
      await using cache = await open({ local: false })
      const kind = kindOf()
      const other = targetOf(kind, "thing:2")
      const source = new Source("old")
      await cache.read(other, source.load)
      await filled("thing:2")
      source.value = "new"
      await write(cache, changesOf(["tag:things"], [{ target: targetOf(kind, "thing:1"), load: source.load }]))
      await filled("thing:1")
      assert.equal(await cache.read(other, source.load), "new")
      assert.equal(await cache.read(targetOf(kind, "thing:1"), source.load), "new")
    })

    it("sends its invalidations together with those of others", async () => {
      await using cache = await open()
      const all = Array.from({ length: 50 }, (_, id) => changesOf([`thing:${id}`]))
      for (const changes of all) await cache.prepare(changes)
      await command("CONFIG", "RESETSTAT")
      await Promise.all(all.map((changes) => cache.committed(changes)))
      const calls = Number(/cmdstat_del:calls=(\d+)/.exec(String(await command("INFO", "commandstats")))?.[1])
      assert.ok(calls < 10, `${calls} commands for 50 writes`)
    })

    it("of very many keys invalidates them all", async () => {
      await using cache = await open({ local: false })
      const keys = Array.from({ length: 5_000 }, (_, id) => `thing:${id}`)
      for (const key of [0, 999, 1_000, 4_999].map((id) => `thing:${id}`)) await command("SET", key, "x")
      await write(cache, changesOf(keys))
      assert.equal(await command("DBSIZE"), 0)
    })

    it("is acknowledged at once where staleness is only bounded, and invalidates all the same", async () => {
      const store = new MemoryStore()
      await using cache = await open({ mode: "bounded", store, timings: { windowMs: 1_000 } })
      const source = new Source("old")
      const target = targetOf(kindOf(), "thing:1")
      await cache.read(target, source.load)
      await filled("thing:1")
      source.value = "new"
      const changes = changesOf(["thing:1"])
      await cache.prepare(changes)
      const took = await timed(() => cache.committed(changes))
      assert.ok(took < 1_000, `${took} ms`)
      await until(async () => (await cache.read(target, source.load)) === "new", "it is invalidated")
      await until(() => store.outbox.size === 0, "the record is taken back")
    })

    it("needs no control tables where values only age", async () => {
      await using cache = await open({ mode: "ttl" })
      assert.equal(cache.recordsWrites, false)
      const source = new Source("old")
      const target = targetOf(kindOf(), "thing:1")
      await cache.read(target, source.load)
      await filled("thing:1")
      source.value = "new"
      await write(cache, changesOf(["thing:1"]))
      await until(async () => (await cache.read(target, source.load)) === "new", "it is invalidated")
    })
  })

  describe("for people", () => {
    it("shows keys, values and times to live by their logical keys, and empties the cache alone", async () => {
      await using cache = await open({ prefix: "shop:" })
      await command("SET", "shop:state", '{"of":"someone else"}')
      await command("SET", "elsewhere", "x")
      const kind = kindOf()
      for (const id of [1, 2, 3]) await cache.read(targetOf(kind, `thing:${id}`), new Source({ id }).load)
      for (const id of [1, 2, 3]) await filled(`shop:thing:${id}`)
      assert.deepEqual((await cache.keys("thing:*", 10)).sort(), ["thing:1", "thing:2", "thing:3"])
      assert.deepEqual(await cache.keys("*:2", 10), ["thing:2"])
      assert.equal((await cache.keys("*", 2)).length, 2)
      const inspected = await cache.inspect("thing:2")
      assert.equal(inspected?.text, '{"id":2}')
      assert.ok((inspected?.ttlMs as number) > 50_000)
      assert.equal(await cache.inspect("thing:9"), undefined)
      await cache.flush()
      assert.deepEqual(await cache.keys("*", 10), [])
      assert.deepEqual(((await command("KEYS", "*")) as string[]).sort(), ["elsewhere", "shop:state"])
      assert.deepEqual(await cache.read(targetOf(kind, "thing:1"), new Source("loaded anew").load), "loaded anew")
    })
  })

  it("leaves neither timer nor connection when it stops, twice as well as once", async () => {
    const resources = () => process.getActiveResourcesInfo().filter((name) => /Timeout|TCPSocket/.test(name))
    const before = resources().length
    const cache = await open()
    const target = targetOf(kindOf(), "thing:1")
    await cache.read(target, new Source(1).load)
    await cache.read(target, new Source(1).load)
    await Promise.all([cache.stop(), cache.stop()])
    await until(() => resources().length <= before, "all is given back")
    assert.equal(cache.peek(target), absent)
  })
})
