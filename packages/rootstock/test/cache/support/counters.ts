import { cacheResult, cacheRows, tagsOf } from "../../../src/cache/index.ts"
import type { Database } from "../../../src/index.ts"
import { integer, table } from "../../../src/schema/index.ts"
import { Storage } from "../../../src/storage/index.ts"

/** Rows that count their writes, so that a reader can tell whether it read an old one. */
export const counters = table("counters", { id: integer().primaryKey(), version: integer() })
export const counterTables = { counters }
export class Counters extends Storage(counters) {}

/** What is cached of the counters, for one opened database that has their table. */
export function counterCaches(db: Database<any>) {
  const store = db.storage(Counters)
  const versionOf = cacheResult(
    "version:{id}",
    { ttl: "1h", tags: (id) => [tagsOf(counters).row(id)] },
    async (id: number) => (await store.getOrFail(id)).version,
  )
  const versions = cacheResult("versions", { ttl: "1h", tags: () => [tagsOf(counters).all()] }, async () =>
    (await store.list()).map(({ version }) => version),
  )
  return { rows: cacheRows(Counters, { key: "counter:{id}", ttl: "1h" }), versionOf, versions }
}
