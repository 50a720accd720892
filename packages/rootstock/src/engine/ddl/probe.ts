import type { Statement } from "./contract.ts"
import type { ReferenceModel } from "./model.ts"
import { identifier } from "./text.ts"

/** Where rows are looked at before a change: a table, or a SELECT of what a table will have. */
export type Rows = { readonly from: string; readonly table: string; readonly keys: readonly string[] }

export function rowsOf(table: string, keys: readonly string[]): Rows {
  return { from: identifier(table), table, keys }
}

/** A query for rows that fulfil `condition`; the migration is refused where there are any. */
export function refuseRows(rows: Rows, condition: string, sentence: string): Statement {
  const keys = rows.keys.map(identifier)
  return {
    sql: `SELECT ${["count(*) OVER () AS found", ...keys].join(", ")} FROM ${rows.from} AS source WHERE ${condition} LIMIT 5`,
    refuses: `of ${rows.table} ${sentence}`,
  }
}

export function refuseNulls(rows: Rows, column: string): Statement {
  return refuseRows(rows, `${identifier(column)} IS NULL`, `have no ${column}, which may not be null`)
}

export function refuseAny(rows: Rows, column: string): Statement {
  return refuseRows(rows, "1 = 1", `would have no ${column}, which may not be null and has no default`)
}

export function refuseBroken(rows: Rows, name: string, condition: string): Statement {
  return refuseRows(rows, `NOT (${condition})`, `break the check ${name} (${condition.replaceAll("\n", " ")})`)
}

export function refuseOrphans(rows: Rows, reference: ReferenceModel): Statement {
  const { column, table, target, name } = reference
  const there = `EXISTS (SELECT 1 FROM ${identifier(table)} AS target WHERE target.${identifier(target)} = source.${identifier(column)})`
  return refuseRows(
    rows,
    `source.${identifier(column)} IS NOT NULL AND NOT ${there}`,
    `break the reference ${name}: their ${column} is no ${table}.${target}`,
  )
}

export function refuseTwins(rows: Rows, name: string, columns: readonly string[]): Statement {
  const list = columns.map(identifier).join(", ")
  const known = columns.map((column) => `${identifier(column)} IS NOT NULL`).join(" AND ")
  return {
    sql: `SELECT sum(count(*)) OVER () AS found, ${list} FROM ${rows.from} AS source WHERE ${known} GROUP BY ${list} HAVING count(*) > 1 LIMIT 5`,
    refuses: `of ${rows.table} break the unique constraint ${name}: others have the same ${columns.join(", ")}`,
  }
}
