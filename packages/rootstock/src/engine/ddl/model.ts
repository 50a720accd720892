import type { EngineSql, ReferenceAction, TypeKind } from "../../schema/index.ts"

/** A value that JSON carries as it is. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** A column type with what distinguishes it, e.g. `{ kind: "text", max: 150 }`. */
export type TypeModel = {
  readonly kind: TypeKind
  readonly max?: number
  readonly precision?: number
  readonly scale?: number
  readonly values?: readonly string[]
  readonly of?: TypeModel
}

/** A column as the database has it. Defaults that the application makes are no part of it. */
export type ColumnModel = {
  readonly name: string
  readonly type: TypeModel
  readonly nullable: boolean
  /** A constant, as `encodeConstant` writes it. */
  readonly default?: Json
  readonly generated?: EngineSql
}

export type UniqueModel = { readonly name: string; readonly columns: readonly string[] }
export type CheckModel = { readonly name: string; readonly sql: EngineSql }

export type ReferenceModel = {
  readonly name: string
  readonly column: string
  readonly table: string
  readonly target: string
  readonly onDelete: ReferenceAction
  readonly onUpdate: ReferenceAction
  readonly deferrable: boolean
}

export type IndexTermModel = {
  readonly column?: string
  readonly expression?: EngineSql
  readonly direction: "asc" | "desc"
  readonly nulls?: "first" | "last"
}

export type IndexModel = {
  readonly name: string
  readonly terms: readonly IndexTermModel[]
  readonly unique: boolean
  readonly where?: EngineSql
  readonly method: "ordered" | "contains"
}

/** Rows are only added; `parent` is the column whose referenced row takes them along. */
export type AppendOnlyModel = { readonly parent?: string }

/** A table as the database has it; all names are those of the database. */
export type TableModel = {
  readonly name: string
  readonly columns: readonly ColumnModel[]
  readonly primaryKey: readonly string[]
  readonly uniques: readonly UniqueModel[]
  readonly checks: readonly CheckModel[]
  readonly references: readonly ReferenceModel[]
  readonly indexes: readonly IndexModel[]
  readonly appendOnly?: AppendOnlyModel
}

/** A database's tables: plain JSON, the same for every engine. */
export type SchemaModel = { readonly tables: readonly TableModel[] }

export const emptySchema: SchemaModel = Object.freeze({ tables: [] })

/** The table with this name; one that is absent is a mistake of the caller. */
export function tableOf(schema: SchemaModel, name: string): TableModel {
  const found = schema.tables.find((table) => table.name === name)
  if (found === undefined) throw new RangeError(`the schema has no table ${name}`)
  return found
}

/** The column with this name; one that is absent is a mistake of the caller. */
export function columnOf(table: TableModel, name: string): ColumnModel {
  const found = table.columns.find((column) => column.name === name)
  if (found === undefined) throw new RangeError(`the table ${table.name} has no column ${name}`)
  return found
}

/** Whether the column counts up by itself. */
export function isIdentity(column: ColumnModel): boolean {
  return column.type.kind === "identity"
}

/** Whether two plain values are equal, whatever the order of their keys. */
export function equalModels(left: unknown, right: unknown): boolean {
  return stableJson(left) === stableJson(right)
}

/** JSON with sorted keys, without members that are undefined. */
export function stableJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : part,
  )
}
