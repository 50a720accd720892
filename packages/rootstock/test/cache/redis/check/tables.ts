import { cacheResult, cacheRows, cacheTables, tagsOf } from "../../../../src/cache/index.ts"
import { identity, integer, table } from "../../../../src/schema/index.ts"
import { Storage } from "../../../../src/storage/index.ts"

/** Rows that carry their version, cached and forgotten at a write. */
const plain = table("plain_rows", { id: identity(), team: integer(), version: integer().default(1) })
/** The same, replaced at a write. */
const renewed = table("renewed_rows", { id: identity(), team: integer(), version: integer().default(1) })

export const tables = { plain, renewed, ...cacheTables } as const

export class PlainStorage extends Storage(plain) {}
export class RenewedStorage extends Storage(renewed) {}

/** How many rows each table has, with the keys from 1 on. */
export const rowCount = 8
export const teams = 2

export type Row = { readonly id: number; readonly team: number; readonly version: number }

const plainTags = tagsOf(plain)
const renewedTags = tagsOf(renewed)

/** What is cached. @param team reads the rows of a team from both tables */
export function declareCaches(team: (team: number) => Promise<{ plain: Row[]; renewed: Row[] }>) {
  return {
    plain: cacheRows(PlainStorage, { key: "plain:{id}", ttl: "1h" }),
    renewed: cacheRows(RenewedStorage, { key: "renewed:{id}", ttl: "10m", softTtl: "2s", onWrite: "refresh" }),
    team: cacheResult(
      "team:{team}",
      { ttl: "1h", tags: (team: number) => [plainTags.where({ team }), renewedTags.where({ team })] },
      team,
    ),
  }
}
