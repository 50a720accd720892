import { cacheResult, cacheRows, openCache, tagsOf } from "../../../../packages/rootstock/src/cache/index.ts"
import { openDatabase, Storage } from "../../../../packages/rootstock/src/index.ts"
import type { HitContestant, Places, SharedContestant, SharedPlaces } from "../contract.ts"
import { tables } from "../tables.ts"

const Users = Storage(tables.users)
const Counters = Storage(tables.counters)
export const userCache = cacheRows(Users, { key: "user:{id}", ttl: "1h" })

export type CacheChoice = Partial<Pick<Parameters<typeof openCache>[1], "url" | "local" | "coherence">>

/** Users through a cache; `storage.get(id)`. */
export async function openUsers(database: string, choice: CacheChoice) {
  const db = await openDatabase(database, { tables, postgres: { pool: { size: 10, overflow: 0 } } })
  const cache = await openCache(db, { caches: [userCache], ...choice })
  const { users, outbox } = db.storages({ users: Users, outbox: Storage(tables.cacheOutbox) })
  return {
    users,
    /** What a write over Redis records in its transaction: what it is going to invalidate. */
    record: (id: number) => outbox.create({ keys: [`user:${id}`] }),
    transaction: <T>(work: () => Promise<T>) => db.transaction(work),
    /** Reads that were not answered from the cache. */
    misses(): number {
      const { misses = 0, bypassed = 0 } = cache.stats().kinds["user:{id}"] ?? {}
      return misses + bypassed
    },
    async close(): Promise<void> {
      await cache.close()
      await db.close()
    },
  }
}

async function openHits(database: string, choice: CacheChoice, form: string): Promise<HitContestant> {
  const { users, misses, close } = await openUsers(database, choice)
  return {
    form,
    packages: [],
    async fill(wanted) {
      for (const { id } of wanted) await users.get(id)
    },
    get: (id) => users.get(id),
    misses,
    close,
  }
}

export const openRootstock = ({ database }: Places): Promise<HitContestant> =>
  openHits(database, { url: "memory:" }, "SQLite, the cache in the process; `storage.get(id)`")

/** Without a cache: every read is one of the database. */
export const openRootstockOff = ({ database }: Places): Promise<HitContestant> =>
  openHits(database, { url: "off:" }, "SQLite without a cache; `storage.get(id)`")

export const openRootstockRedis = ({ database, redis }: Places): Promise<HitContestant> =>
  openHits(
    database,
    { url: redis, local: false },
    "PostgreSQL, strict, without the tier in the process; `storage.get(id)`, which gives rows with their instants, frozen",
  )

/** @param local whether values are kept in the process too */
export async function openRootstockShared(
  { database, redis, pause }: SharedPlaces,
  local: boolean,
): Promise<SharedContestant> {
  const db = await openDatabase(database, { tables, postgres: { pool: { size: 10, overflow: 0 } } })
  const { counters } = db.storages({ counters: Counters })
  const { row } = tagsOf(tables.counters)
  let loads = 0
  const version = cacheResult("version:{id}", { ttl: "1h", tags: (id) => [row(id)] }, async (id: number) => {
    loads += 1
    const counter = await counters.getOrFail(id)
    await pause()
    return counter.version
  })
  const cache = await openCache(db, { caches: [version], url: redis, local })
  return {
    form: `strict, ${local ? "process and Redis" : "Redis alone"}; \`cacheResult\`, writes through the storage`,
    packages: [],
    read: (id) => version(id),
    async raise(id) {
      const counter = await counters.increment(id, { version: 1 })
      if (counter === undefined) throw new Error(`no counter ${id}`)
      return counter.version
    },
    loads: () => loads,
    async close() {
      await cache.close()
      await db.close()
    },
  }
}
