import type { ColumnDefinition, ColumnType, TableDefinition, TypeKind } from "../schema/index.ts"
import { freezeDate, freezeDeep, freezeJson, frozenInstant } from "./frozen.ts"

/** How the values of a column go into JSON and come back; absent where JSON has them as they are. */
type Convert = { readonly to: (value: never) => unknown; readonly from: (json: never) => unknown }

type Row = Record<string, unknown>

const timestamps: Convert = { to: (value: Date) => value.toISOString(), from: frozenInstant }
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
  readonly #rowOf: (json: Row) => Row
  readonly #place: string
  /** Keys of columns whose values are shared even where the row is copied, and cannot be frozen. */
  readonly #bytes: readonly string[]

  constructor(table: TableDefinition) {
    this.#place = table.name
    this.#parts = table.columns.map((column) => partOf(column))
    this.#rowOf = compileReader(this.#parts)
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
    const json = JSON.parse(text) as Row | null
    if (typeof json !== "object" || json === null) throw new TypeError("no row")
    return this.#rowOf(json)
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

/**
 * Compiles the function that makes a frozen row of what JSON gave; it throws where a value may not be one of its column, as
 * another version of the program may have declared it.
 */
function compileReader(parts: readonly Part[]): (json: Row) => Row {
  const converts = parts.map(({ convert }) => convert?.from)
  const checks = parts.map((part, at) => {
    const name = JSON.stringify(part.name)
    const own = part.name in Object.prototype ? `!Object.hasOwn(json, ${name}) || ` : ""
    return `const v${at} = json[${name}]; if (${own}!(${fitting(part, `v${at}`)})) wrong(${name})`
  })
  const values = parts.map(({ key, convert, deep, nullable }, at) => {
    let value = convert === undefined ? `v${at}` : `c${at}(v${at})`
    if (deep) value = `freezeJson(${value})`
    return `${JSON.stringify(key)}: ${convert === undefined || !nullable ? value : `v${at} === null ? null : ${value}`}`
  })
  // The source is made of indexes and JSON strings only.
  const source = `"use strict"; return (json) => { ${checks.join("; ")}; return Object.freeze({ ${values.join(", ")} }) }`
  const make = new Function("wrong", "freezeJson", ...parts.map((_, at) => `c${at}`), source)
  return make(wrong, freezeJson, ...converts) as (json: Row) => Row
}

function wrong(name: string): never {
  throw new TypeError(`no ${name}`)
}

/** An expression that says whether a value in JSON may be one of the column. */
function fitting({ kind, nullable }: Part, value: string): string {
  const ofType = () => {
    switch (kind) {
      case "json":
        return `${value} !== undefined`
      case "list":
        return `Array.isArray(${value})`
      case "boolean":
        return `typeof ${value} === "boolean"`
      case "identity":
      case "integer":
        return `typeof ${value} === "number"`
      case "real":
        return `typeof ${value} === "number" || ${value} === "-0"`
      default:
        return `typeof ${value} === "string"`
    }
  }
  return nullable && kind !== "json" ? `${value} === null || ${ofType()}` : ofType()
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
