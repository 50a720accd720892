import type { Dialect, Lookup, Query } from "../engine/index.ts"
import { ValidationError } from "../errors/index.ts"
import { type ColumnDefinition, type SqlValue, shown, type TableDefinition } from "../schema/index.ts"
import { columnList, compileDecoder, isWide, type RowDecoder } from "./decode.ts"
import { encodeValue } from "./encode.ts"
import type { RowReader } from "./row-cache.ts"
import type { Binder } from "./where.ts"

/** A statement with the binders of its parameters. */
export type Plan<T = any> = { readonly query: Query<T>; readonly binders: readonly Binder[] }

/** Shapes kept for each table; a program that makes more of them than this builds them from user input. */
const shapesKept = 2_000
/** A longer shape has a long list of conditions in it, which hardly comes again: its plan is not kept. */
const longestKept = 4_000

/** What is kept for one table on one engine: decoders, and a plan for each shape of call. */
export class Plans {
  readonly table: TableDefinition
  readonly dialect: Dialect
  readonly name: string
  readonly columns: string
  readonly wide: boolean
  readonly keyColumns: readonly ColumnDefinition[]
  readonly generated: readonly ColumnDefinition[]
  /** Serves reads by key from a cache. */
  reader: RowReader | undefined
  /** A cache wants to hear of writes. */
  watched = false
  readonly #decoders = new Map<string, RowDecoder>()
  readonly #shapes = new Map<string, unknown>()
  #lookup: Lookup<any> | undefined

  constructor(table: TableDefinition, dialect: Dialect) {
    this.table = table
    this.dialect = dialect
    this.name = dialect.identifier(table.name)
    this.columns = columnList(table, dialect)
    this.wide = isWide(table.columns, dialect)
    this.generated = table.columns.filter(({ generated }) => generated !== undefined)
    this.keyColumns = table.primaryKey.map((key) => table.column.get(key) as ColumnDefinition)
  }

  /** What was made for a shape, or what `make` makes now. */
  shape<T>(shape: string, make: () => T): T {
    const kept = this.#shapes.get(shape)
    if (kept !== undefined) return kept as T
    const made = make()
    if (shape.length > longestKept) return made
    if (this.#shapes.size >= shapesKept) this.#shapes.clear()
    this.#shapes.set(shape, made)
    return made
  }

  decoder(relations: readonly string[] = []): RowDecoder {
    const key = relations.join(",")
    let decoder = this.#decoders.get(key)
    if (decoder === undefined) {
      decoder = compileDecoder(this.table, this.dialect, relations)
      this.#decoders.set(key, decoder)
    }
    return decoder
  }

  query(call: string, sql: string, options: { writes: boolean; decode?: RowDecoder }): Query<any> {
    return {
      sql,
      decode: options.decode ?? same,
      wide: this.wide,
      writes: options.writes,
      returns: options.decode !== undefined,
      label: `${this.table.name}.${call}`,
    }
  }

  /** The condition that soft-deleted rows are left out; undefined where the table has none. */
  get living(): string | undefined {
    const { softDelete } = this.table
    if (softDelete === undefined) return undefined
    return `${this.name}.${this.dialect.identifier((this.table.column.get(softDelete) as ColumnDefinition).name)} IS NULL`
  }

  /** Look-up by a primary key of one column. */
  get lookup(): Lookup<any> {
    this.#lookup ??= this.#makeLookup()
    return this.#lookup
  }

  #makeLookup(): Lookup<any> {
    const { dialect } = this
    const column = this.keyColumns[0] as ColumnDefinition
    const name = dialect.identifier(column.name)
    const decode = this.decoder()
    const living = this.living === undefined ? "" : ` AND ${this.living}`
    const { key } = column
    // The key stands first in the rows of many, whatever its place in the table.
    const keyFirst = this.table.columns[0] === column
    const decodeBehindKey = keyFirst ? decode : compileDecoder(this.table, dialect, [], 1)
    return {
      one: this.query(
        "get",
        `SELECT ${this.columns} FROM ${this.name} WHERE ${name} = ${dialect.parameter(1)}${living}`,
        {
          writes: false,
          decode,
        },
      ),
      many: this.query(
        "get",
        `SELECT ${keyFirst ? "" : `${name}, `}${this.columns} FROM ${this.name} WHERE ${dialect.among(name, dialect.parameter(1), column.type)}${living}`,
        {
          writes: false,
          decode: (raw) => {
            const row = decodeBehindKey(raw)
            return { key: dialect.codec(column.type).encode(row[key]), row }
          },
        },
      ),
      column,
    }
  }

  /** Look-up by a primary key of several columns: one parameter for each. */
  get lookupByKeys(): Query<any> {
    return this.shape("lookupByKeys", () => {
      const living = this.living === undefined ? "" : ` AND ${this.living}`
      const sql = `SELECT ${this.columns} FROM ${this.name} WHERE ${this.keyCondition(0)}${living}`
      return this.query("get", sql, { writes: false, decode: this.decoder() })
    })
  }

  /** `"a" = ?1 AND "b" = ?2`, its parameters counted on from `before`. */
  keyCondition(before: number): string {
    const { dialect } = this
    return this.keyColumns
      .map(({ name }, index) => `${dialect.identifier(name)} = ${dialect.parameter(before + index + 1)}`)
      .join(" AND ")
  }

  /** Parameters of a key: a value, or an object where the key has several columns. */
  encodeKey(key: unknown): readonly SqlValue[] {
    const { table, dialect, keyColumns } = this
    if (keyColumns.length === 1) return [encodeValue(table, keyColumns[0] as ColumnDefinition, dialect, key)]
    if (typeof key !== "object" || key === null) {
      throw new ValidationError(
        `A key of ${table.name} is an object of ${table.primaryKey.join(", ")}, not ${shown(key)}.`,
        {
          cure: "Give all columns of the key by name.",
        },
      )
    }
    return keyColumns.map((column) => encodeValue(table, column, dialect, (key as Record<string, unknown>)[column.key]))
  }
}

const same = (row: unknown): unknown => row
