import type { ColumnDefinition, ColumnType, TableDefinition, TypeKind } from "../schema/index.ts"
import { freezeDate, freezeDeep } from "./frozen.ts"

/** How the values of a column go into JSON and come back; absent where JSON has them as they are. */
type Convert = { readonly to: (value: never) => unknown; readonly from: (json: never) => unknown }

type Row = Record<string, unknown>

const timestamps: Convert = { to: (value: Date) => value.toISOString(), from: (text: string) => readInstant(text) }
const bigints: Convert = { to: String, from: (text: string) => BigInt(text) }
const bytes: Convert = {
  to: (value: Uint8Array) => Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64"),
  from: (text: string) => new Uint8Array(Buffer.from(text, "base64")),
}
// JSON has no negative zero.
const reals: Convert = {
  to: (value: number) => (Object.is(value, -0) ? "-0" : value),
  from: (json: number | string) => (json === "-0" ? -0 : json),
}

function readInstant(text: string): Date {
  const instant = new Date(text)
  if (Number.isNaN(instant.getTime())) throw new TypeError("no instant")
  return instant
}

function conversionOf(type: ColumnType): Convert | undefined {
  switch (type.kind) {
    case "timestamp":
      return timestamps
    case "bigint":
      return bigints
    case "bytes":
      return bytes
    case "real":
      return reals
    case "list": {
      const item = conversionOf(type.options.of as ColumnType)
      if (item === undefined) return undefined
      const over = (convert: (value: never) => unknown) => (list: unknown[]) =>
        list.map((one) => (one === null ? null : convert(one as never)))
      return { to: over(item.to), from: over(item.from) }
    }
    default:
      return undefined
  }
}

type Part = {
  readonly key: string
  readonly name: string
  readonly kind: TypeKind
  readonly nullable: boolean
  readonly convert: Convert | undefined
  readonly deep: boolean
}

/** Rows of a table as JSON: an object with the columns' names in the database, instants in ISO 8601. */
export class RowJson {
  readonly #parts: readonly Part[]
  readonly #place: string
  /** Keys of columns whose values are shared even where the row is copied, and cannot be frozen. */
  readonly #bytes: readonly string[]

  constructor(table: TableDefinition) {
    this.#place = table.name
    this.#parts = table.columns.map((column) => partOf(column))
    this.#bytes = table.columns.filter(({ type }) => hasBytes(type)).map(({ key }) => key)
  }

  /** Bytes cannot be frozen, so that each reader must have its own. */
  get copies(): boolean {
    return this.#bytes.length > 0
  }

  encode(row: Row): string {
    // Without a prototype any name is one of its own.
    const json = Object.create(null) as Record<string, unknown>
    for (const { key, name, convert } of this.#parts) {
      const value = row[key]
      json[name] = convert === undefined || value === null ? value : convert.to(value as never)
    }
    return JSON.stringify(json)
  }

  /** The row, frozen. @throws where the text is no row of this table */
  decode(text: string): unknown {
    const json = JSON.parse(text) as Record<string, unknown> | null
    if (typeof json !== "object" || json === null) throw new TypeError("no row")
    const row: Record<string, unknown> = {}
    for (const part of this.#parts) {
      const { key, name, convert } = part
      const value = Object.hasOwn(json, name) ? json[name] : undefined
      if (!fits(part, value)) throw new TypeError(`no ${name}`)
      row[key] = convert === undefined || value === null ? value : convert.from(value as never)
    }
    return this.freeze(row)
  }

  freeze(row: Row): unknown {
    for (const { key, convert, deep } of this.#parts) {
      const value = row[key]
      if (value === null || typeof value !== "object") continue
      if (convert === timestamps) freezeDate(value as Date)
      else if (deep) freezeDeep(this.#place, value)
    }
    return Object.freeze(row)
  }

  /** The row with bytes of its own. */
  copy(row: Row): unknown {
    const copy = { ...row }
    for (const key of this.#bytes) copy[key] = structuredClone(copy[key])
    return Object.freeze(copy)
  }
}

/** Whether the value in JSON may be one of the column, as another version of the program may have declared it. */
function fits({ kind, nullable }: Part, value: unknown): boolean {
  if (value === null) return nullable || kind === "json"
  switch (kind) {
    case "json":
      return value !== undefined
    case "list":
      return Array.isArray(value)
    case "boolean":
      return typeof value === "boolean"
    case "identity":
    case "integer":
      return typeof value === "number"
    case "real":
      return typeof value === "number" || value === "-0"
    default:
      return typeof value === "string"
  }
}

function partOf({ key, name, type, nullable }: ColumnDefinition): Part {
  return {
    key,
    name,
    kind: type.kind,
    nullable,
    convert: conversionOf(type),
    deep: type.kind === "json" || (type.kind === "list" && !hasBytes(type)),
  }
}

function hasBytes({ kind, options }: ColumnType): boolean {
  return kind === "bytes" || (kind === "list" && hasBytes(options.of as ColumnType))
}
