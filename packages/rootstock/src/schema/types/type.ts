/** What a driver takes and gives. */
export type SqlValue = string | number | bigint | null | Uint8Array

/** How one column type is stored on one engine. */
export type Codec = {
  /** The type in DDL, e.g. `bigint` or `varchar(150) COLLATE "C"`. */
  readonly ddl: string
  /** The type for casts and arrays of parameters, without length or collation, e.g. `text`. */
  readonly cast: string
  /** The check that the column needs for its type on this engine, given its quoted name. */
  readonly check?: (column: string) => string
  /** From a valid value to the driver's. Only called after `ColumnType.problem` found none. */
  readonly encode: (value: any) => SqlValue
  /** Checks and encodes at once, where that is cheaper than one after the other. */
  readonly convert?: (value: unknown) => string | Problem
  /** From the driver's value (text on PostgreSQL) to the value; absent where they are the same. Never called with null. */
  readonly decode?: (raw: any) => unknown
  /** The column must be read as bigint on this engine, because its values may exceed 2^53. */
  readonly wide?: boolean
}

export type TypeKind =
  | "identity"
  | "uuid"
  | "integer"
  | "bigint"
  | "real"
  | "decimal"
  | "text"
  | "boolean"
  | "timestamp"
  | "date"
  | "time"
  | "json"
  | "list"
  | "bytes"
  | "choice"

export type TypeOptions = {
  readonly max?: number
  readonly precision?: number
  readonly scale?: number
  readonly values?: readonly string[]
  readonly of?: ColumnType
}

/** What is wrong with a value: `sentence` fits after "users.email ". */
export type Problem = { readonly kind: "type" | "check"; readonly sentence: string }

/** A column type: what it accepts, its codec for each engine, its JSON Schema. */
export type ColumnType = {
  readonly kind: TypeKind
  readonly options: TypeOptions
  /** Says what is wrong with a value that is not null, or undefined. The same on both engines. */
  readonly problem: (value: unknown) => Problem | undefined
  /** The form in which the database gives back a valid value; absent where that is how it was written. */
  readonly canonical?: (value: any) => unknown
  readonly codecs: { readonly sqlite: Codec; readonly postgres: Codec }
  /** JSON Schema of the value as JSON carries it. */
  readonly jsonSchema: Readonly<Record<string, unknown>>
}

/** A value as the database gives it back, so that two that are equal there are equal here; others as they are. */
export function canonicalValue({ canonical, problem }: ColumnType, value: unknown): unknown {
  return canonical === undefined || problem(value) !== undefined ? value : canonical(value)
}

export function wrongType(sentence: string): Problem {
  return { kind: "type", sentence }
}

export function wrongValue(sentence: string): Problem {
  return { kind: "check", sentence }
}

/** A value as an error message shows it: short, and without a line break. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)
  if (typeof value === "bigint") return `${value}n`
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "an invalid date" : value.toISOString()
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "an array" : "an object"
  return String(value)
}
