import { afterEach, beforeEach } from "node:test"
import { type Cache, type CacheDeclaration, type CacheOptions, openCache } from "../../../src/cache/index.ts"
import type { Database } from "../../../src/index.ts"
import type { Tables } from "../../../src/schema/index.ts"
import { forEachDatabase, type Place, queriesOf } from "../../storage/support.ts"

/** A database with a cache, which every test gets anew. */
export type CachedPlace<S extends Tables> = Place<S> & {
  readonly cache: Cache
  /** What the cache warned of during the test. */
  readonly cacheWarnings: readonly string[]
}

/** The tier that is in this process; on PostgreSQL it must be told that there is no other. */
export function inProcess(url: string | undefined): string {
  return url?.startsWith("postgres") === true ? "memory:?exclusive=true" : "memory:"
}

type Options = Omit<CacheOptions, "url" | "caches"> & Parameters<typeof forEachDatabase>[2]

/** Defines the same cases on every place where a database can be, with the tier that is in this process. */
export function forEachCached<const S extends Tables>(
  tables: S,
  caches: readonly CacheDeclaration[],
  define: (place: CachedPlace<S>) => void,
  { memory, random, trace, ...options }: Options = {},
): void {
  forEachDatabase(
    tables,
    (place) => {
      const warnings: string[] = []
      const cached = Object.defineProperties(Object.create(place), {
        cache: { value: undefined, writable: true },
        cacheWarnings: { value: warnings },
      }) as CachedPlace<S> & { cache: Cache }
      beforeEach(async () => {
        warnings.length = 0
        cached.cache = await openCache(place.db as unknown as Database, {
          url: inProcess(place.url),
          caches,
          memory,
          random,
          trace,
          warn: (message) => warnings.push(message),
        })
      })
      afterEach(() => cached.cache.close())
      define(cached)
    },
    options,
  )
}

/** Statements that the database ran while `work` did; none where all came from the cache. */
export async function asked(db: Database<any>, work: () => Promise<unknown>): Promise<string[]> {
  return queriesOf(db, work)
}
