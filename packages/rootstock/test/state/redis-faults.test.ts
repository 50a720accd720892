import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { type RedisCoherence, redisCoherence } from "../../src/cache/redis/index.ts"
import { elapsed } from "../../src/clock/index.ts"
import { openDatabase } from "../../src/index.ts"
import { createSchema } from "../../src/migrate/index.ts"
import { OrderedSets, StateStore } from "../../src/state/index.ts"
import { engines, requireService } from "../support/index.ts"
import { startRedisServer } from "./redis-server.ts"
import { tablesOverRedis } from "./tables.ts"

const keys = ["bot:1:1", "bot:1:2"]
const feed = "feed:1"

/** One of the processes of a system, as far as its database and its coherence go. */
async function join(url: string, redis: string) {
  const db = await openDatabase(url, { tables: tablesOverRedis, warn: () => undefined })
  const coherence = redisCoherence(redis, db as never, { warn: () => undefined })
  await coherence.start()
  return {
    coherence,
    states: new StateStore<number>(db, { coherence }),
    sets: new OrderedSets(db, { coherence }),
    async [Symbol.asyncDispose]() {
      await coherence.stop()
      await db.close()
    },
  }
}

type Process = Awaited<ReturnType<typeof join>>

/** Writes and reads without a pause, and compares: no read may give less than what was acknowledged before it began. */
class Load {
  reads = 0
  writes = 0
  slowest = 0
  readonly stale: string[] = []
  readonly #acknowledged = new Map<string, number>()
  #ended = false
  readonly #loops: Promise<void>[] = []

  constructor(processes: readonly Process[]) {
    for (const process of processes) {
      this.#loops.push(this.#write(process), this.#read(process), this.#read(process))
    }
  }

  async #write({ states, sets }: Process): Promise<void> {
    while (!this.#ended) {
      for (const key of keys) {
        const { data } = await states.update(key, (current) => ({ data: (current.data ?? 0) + 1 }))
        this.#told(key, data as number)
      }
      const score = ++this.writes
      await sets.add(feed, { member: `post:${score}`, score }, { trimTo: 20 })
      this.#told(feed, score)
    }
  }

  #told(key: string, value: number): void {
    this.#acknowledged.set(key, Math.max(value, this.#acknowledged.get(key) ?? 0))
  }

  async #read({ states, sets }: Process): Promise<void> {
    while (!this.#ended) {
      for (const key of [...keys, feed]) {
        const least = this.#acknowledged.get(key) ?? 0
        const begun = elapsed()
        const found =
          key === feed ? (await sets.page(feed, { limit: 5 })).members[0]?.score : (await states.get(key)).data
        this.slowest = Math.max(this.slowest, elapsed() - begun)
        this.reads++
        if ((found ?? 0) < least) this.stale.push(`${key}: ${found} < ${least}`)
      }
      // Reads from memory would leave nobody else a turn.
      await new Promise(setImmediate)
    }
  }

  /** Waits until so many more reads and writes were answered. */
  async goesOn(reads: number, writes: number): Promise<void> {
    const wanted = { reads: this.reads + reads, writes: this.writes + writes }
    await until("the load goes on", () => this.reads >= wanted.reads && this.writes >= wanted.writes)
  }

  async end(): Promise<void> {
    this.#ended = true
    await Promise.all(this.#loops)
  }
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const limit = elapsed() + 30_000
  while (!holds()) {
    assert.ok(elapsed() < limit, `${what} within 30 s`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const hits = ({ states, sets }: Process) => {
  const counts = [states.counts, sets.counts]
  return counts.reduce((sum, { hitsLocal, hitsRemote }) => sum + hitsLocal + hitsRemote, 0)
}

/** One of each kind: the servers differ in nothing that is at stake here. */
const places = (["sqlite", "postgres"] as const).flatMap(
  (dialect) => engines.findLast((engine) => engine.dialect === dialect) ?? [],
)

// Beside one another, since each waits most of its time.
describe("the state layer over a Redis that fails", { concurrency: true }, () => {
  requireService("TEST_REDIS_URL", "with a server of its own", () => {
    for (const engine of places) {
      it(`never gives a state or a feed from before an acknowledged write, and answers all the while, on ${engine.name}`, async () => {
        await using redis = await startRedisServer()
        await using temporary = await engine.temporaryDatabase()
        await createSchema(temporary.url, tablesOverRedis)
        await using first = await join(temporary.url, redis.url)
        await using second = await join(temporary.url, redis.url)
        const processes = [first, second]
        const load = new Load(processes)
        const served = async () => {
          const before = processes.map(hits)
          await until("reads come from the cache", () =>
            processes.every((process, index) => hits(process) > (before[index] as number)),
          )
        }
        const away = (coherence: RedisCoherence) => coherence.state === "away" || !coherence.serving
        await served()

        await redis.flush()
        await load.goesOn(50, 5)
        await served()

        await redis.snapshot()
        await load.goesOn(50, 5)
        await redis.signal("SIGKILL")
        await until("the loss is seen", () => processes.every(({ coherence }) => away(coherence)))
        await load.goesOn(50, 5)
        await redis.start()
        await served()

        await redis.signal("SIGSTOP")
        await load.goesOn(50, 5)
        await redis.signal("SIGCONT")
        await served()

        await load.end()
        assert.deepEqual(load.stale, [])
        for (const key of keys) {
          const [one, other] = await Promise.all(processes.map(({ states }) => states.get(key)))
          assert.equal(one?.data, other?.data)
        }
      })
    }
  })
})
