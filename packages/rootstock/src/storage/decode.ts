import type { Dialect } from "../engine/index.ts"
import type { ColumnDefinition, TableDefinition } from "../schema/index.ts"

/** Makes a row from the driver's array. */
export type RowDecoder = (row: readonly any[]) => any

/**
 * Compiles the function that makes a row of a table, its columns standing from `offset` on. Relations that will be
 * filled in later get their place at once, so that all rows of a plan have one hidden class.
 */
export function compileDecoder(
  table: TableDefinition,
  dialect: Dialect,
  relations: readonly string[] = [],
  offset = 0,
): RowDecoder {
  const decoders: ((raw: any) => unknown)[] = []
  const parts = table.columns.map((column, index) => {
    const raw = `r[${index + offset}]`
    const { decode } = dialect.codec(column.type)
    if (decode === undefined) return `${JSON.stringify(column.key)}: ${raw}`
    decoders.push(decode)
    const decoded = `d${decoders.length - 1}(${raw})`
    return `${JSON.stringify(column.key)}: ${column.nullable ? `${raw} === null ? null : ${decoded}` : decoded}`
  })
  for (const name of relations) parts.push(`${JSON.stringify(name)}: null`)
  const names = decoders.map((_, index) => `d${index}`)
  // The source is made of indexes and JSON strings only.
  const make = new Function(...names, `"use strict"; return (r) => ({ ${parts.join(", ")} })`)
  return make(...decoders) as RowDecoder
}

/** Whether the statement must read integers as bigint. */
export function isWide(columns: readonly ColumnDefinition[], dialect: Dialect): boolean {
  return columns.some((column) => dialect.codec(column.type).wide === true)
}

/** The columns of a table as a SELECT or RETURNING lists them. */
export function columnList(table: TableDefinition, dialect: Dialect, alias?: string): string {
  return table.columns
    .map(({ name }) => (alias === undefined ? dialect.identifier(name) : `${alias}.${dialect.identifier(name)}`))
    .join(", ")
}
