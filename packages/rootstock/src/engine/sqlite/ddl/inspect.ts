import type { Catalog, CatalogColumn, CatalogTable } from "../../ddl/catalog.ts"
import { type CatalogReader, type ColumnReading, isBeyondNumbers } from "../../ddl/inspect.ts"
import type { Json, TypeModel } from "../../ddl/model.ts"
import { canonicalSql, tokenize } from "../../ddl/sql-tokens.ts"
import { encodeConstant, typeOf } from "../../ddl/types.ts"
import { itemsName } from "../items.ts"
import { appendOnlyTriggers } from "./create.ts"

/** The types whose check tells them; the first that fits is taken. */
const checked: readonly TypeModel[] = [
  { kind: "boolean" },
  { kind: "uuid" },
  { kind: "timestamp" },
  { kind: "date" },
  { kind: "time" },
  { kind: "list", of: { kind: "text" } },
  { kind: "json" },
  { kind: "decimal", precision: 1000, scale: 0 },
]

const strictTypes: Record<string, TypeModel> = {
  integer: { kind: "integer" },
  int: { kind: "integer" },
  real: { kind: "real" },
  text: { kind: "text" },
  blob: { kind: "bytes" },
}

/** What only rows can tell: how many digits the decimals of a column have behind the point. */
export type ScaleOf = (table: string, column: string) => number

/** How SQLite's words are read. */
export function sqliteReader(scaleOf: ScaleOf): CatalogReader {
  return {
    column: (table, column) => readColumn(table, column, scaleOf),
    default: readDefault,
    isSideTable: (name, catalog) =>
      catalog.tables.some((table) => table.columns.some((column) => itemsName(table.name, column.name) === name)),
    containsIndexes: (table, catalog) => containsColumns(table, catalog),
    appendOnly: readAppendOnly,
    isIdentity: (table, column) =>
      column.identity || (!isStrict(table) && column.type === "integer" && column.default === null),
  }
}

export const isStrict = (table: CatalogTable) => table.options.includes("strict")

function readColumn(table: CatalogTable, column: CatalogColumn, scaleOf: ScaleOf): ColumnReading {
  if (!isStrict(table)) return foreignColumn(column)
  const base = strictTypes[column.type] ?? { kind: "text" }
  const own = quoted(column.name)
  for (const type of checked) {
    const condition = canonicalSql(typeOf(type).codecs.sqlite.check!(own))
    const check = table.checks.find(({ sql }) => sql === condition)
    if (check === undefined) continue
    if (type.kind === "list") return { type, check, note: "The type of its items is not stored: text() is a guess." }
    if (type.kind !== "decimal") return { type, check }
    const scale = Math.max(scaleOf(table.name, column.name), /\.(\d+)'$/.exec(column.default ?? "")?.[1]?.length ?? 0)
    return {
      type: { kind: "decimal", precision: 38, scale },
      check,
      note: "Its digits are not stored: they are taken from the rows.",
    }
  }
  const name = canonicalSql(own)
  for (const check of table.checks) {
    const max = new RegExp(`^length \\( ${escaped(name)} \\) <= (\\d+)$`).exec(check.sql)?.[1]
    if (max !== undefined && base.kind === "text") return { type: { kind: "text", max: Number(max) }, check }
    const values = choices(name, check.sql)
    if (values !== undefined && base.kind === "text") return { type: { kind: "choice", values }, check }
  }
  return base.kind === "integer" && isBeyondNumbers(column.default) ? { type: { kind: "bigint" } } : { type: base }
}

function choices(name: string, sql: string): string[] | undefined {
  const tokens = tokenize(sql)
  const head = tokens.slice(0, 3).map(({ text }) => text.toLowerCase())
  if (head[0] !== name || head[1] !== "in" || head[2] !== "(") return undefined
  const items = tokens.slice(3, -1)
  if (items.some(({ kind, text }, at) => (at % 2 === 0 ? kind !== "string" : text !== ","))) return undefined
  return items.filter((_, at) => at % 2 === 0).map(({ text }) => unquote(text))
}

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`
const unquote = (text: string) => text.slice(1, -1).replaceAll("''", "'")
const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")

/**
 * A column of a table that is not STRICT holds whatever was put there; its type says only what is preferred.
 * https://www.sqlite.org/datatype3.html#determination_of_column_affinity
 */
function foreignColumn({ type }: CatalogColumn): ColumnReading {
  const [, word = "", first] = /^([^(]*)(?:\((\d+)(?:,\d+)?\))?/.exec(type)!
  const note = (sentence: string) => `${type.toUpperCase()} in the database${sentence}`
  if (/^bool/.test(word))
    return { type: { kind: "boolean" }, note: note(": holds 0 and 1 unless something else was stored.") }
  if (/^(datetime|timestamp)/.test(word))
    return {
      type: { kind: "text" },
      note: note(": whatever text was stored; timestamp() needs 2026-01-31T09:00:00.000Z."),
    }
  if (/^date/.test(word))
    return { type: { kind: "text" }, note: note(": whatever text was stored; date() needs 2026-01-31.") }
  if (/int/.test(word)) return { type: { kind: "integer" } }
  if (/char|clob|text/.test(word)) {
    if (first === undefined) return { type: { kind: "text" } }
    return { type: { kind: "text", max: Number(first) }, note: note(", whose length SQLite does not check.") }
  }
  if (word === "" || /blob/.test(word)) return { type: { kind: "bytes" } }
  if (/real|floa|doub/.test(word)) return { type: { kind: "real" } }
  return {
    type: { kind: "real" },
    note: note(": stored as floating-point numbers; decimal() keeps exact amounts, as text."),
  }
}

function readDefault(type: TypeModel, text: string): { constant: Json } | "now" | undefined {
  if (/^(current_timestamp|datetime \( 'now' \))$/.test(text)) return "now"
  const tokens = tokenize(text)
  const negative = tokens[0]?.text === "-"
  const [token, more] = negative ? tokens.slice(1) : tokens
  if (token === undefined || more !== undefined) return undefined
  if (token.kind === "word" && token.text.toLowerCase() === "null") return undefined
  const raw = literalValue(token.text, token.kind, negative)
  if (raw === undefined) return undefined
  const { decode } = typeOf(type).codecs.sqlite
  try {
    const value = decode === undefined ? raw : decode(raw)
    return typeOf(type).problem(value) === undefined ? { constant: encodeConstant(type, value) } : undefined
  } catch {
    return undefined
  }
}

function literalValue(
  text: string,
  kind: string,
  negative: boolean,
): string | number | bigint | Uint8Array | undefined {
  if (kind === "number") {
    return isBeyondNumbers(text) ? BigInt(text) * (negative ? -1n : 1n) : Number(text) * (negative ? -1 : 1)
  }
  if (kind === "word" && /^(true|false)$/.test(text)) return text === "true" ? 1 : 0
  if (kind !== "string") return undefined
  return /^x/i.test(text) ? new Uint8Array(Buffer.from(text.slice(2, -1), "hex")) : unquote(text)
}

function containsColumns(table: CatalogTable, catalog: Catalog): string[] {
  return table.columns
    .map(({ name }) => name)
    .filter((name) => catalog.tables.some((one) => one.name === itemsName(table.name, name)))
}

function readAppendOnly(table: CatalogTable): { parent?: string } | undefined {
  const trigger = table.triggers.find(({ name }) => name === appendOnlyTriggers(table.name)[1])
  if (trigger === undefined) return undefined
  const parent = /when old \. "?(\w+)"? is null or exists/.exec(trigger.sql)?.[1]
  return parent === undefined ? {} : { parent }
}
