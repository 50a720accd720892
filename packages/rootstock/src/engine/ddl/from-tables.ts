import {
  type ColumnDefinition,
  type EngineSql,
  type NamedIndex,
  type ResolvedForeignKey,
  registerTables,
  type TableDefinition,
  type Tables,
} from "../../schema/index.ts"
import type { ColumnModel, IndexModel, Json, ReferenceModel, SchemaModel, TableModel } from "./model.ts"
import { encodeConstant, typeModel } from "./types.ts"

/** What fills a column that is added to a table with rows. */
export type Backfill =
  | { readonly kind: "value"; readonly value: Json }
  | { readonly kind: "now" }
  | { readonly kind: "uuid" }

/** What a declaration says beside the state of the database: former names, and how new columns are filled. */
export type Declared = {
  readonly schema: SchemaModel
  /** Former names of tables by their present ones. */
  readonly tableNames: ReadonlyMap<string, string>
  /** Former names of columns by `table.column` in present names. */
  readonly columnNames: ReadonlyMap<string, string>
  /** By `table.column`. */
  readonly backfills: ReadonlyMap<string, Backfill>
}

/**
 * The normalised model of declared tables.
 *
 * @throws DeclarationError where they make no sense together
 */
export function declaredSchema(tables: Tables): Declared {
  const registry = registerTables(tables)
  const tableNames = new Map<string, string>()
  const columnNames = new Map<string, string>()
  const backfills = new Map<string, Backfill>()
  const models: TableModel[] = []
  for (const table of registry.byName.values()) {
    if (table.was !== undefined) tableNames.set(table.name, table.was)
    for (const column of table.columns) {
      if (column.was !== undefined) columnNames.set(`${table.name}.${column.name}`, column.was)
      const backfill = backfillOf(column)
      if (backfill !== undefined) backfills.set(`${table.name}.${column.name}`, backfill)
    }
    models.push(tableModel(table, registry.foreignKeys.get(table) ?? []))
  }
  return { schema: { tables: models }, tableNames, columnNames, backfills }
}

function tableModel(table: TableDefinition, foreignKeys: readonly ResolvedForeignKey[]): TableModel {
  const nameOf = (key: string) => table.column.get(key)!.name
  const { appendOnly } = table
  return {
    name: table.name,
    columns: table.columns.map(columnModel),
    primaryKey: table.primaryKey.map(nameOf),
    uniques: table.uniques.map(({ name, columns }) => ({ name, columns: columns.map(nameOf) })),
    checks: table.checks.map(({ name, sql }) => ({ name, sql: engineSql(sql) })),
    references: foreignKeys.map(referenceModel),
    indexes: table.indexes.map((index) => indexModel(index, nameOf)),
    ...(appendOnly === undefined
      ? {}
      : { appendOnly: appendOnly.parent === undefined ? {} : { parent: nameOf(appendOnly.parent) } }),
  }
}

function columnModel(column: ColumnDefinition): ColumnModel {
  const type = typeModel(column.type)
  const constant = column.default?.kind === "constant" ? column.default.value : null
  return {
    name: column.name,
    type,
    nullable: column.nullable,
    ...(constant === null ? {} : { default: encodeConstant(type, constant) }),
    ...(column.generated === undefined ? {} : { generated: engineSql(column.generated) }),
  }
}

function backfillOf(column: ColumnDefinition): Backfill | undefined {
  if (column.default?.kind === "now") return { kind: "now" }
  if (column.default?.kind === "call" && column.type.kind === "uuid") return { kind: "uuid" }
  return undefined
}

function referenceModel(key: ResolvedForeignKey): ReferenceModel {
  return {
    name: key.name,
    column: key.column.name,
    table: key.targetTable.name,
    target: key.targetColumn.name,
    onDelete: key.onDelete,
    onUpdate: key.onUpdate,
    deferrable: key.deferrable,
  }
}

function indexModel(index: NamedIndex, nameOf: (key: string) => string): IndexModel {
  return {
    name: index.name,
    terms: index.terms.map((term) => ({
      ...(term.column === undefined ? {} : { column: nameOf(term.column) }),
      ...(term.expression === undefined ? {} : { expression: engineSql(term.expression) }),
      direction: term.direction,
      ...(term.nulls === undefined ? {} : { nulls: term.nulls }),
    })),
    unique: index.unique,
    ...(index.where === undefined ? {} : { where: engineSql(index.where) }),
    method: index.method,
  }
}

function engineSql(sql: EngineSql): EngineSql {
  if (typeof sql === "string") return sql.trim()
  const [sqlite, postgres] = [sql.sqlite.trim(), sql.postgres.trim()]
  return sqlite === postgres ? sqlite : { sqlite, postgres }
}
