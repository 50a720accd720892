import assert from "node:assert/strict"
import { after, before, it } from "node:test"
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises"
import fc from "fast-check"
import { Cache, type CacheDeclaration, cacheTables } from "../../../src/cache/index.ts"
import { DatabaseStore, type RedisCoherence, type Timings, timings } from "../../../src/cache/redis/index.ts"
import { type Database, openDatabase } from "../../../src/index.ts"
import { createSchema } from "../../../src/migrate/index.ts"
import { OwnRedis, requireRedisServer } from "../../redis/redis-server.ts"
import { forEachEngine, startTcpProxy, type TcpProxy, type TemporaryDatabase } from "../../support/index.ts"
import { randomOf } from "../simulation/random.ts"
import {
  callAtOnce,
  checkSequence,
  counterCaches,
  counterTables,
  disturbedSequences,
  makeWorld,
  sequences,
  worldTables,
} from "../support/index.ts"
import { makeCoherence, until } from "./support.ts"

const tables = { ...worldTables, ...counterTables, ...cacheTables }

/** What a fault takes of the time of a test: the same protocol, five times as fast. */
const quick: Partial<Timings> = {
  leaseMs: 200,
  fenceMs: 208,
  patienceMs: 400,
  pollMs: 200,
  sweepMs: 45,
  oldMs: 200,
}
const quickDeadlineMs = 100

/** One of the processes that share the database and Redis. */
type Instance = { readonly cache: Cache; readonly coherence: RedisCoherence }

const tiers = [
  { title: "Redis alone", local: [false, false] },
  { title: "Redis and memory", local: [true, true] },
  { title: "Redis, with memory in one of two processes", local: [true, false] },
] as const

requireRedisServer("random calls over Redis", () => {
  let redis: OwnRedis
  /** The way of each process to Redis. */
  const proxies: TcpProxy[] = []
  before(async () => {
    redis = await OwnRedis.start()
    for (let count = 0; count < 2; count++) proxies.push(await startTcpProxy(redis.url))
  })
  after(async () => {
    for (const proxy of proxies) await proxy[Symbol.asyncDispose]()
    await redis?.[Symbol.asyncDispose]()
  })

  const cut = (index: number) => proxies[index]?.cut()
  let cuts = 0
  /** In the middle of what is done by then, at another place each time. */
  async function cutSoon(): Promise<void> {
    const index = cuts++
    for (let turns = index % 12; turns > 0; turns--) await turn()
    cut(index % 2)
  }
  function hang(index: number): void {
    proxies[index]?.hang()
    setTimeout(() => proxies[index]?.restore(), 2 * quickDeadlineMs)
  }
  /** Faults of the server and of the ways to it, each of which passes by itself. */
  const faults = {
    "cut the first": () => cut(0),
    "cut the second": () => cut(1),
    "cut one soon": () => void cutSoon(),
    "hang the first": () => hang(0),
    "hang the second": () => hang(1),
    flush: async () => {
      await redis.command("FLUSHALL")
    },
    restart: () => redis.restart(),
  }

  forEachEngine((engine) => {
    let temporary: TemporaryDatabase
    let databases: readonly [Database<any>, Database<any>]
    before(async () => {
      temporary = await engine.temporaryDatabase()
      await createSchema(temporary.url, tables)
      const open = () => openDatabase(temporary.url, { tables, nPlusOne: { mode: "off" } }) as Promise<Database<any>>
      databases = [await open(), await open()]
    })
    after(async () => {
      for (const db of databases ?? []) await db.close()
      await temporary.dispose()
    })

    async function start(
      index: 0 | 1,
      local: boolean,
      caches: readonly CacheDeclaration[],
      faulty: boolean,
    ): Promise<Instance & AsyncDisposable> {
      const plain = databases[index] as Database
      const coherence = makeCoherence({
        url: (proxies[index] as TcpProxy).url,
        store: new DatabaseStore(plain),
        local,
        ...(faulty ? { timings: quick, deadlineMs: quickDeadlineMs } : { timings }),
      })
      const cache = new Cache(plain, coherence, caches, undefined)
      await cache.start()
      return { cache, coherence, [Symbol.asyncDispose]: () => cache.close() }
    }

    /** Reads that were answered from the caches. */
    const hitsOf = (instances: readonly Instance[]): number =>
      instances
        .flatMap(({ cache }) => Object.values(cache.stats().kinds))
        .reduce((sum, { hitsLocal, hitsRemote }) => sum + hitsLocal + hitsRemote, 0)

    async function checkAll({ local, faulty }: { local: readonly [boolean, boolean]; faulty: boolean }) {
      const random = randomOf(5)
      let hits = 0
      const one = async (sequence: Parameters<typeof checkSequence>[1]) => {
        const worlds = databases.map((db) => makeWorld(db))
        await using first = await start(0, local[0], worlds[0]?.caches ?? [], faulty)
        await using second = await start(1, local[1], worlds[1]?.caches ?? [], faulty)
        await until(() => first.coherence.serving && second.coherence.serving, "both caches serve")
        await checkSequence(() => (worlds[random() < 0.5 ? 0 : 1] as (typeof worlds)[0]).world, sequence)
        hits += hitsOf([first, second])
      }
      const given = faulty ? disturbedSequences(faults) : sequences
      await fc.assert(fc.asyncProperty(given, one), { numRuns: 3 })
      return hits
    }

    for (const { title, local } of tiers) {
      it(`have the model's answers in two processes: ${title}`, async (t) => {
        const hits = await checkAll({ local, faulty: false })
        t.diagnostic(`${hits} hits`)
        assert.ok(hits > 100)
      })

      it(`have the model's answers with Redis cut, hanging, flushed and restarted meanwhile: ${title}`, async (t) => {
        const hits = await checkAll({ local, faulty: true })
        t.diagnostic(`${hits} hits`)
      })

      for (const faulty of [false, true]) {
        const meanwhile = faulty ? " with Redis cut and flushed meanwhile" : ""
        it(`of callers at once are never stale${meanwhile}: ${title}`, async (t) => {
          const made = databases.map((db) => counterCaches(db))
          const declared = made.map(({ rows, versionOf, versions }) => [rows, versionOf, versions])
          await using first = await start(0, local[0], declared[0] ?? [], faulty)
          await using second = await start(1, local[1], declared[1] ?? [], faulty)
          await until(() => first.coherence.serving && second.coherence.serving, "both caches serve")
          const instances = [first, second]
          const places = made.map(({ versionOf, versions }, index) => {
            const { cache } = instances[index] as Instance
            const results = { versionOf: cache.result(versionOf), versions: cache.result(versions) }
            return { db: databases[index] as Database<any>, results }
          })
          let called = false
          const calling = callAtOnce({ places, callers: 4, calls: faulty ? 300 : 100, random: randomOf(11) }).finally(
            () => {
              called = true
            },
          )
          // Each way a few times only: who is cut off again and again waits ever longer before it comes back.
          const harming = async (): Promise<void> => {
            for (let count = 0; count < 8 && !called; count++) {
              await sleep(150)
              if (count % 4 === 3) await redis.command("FLUSHALL")
              else cut(count % 2)
            }
          }
          const [met] = await Promise.all([calling, faulty ? harming() : undefined])
          const hits = hitsOf(instances)
          t.diagnostic(`${met.reads} reads and ${met.writes} writes, ${met.stale} stale, ${hits} hits`)
          assert.equal(met.stale, 0)
          assert.ok(met.reads > 200 && met.writes > 50)
          if (!faulty) assert.ok(hits > 20)
        })
      }
    }
  })
})
