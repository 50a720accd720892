import { DeclarationError } from "../errors/index.ts"
import {
  bigintColumn,
  booleanColumn,
  bytesColumn,
  type ColumnType,
  choiceColumn,
  dateColumn,
  decimalColumn,
  identityColumn,
  integerColumn,
  jsonColumn,
  listColumn,
  realColumn,
  type TypeKind,
  textColumn,
  timeColumn,
  timestampColumn,
  uuidColumn,
} from "./types/index.ts"
import { uuidv7 } from "./uuid.ts"

/** The default or update value "the present instant of the database's clock". */
export const now: unique symbol = Symbol("now")

/** What a delete or an update of the referenced row does to the rows that reference it. */
export type ReferenceAction = "cascade" | "set null" | "set default" | "restrict" | "no action"

/** SQL text for both engines, or one for each. Column names in it are those of the database (`snake_case`). */
export type EngineSql = string | { readonly sqlite: string; readonly postgres: string }

export type DefaultValue =
  | { readonly kind: "constant"; readonly value: unknown }
  | { readonly kind: "now" }
  | { readonly kind: "call"; readonly call: () => unknown }

export type ReferenceDefinition = {
  /** The referenced column; a string names a column of the same table. */
  readonly target: string | (() => AnyTableColumn)
  readonly onDelete: ReferenceAction
  readonly onUpdate: ReferenceAction
  readonly deferrable: boolean
  readonly as: string | undefined
  readonly many: string | undefined
  readonly across: string | undefined
}

/** A column as declared, before its table gives it a name. */
export type ColumnSettings = {
  readonly type: ColumnType
  readonly name?: string
  readonly nullable: boolean
  readonly primaryKey: boolean
  readonly unique: boolean
  readonly default?: DefaultValue
  readonly onUpdate?: DefaultValue
  readonly references?: ReferenceDefinition
  readonly checks: readonly EngineSql[]
  readonly generated?: EngineSql
  readonly was?: string
  readonly description?: string
}

declare const columnTypes: unique symbol

/** What a column is in the types. */
export type ColumnTypesOf<C> = C extends { readonly [columnTypes]: infer T extends Column[typeof columnTypes] }
  ? T
  : never

/** Whether a value must, may or cannot be given when a row is made. */
export type Given = "required" | "optional" | "never"

/** A reference as the types see it: the target's table, and the names of the relations that follow from it. */
export type ReferenceTypes = {
  target: unknown
  as: string | undefined
  many: string | undefined
  across: string | undefined
}

type ReferenceOptions<As, Many, Across> = {
  /** Default `restrict`. */
  onDelete?: ReferenceAction
  /** Default `no action`. */
  onUpdate?: ReferenceAction
  /** Checked at the commit instead of at the statement. */
  deferrable?: boolean
  /** Name of the relation from this row to the referenced one; by default the column's name without `Id`. */
  as?: As
  /** Name of the relation from the referenced row to these rows; by default the key of this table. */
  many?: Many
  /** In a link table: the name under which the row at the other end reaches the rows referenced here. */
  across?: Across
}

/** Any column of any table, as `references` takes it. */
export type AnyTableColumn = {
  readonly table: string
  readonly key: string
}

/**
 * A column under declaration; immutable, every call gives another one.
 *
 * `V` is its value, `N` whether it may be null, `G` whether it must be given, `P` whether it is in the primary key,
 * `R` its reference, `K` the kind of its type, which tells text from other strings.
 */
export class Column<
  V = any,
  N extends boolean = boolean,
  G extends Given = Given,
  P extends boolean = boolean,
  R extends ReferenceTypes | undefined = ReferenceTypes | undefined,
  K extends TypeKind = TypeKind,
