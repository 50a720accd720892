import { PostgresAdapter, PostgresQueryCompiler } from "kysely"
import { ValidationError } from "../../errors/index.ts"
import { type Codec, type ColumnType, postgresArray, type SqlValue } from "../../schema/index.ts"
import type { Dialect, RowSource } from "../contract.ts"
import { fold } from "../text.ts"

const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`

const codec = (type: ColumnType): Codec => type.codecs.postgres

/** `unnest` would flatten lists, so they go as text and are made lists again behind it. */
const isList = (type: ColumnType): boolean => type.kind === "list"

function rows(types: readonly ColumnType[], _count: number, shared: readonly ColumnType[] = []): RowSource {
  const first = shared.map((type, index) => `$${index + 1}::${codec(type).cast}`)
  const parameters = types.map(
    (type, index) => `$${shared.length + index + 1}::${isList(type) ? "text" : codec(type).cast}[]`,
  )
  const values = types.map((type, index) => `c${index + 1}${isList(type) ? `::${codec(type).cast}` : ""}`)
  const source = `unnest(${parameters.join(", ")}) AS r(${types.map((_, index) => `c${index + 1}`).join(", ")})`
  return {
    select: (columns) =>
      `SELECT ${values.map((value, index) => `${value} AS ${identifier(columns[index] as string)}`).join(", ")} FROM ${source}`,
    insert: `SELECT ${[...first, ...values].join(", ")} FROM ${source}`,
    bind: (given) => types.map((_, index) => postgresArray(columnOf(given, index, types.length))),
  }
}

/** Every `width`th value from `first` on. */
function columnOf(values: readonly SqlValue[], first: number, width: number): SqlValue[] {
  const column = new Array<SqlValue>(values.length / width)
  for (let from = first, to = 0; from < values.length; from += width, to++) column[to] = values[from] as SqlValue
  return column
}

function likePattern(pattern: string): string {
  const backslashes = /\\*$/.exec(pattern)?.[0].length ?? 0
  if (backslashes % 2 === 1) {
    throw new ValidationError("The pattern of `like` ends with a backslash.", {
      cure: "Write a backslash as two: `\\\\`.",
    })
  }
  return pattern
}

/** Text that the server reads by the type that it finds for the parameter. Arrays are arrays; for JSON give its text. */
function freeValue(value: unknown): SqlValue {
  if (value === undefined || value === null) return null
  if (typeof value === "boolean") return value ? "true" : "false"
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return postgresArray(value.map(freeValue))
  if (typeof value === "object" && !(value instanceof Uint8Array)) return JSON.stringify(value)
  return value as SqlValue
}

/**
 * How PostgreSQL says it.
 *
 * @param collation by which `contains` makes lower case of all of Unicode; as `lowerCollations` has it
 */
export function makePostgresDialect(collation: string): Dialect {
  const folded = (column: string) =>
    `replace(replace(lower(${column} COLLATE ${identifier(collation)}), 'ς', 'σ'), U&'i\\0307', 'i')`
  return {
    name: "postgres",
    codec,
    identifier,
    parameter: (index) => `$${index}`,
    order(column, definition, direction, nulls) {
      const term = `${column} ${direction === "desc" ? "DESC" : "ASC"}`
      // The server's own: nulls are larger than all else.
      const own = direction === "desc" ? "first" : "last"
      return nulls === undefined || nulls === own || !definition.nullable
        ? term
        : `${term} NULLS ${nulls.toUpperCase()}`
    },
    comparable: (expression) => expression,
    among: (column, parameter, type) => `${column} = ANY(${parameter}::${codec(type).cast}[])`,
    list: postgresArray,
    like: (column, parameter) => `${column} LIKE ${parameter}`,
    likePattern,
    contains: (column, parameter) => `strpos(${folded(column)}, ${parameter}) > 0`,
    containsPattern: fold,
    has(alias, _table, column, parameter) {
      const own = `${alias}.${identifier(column.name)}`
      const { of } = column.type.options
      return of === undefined ? `${own} @> ${parameter}::jsonb` : `${own} @> ARRAY[${parameter}]::${codec(of).cast}[]`
    },
    add(column, parameter, type) {
      const sum = `${column} + ${parameter}::${codec(type).cast}`
      if (type.kind !== "integer") return sum
      // Beyond what a number holds exactly, the sum is made one that the server refuses.
      return `CASE WHEN ${sum} BETWEEN ${Number.MIN_SAFE_INTEGER} AND ${Number.MAX_SAFE_INTEGER} THEN ${sum} ELSE 9223372036854775807 + abs(${sum}) END`
    },
    rows,
    // A parameter a column, whatever the number of rows.
    rowsShape: () => "",
    rowsAtOnce: (_columns, count) => Math.min(count, 50_000),
    lockClause: "FOR UPDATE",
    freeRowsClause: "FOR UPDATE SKIP LOCKED",
    // An array is made once. Beside `IN`, the planner might run a query that locks rows again and again.
    amongFound: (column, query) => `${column} = ANY(ARRAY(${query}))`,
    freeValue,
    kysely: () => ({ adapter: new PostgresAdapter(), compiler: new PostgresQueryCompiler() }),
    noLimit: "",
  }
}

/**
 * Collations whose lower case is that of all of Unicode as the server knows it, the best first: full case mapping that comes with the server
 * (version 18), ICU, simple case mapping that comes with the server (version 17).
 * https://www.postgresql.org/docs/current/collation.html#COLLATION-MANAGING-STANDARD
 *
 * Capitals that came to Unicode after the server's tables were made stay as they are, so that `contains` finds them only
 * as they were written. With the program at Unicode 17 these are U+A7CE, U+A7D2, U+A7D4 and U+16EA0 to U+16EB8 on
 * PostgreSQL 18 (Unicode 16), and also U+1C89, U+A7CB, U+A7CC, U+A7DA, U+A7DC and U+10D50 to U+10D65 with ICU 72
 * (Unicode 15).
 */
export const lowerCollations = ["pg_unicode_fast", "und-x-icu", "pg_c_utf8"] as const

/** For SQL that is written without a server at hand. */
export const postgresDialect: Dialect = makePostgresDialect("und-x-icu")
