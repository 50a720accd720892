import { SqliteAdapter, SqliteQueryCompiler } from "kysely"
import { ValidationError } from "../../errors/index.ts"
import type { ColumnDefinition, ColumnType, SqlValue, TableDefinition } from "../../schema/index.ts"
import { canonicalJson } from "../../schema/index.ts"
import type { Dialect } from "../contract.ts"
import { fold } from "../text.ts"
import { itemsName, jsonLeaves } from "./items.ts"

const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`

// Not yet among TypeScript's own declarations: https://tc39.es/proposal-json-parse-with-source/
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown }

function jsonItem(value: SqlValue): unknown {
  if (typeof value === "bigint") return rawJSON(String(value))
  return value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value
}

/** Digits in all up to which a decimal without its point fits 64 bits. */
const decimalInteger = 18

function comparable(expression: string, type: ColumnType): string {
  if (type.kind !== "decimal") return expression
  if ((type.options.precision as number) <= decimalInteger) return `CAST(replace(${expression}, '.', '') AS INTEGER)`
  return `rootstock_decimal(${expression})`
}

/** `%` and `_` of LIKE as `*` and `?` of GLOB, which is case-sensitive. https://sqlite.org/lang_expr.html#glob */
function likePattern(pattern: string): string {
  let glob = ""
  for (let index = 0; index < pattern.length; index++) {
    let character = pattern[index] as string
    if (character === "%") glob += "*"
    else if (character === "_") glob += "?"
    else {
      if (character === "\\") {
        character = pattern[++index] as string
        if (character === undefined) {
          throw new ValidationError("The pattern of `like` ends with a backslash.", {
            cure: "Write a backslash as two: `\\\\\\\\`.",
          })
        }
      }
      glob += character === "*" || character === "?" || character === "[" ? `[${character}]` : character
    }
  }
  return glob
}

/** So many rows are counted of each value that is looked for, to begin with the rarest. */
const countedRows = 1_000

function has(alias: string, table: TableDefinition, column: ColumnDefinition, parameter: string): string {
  const own = `${alias}.${identifier(column.name)}`
  const isList = column.type.kind === "list"
  const plain = isList
    ? `EXISTS (SELECT 1 FROM json_each(${own}) WHERE value = ${parameter})`
    : `rootstock_json_contains(${own}, ${parameter})`
  const indexed = table.indexes.some(({ method, terms }) => method === "contains" && terms[0]?.column === column.key)
  if (!indexed) return plain
  const keys = table.primaryKey.map((key) => identifier((table.column.get(key) as ColumnDefinition).name))
  const side = identifier(itemsName(table.name, column.name))
  const ownKeys = keys.map((key) => `${alias}.${key}`).join(", ")
  const key = keys.length === 1 ? ownKeys : `(${ownKeys})`
  const listed = keys.join(", ")
  if (isList) return `${key} IN (SELECT ${listed} FROM ${side} WHERE item = ${parameter})`
  // A document that contains the parameter has every scalar of it; those that have the rarest one are looked at. What
  // has no scalar (an empty object, say) may be in any.
  const rows = `SELECT 1 FROM ${side} AS entry WHERE entry.path = wanted.path AND entry.value = wanted.value LIMIT ${countedRows}`
  const rarest = `SELECT path, value FROM wanted ORDER BY (SELECT count(*) FROM (${rows})) LIMIT 1`
  const candidates = `WITH wanted (path, value) AS (${jsonLeaves(parameter)})
    SELECT ${listed} FROM ${side} WHERE (path, value) = (${rarest})
    UNION ALL SELECT ${listed} FROM ${identifier(table.name)} WHERE NOT EXISTS (SELECT 1 FROM wanted)`
  return `(${key} IN (${candidates}) AND ${plain})`
}

/** Up to so many rows have a statement for each number of them; more go by powers of two. */
const fewRows = 16

/** How SQLite says it. */
export const sqliteDialect: Dialect = {
  name: "sqlite",
  codec: (type) => type.codecs.sqlite,
  identifier,
  parameter: (index) => `?${index}`,
  order(column, definition, direction, nulls) {
    const term = `${comparable(column, definition.type)} ${direction === "desc" ? "DESC" : "ASC"}`
    if (!definition.nullable) return term
    const position = nulls ?? (direction === "desc" ? "first" : "last")
    // SQLite's own: nulls are smaller than all else. Said only where it differs, so that indexes serve the order.
    const own = direction === "desc" ? "last" : "first"
    return position === own ? term : `${term} NULLS ${position.toUpperCase()}`
  },
  comparable,
  among(column, parameter, type) {
    return `${column} IN (SELECT ${type.kind === "bytes" ? "unhex(value)" : "value"} FROM json_each(${parameter}))`
  },
  list: (values) => JSON.stringify(values.map(jsonItem)),
  like: (column, parameter) => `${column} GLOB ${parameter}`,
  likePattern,
  contains: (column, parameter) => `instr(rootstock_fold(${column}), ${parameter}) > 0`,
  containsPattern: fold,
  has,
  add(column, parameter, type) {
    if (type.kind === "decimal") {
      return `rootstock_decimal_add(${column}, ${parameter}, ${type.options.precision}, ${type.options.scale})`
    }
    // SQLite adds on beyond the ends: whole numbers as floating-point ones, and those to infinity.
    const sum = `${column} + ${parameter}`
    const fits =
      type.kind === "bigint"
        ? `typeof(${sum}) = 'integer'`
        : type.kind === "real"
          ? `abs(${sum}) <= ${Number.MAX_VALUE}`
          : `${sum} BETWEEN ${Number.MIN_SAFE_INTEGER} AND ${Number.MAX_SAFE_INTEGER}`
    return `CASE WHEN ${fits} THEN ${sum} ELSE rootstock_out_of_range(CAST(${column} AS TEXT)) END`
  },
  rows(types, count, shared = []) {
    const first = shared.map((_, index) => `?${index + 1}, `).join("")
    const row = (index: number) =>
      `(${first}${types.map((_, at) => (shared.length === 0 ? "?" : `?${shared.length + index * types.length + at + 1}`)).join(", ")})`
    const values = `VALUES ${Array.from({ length: count }, (_, index) => row(index)).join(", ")}`
    return {
      select(columns) {
        const named = columns.map((name, index) => `column${shared.length + index + 1} AS ${identifier(name)}`)
        return `SELECT ${named.join(", ")} FROM (${values})`
      },
      insert: values,
      bind: (given) => given,
    }
  },
  rowsShape: String,
  rowsAtOnce(columns, count) {
    // 32,766 parameters a statement: https://sqlite.org/limits.html#max_variable_number
    const most = Math.max(1, Math.min(1_000, Math.floor(32_766 / columns)))
    if (count >= most) return most
    return count <= fewRows ? count : 2 ** Math.floor(Math.log2(count))
  },
  lockClause: "",
  freeRowsClause: "",
  amongFound: (column, query) => `${column} IN (${query})`,
  freeValue(value) {
    if (value === undefined || value === null) return null
    if (typeof value === "boolean") return value ? 1 : 0
    if (value instanceof Date) return value.toISOString()
    if (typeof value !== "object" || value instanceof Uint8Array) return value as SqlValue
    return canonicalJson(value)
  },
  kysely: () => ({ adapter: new SqliteAdapter(), compiler: new SqliteQueryCompiler() }),
  noLimit: " LIMIT -1",
}