> {
  declare readonly [columnTypes]: { value: V; nullable: N; given: G; primaryKey: P; reference: R; kind: K }
  readonly settings: ColumnSettings

  constructor(settings: ColumnSettings) {
    this.settings = Object.freeze(settings)
    Object.freeze(this)
  }

  /** The column may be null. A row that is made without it has null. */
  nullable(): Column<V, true, G extends "never" ? "never" : "optional", P, R, K> {
    return changed(this, { nullable: true })
  }

  /** Value of a row that is made without the column: a constant, `now`, or a function called for each row. */
  default(value: V | typeof now | (() => V)): Column<V, N, "optional", P, R, K> {
    return changed(this, { default: defaultValue(value) })
  }

  /** Value that the column takes at each update that does not set it. */
  onUpdate(value: V | typeof now | (() => V)): Column<V, N, G, P, R, K> {
    return changed(this, { onUpdate: defaultValue(value) })
  }

  /** No two rows have the same value; nulls do not count. Needs no further index. */
  unique(): Column<V, N, G, P, R, K> {
    return changed(this, { unique: true })
  }

  /** The column is the primary key, or, where several columns say so, part of it in the order of declaration. */
  primaryKey(): Column<V, N, G, true, R, K> {
    const { type, references } = this.settings
    const made = type.kind === "uuid" && references === undefined && this.settings.default === undefined
    return changed(this, { primaryKey: true, ...(made ? { default: { kind: "call", call: uuidv7 } } : {}) })
  }

  /**
   * The column holds the key of a row of another table, or, given the name of a column, of the same table.
   * It gets an index unless one starts with it already.
   *
   * ### Examples
   *
   * ```ts
   * chatId: integer().references(() => chats.id, { onDelete: "cascade" })
   * parentId: integer().nullable().references("id", { as: "parent", many: "children" })
   * ```
   */
  references<
    T extends AnyTableColumn | string,
    const As extends string | undefined = undefined,
    const Many extends string | undefined = undefined,
    const Across extends string | undefined = undefined,
  >(
    target: (T & string) | (() => T),
    options: ReferenceOptions<As, Many, Across> = {},
  ): Column<V, N, G, P, { target: T; as: As; many: Many; across: Across }, K> {
    return changed(this, {
      references: {
        target: target as string | (() => AnyTableColumn),
        onDelete: options.onDelete ?? "restrict",
        onUpdate: options.onUpdate ?? "no action",
        deferrable: options.deferrable ?? false,
        as: options.as,
        many: options.many,
        across: options.across,
      },
    })
  }

  /** A condition in SQL that every row fulfils, e.g. `"stock_quantity >= 0"`. */
  check(sql: EngineSql): Column<V, N, G, P, R, K> {
    return changed(this, { checks: [...this.settings.checks, sql] })
  }

  /** The database computes and stores the column from others of its row; it is never given. */
  generated(sql: EngineSql): Column<V, N, "never", P, R, K> {
    return changed(this, { generated: sql })
  }

  /** Name in the database, where it is not the `snake_case` of the key. */
  named(name: string): Column<V, N, G, P, R, K> {
    return changed(this, { name })
  }

  /** Name that the column had in the database before; a migration then renames instead of dropping and adding. */
  was(name: string): Column<V, N, G, P, R, K> {
    return changed(this, { was: name })
  }

  /** What the column means, for readers of the schema and of the HTTP documentation. */
  describe(description: string): Column<V, N, G, P, R, K> {
    return changed(this, { description })
  }
}

function changed(column: Column, changes: Partial<ColumnSettings>): any {
  return new Column({ ...column.settings, ...changes })
}

/** A `uuid()`: once it is the primary key, the library makes its values. */
export type UuidColumn = Omit<Required<string, "uuid">, "primaryKey"> & {
  readonly [columnTypes]: Required<string, "uuid">[typeof columnTypes]
  /** The column is the primary key; a row that is made without it gets a version 7 UUID. */
  primaryKey(): Column<string, false, "optional", true, undefined, "uuid">
}

function defaultValue(value: unknown): DefaultValue {
  if (value === now) return { kind: "now" }
  if (typeof value === "function") return { kind: "call", call: value as () => unknown }
  return { kind: "constant", value }
}

type Required<V, K extends TypeKind> = Column<V, false, "required", false, undefined, K>

function column<V, K extends TypeKind>(type: ColumnType): Required<V, K> {
  return new Column({ type, nullable: false, primaryKey: false, unique: false, checks: [] })
}

