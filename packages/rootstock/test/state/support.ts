import { randomBytes } from "node:crypto"
import { after, before, beforeEach, describe } from "node:test"
import { type CacheCounts, type Coherence, EmbeddedCoherence } from "../../src/cache/index.ts"
import { type RedisCoherence, redisCoherence } from "../../src/cache/redis/index.ts"
import { elapsed } from "../../src/clock/index.ts"
import { openDatabase } from "../../src/index.ts"
import { createSchema } from "../../src/migrate/index.ts"
import { forEachDatabase, type Place } from "../storage/support.ts"
import { forEachEngine, requireService, type TemporaryDatabase } from "../support/index.ts"
import { tables, tablesOverRedis } from "./tables.ts"

export { refuses } from "../storage/support.ts"

export type StatePlace = Place<typeof tables>

/** Where reads come from. */
export type Tier = {
  readonly name: "without a cache" | "in memory" | "over Redis"
  /** A coherence for one process; undefined where every read is one of the database. */
  open(): Coherence | undefined
}

type Options = Parameters<typeof forEachDatabase>[2]

/** For cases that read row by row, as no program should. */
export const unwatched = { nPlusOne: { mode: "off" } } as const

const withoutCache: Tier = { name: "without a cache", open: () => undefined }
const inMemory: Tier = {
  name: "in memory",
  open: () =>
    new EmbeddedCoherence({
      random: Math.random,
      report: (error) => {
        throw error
      },
    }),
}

/** Defines the same cases on every engine and tier. */
export function forEachTier(define: (place: StatePlace, tier: Tier) => void, options: Options = {}): void {
  const inTiers = (place: StatePlace) => {
    for (const tier of [withoutCache, inMemory]) describe(tier.name, () => define(place, tier))
  }
  forEachDatabase(tables, inTiers, options)
  requireService("TEST_REDIS_URL", "over Redis", (redis) => {
    forEachEngine((engine) => overRedis(() => engine.temporaryDatabase(), redis, define, options))
  })
}

/** Removes all rows, past the coherence, and what is cached of them. */
export async function empty({ db }: StatePlace, coherence: Coherence | undefined): Promise<void> {
  await db.execute`DELETE FROM conversation_states`
  await db.execute`DELETE FROM ordered_set_members`
  await db.execute`DELETE FROM once`
  await coherence?.flush()
}

/** One coherence for all cases of an engine, since it takes a second to be trusted again after a stop. */
function overRedis(
  make: () => Promise<TemporaryDatabase>,
  redis: string,
  define: (place: StatePlace, tier: Tier) => void,
  options: Options,
): void {
  let temporary: TemporaryDatabase
  let coherence: RedisCoherence
  const warnings: string[] = []
  const place: { -readonly [K in keyof StatePlace]: StatePlace[K] } = {
    db: undefined as never,
    warnings,
    url: undefined,
  }
  before(async () => {
    temporary = await make()
    await createSchema(temporary.url, tablesOverRedis)
    place.url = temporary.url
    const warn = (message: string) => warnings.push(message)
    const db = await openDatabase(temporary.url, { ...options, tables: tablesOverRedis, warn })
    place.db = db as unknown as StatePlace["db"]
    const prefix = `t_${randomBytes(8).toString("hex")}:`
    coherence = redisCoherence(redis, db as never, { prefix, local: false, warn })
    await coherence.start()
  })
  beforeEach(async () => {
    await empty(place, coherence)
    warnings.length = 0
  })
  after(async () => {
    await coherence?.flush()
    await coherence?.stop()
    await place.db?.close()
    await temporary?.dispose()
  })
  define(place, { name: "over Redis", open: () => coherence })
}

/**
 * What two rounds of reads ask the database, once what they read is kept: statements that name the table, and reads that
 * the cache answered. Where nothing is cached, it is three rounds.
 */
export async function asked(
  { db }: StatePlace,
  { name }: Tier,
  table: string,
  store: { readonly counts: CacheCounts },
  read: () => Promise<void>,
): Promise<{ calls: number; kept: number }> {
  let calls = 0
  const stop = db.on("query", ({ sql }) => {
    if (sql.includes(table)) calls++
  })
  const hits = () => store.counts.hitsLocal + store.counts.hitsRemote
  try {
    await read()
    if (name !== "without a cache") {
      // Redis is filled behind the answer.
      const late = elapsed() + 20_000
      while (store.counts.fills === 0 && elapsed() < late) {
        await new Promise((resolve) => setTimeout(resolve, 5))
        if (hits() === 0) await read()
      }
      calls = 0
    }
    const before = hits()
    await read()
    await read()
    return { calls, kept: hits() - before }
  } finally {
    stop()
  }
}