/** An integer primary key that the database counts up and never uses twice. */
export function identity(): Column<number, false, "optional", true, undefined, "identity"> {
  return new Column({ type: identityColumn, nullable: false, primaryKey: true, unique: false, checks: [] })
}

/** A UUID as 36 lower-case characters. As `.primaryKey()` it is made by the library, version 7 (RFC 9562). */
export const uuid = (): UuidColumn =>
  column<string, "uuid">(uuidColumn) as Omit<Required<string, "uuid">, "primaryKey"> as UuidColumn

/** A whole number within ±(2^53 − 1); a stored one beyond that is an error, never a wrong number. */
export const integer = (): Required<number, "integer"> => column(integerColumn)

/** A whole number of 64 bits, as a JavaScript `bigint`. */
export const bigint = (): Required<bigint, "bigint"> => column(bigintColumn)

/** A finite floating-point number of 64 bits. */
export const real = (): Required<number, "real"> => column(realColumn)

/**
 * An exact number as a string with `scale` digits after the point, e.g. `"12.50"` for `decimal(10, 2)`.
 *
 * @param precision digits in all, 1 to 1000
 * @param scale digits after the point, 0 to `precision`
 */
export function decimal(precision: number, scale: number): Required<string, "decimal"> {
  if (
    !Number.isInteger(precision) ||
    precision < 1 ||
    precision > 1000 ||
    !Number.isInteger(scale) ||
    scale < 0 ||
    scale > precision
  ) {
    throw new DeclarationError(`decimal(${precision}, ${scale}) makes no sense.`, {
      cure: "Give a precision of 1 to 1000 digits and a scale of 0 to the precision.",
    })
  }
  return column(decimalColumn(precision, scale))
}

/**
 * Text; compared by code point on both engines.
 *
 * @param options.max the most characters (code points), at least 1
 */
export function text(options: { max?: number } = {}): Required<string, "text"> {
  if (options.max !== undefined && (!Number.isInteger(options.max) || options.max < 1 || options.max > 10_485_760)) {
    throw new DeclarationError(`text({ max: ${options.max} }) makes no sense.`, {
      cure: "Give a whole number from 1 to 10,485,760.",
    })
  }
  return column(textColumn(options.max))
}

/** `true` or `false`. */
export const boolean = (): Required<boolean, "boolean"> => column(booleanColumn)

/** An instant with milliseconds, as a `Date`; in the years 1 to 9999. */
export const timestamp = (): Required<Date, "timestamp"> => column(timestampColumn)

/** A calendar day as `"YYYY-MM-DD"`. */
export const date = (): Required<string, "date"> => column(dateColumn)

/** A time of day as `"HH:MM:SS"`; `"HH:MM"` is taken too. */
export const time = (): Required<string, "time"> => column(timeColumn)

/** A JSON value of type `T`. Its keys come back in the order of `jsonb`. */
export const json = <T = unknown>(): Required<T, "json"> => column(jsonColumn)

/**
 * A list of values of one type.
 *
 * ### Examples
 *
 * ```ts
 * scopes: list(text({ max: 40 })).default([])
 * ```
 */
export function list<V>(of: Column<V, any, any, any, any, any>): Required<V[], "list"> {
  const { type } = of.settings
  if (type.kind === "list" || type.kind === "json" || type.kind === "bytes" || type.kind === "identity") {
    throw new DeclarationError(`list(${type.kind}()) is not supported.`, {
      cure: "Use json<T[]>() for lists of structures.",
    })
  }
  return column(listColumn(type))
}

/** Bytes. */
export const bytes = (): Required<Uint8Array, "bytes"> => column(bytesColumn)

/**
 * One of the given strings.
 *
 * ### Examples
 *
 * ```ts
 * status: choice("pending", "confirmed").default("pending")
 * ```
 */
export function choice<const V extends readonly [string, ...string[]]>(...values: V): Required<V[number], "choice"> {
  if (new Set(values).size !== values.length || values.length === 0) {
    throw new DeclarationError(`choice(${values.join(", ")}) needs different values.`, {
      cure: "Name each value once.",
    })
  }
  return column(choiceColumn(values))
}
