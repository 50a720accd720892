import type { EngineSql } from "../../schema/index.ts"
import {
  type ColumnModel,
  emptySchema,
  equalModels,
  type IndexModel,
  type ReferenceModel,
  type SchemaModel,
  type TableModel,
  tableOf,
} from "./model.ts"
import { describeOperation, type Operation } from "./operations.ts"
import { renameColumnInSql } from "./sql-tokens.ts"

/** The schema after the operations. An operation that does not fit what is there is an error that names it. */
export function foldOperations(operations: readonly Operation[], schema: SchemaModel = emptySchema): SchemaModel {
  return operations.reduce(applyOperation, schema)
}

/** The schema after one operation. */
export function applyOperation(schema: SchemaModel, operation: Operation): SchemaModel {
  const misfit = (why: string): never => {
    throw new RangeError(`"${describeOperation(operation)}" does not fit: ${why}`)
  }
  const has = (name: string) => schema.tables.some((table) => table.name === name)
  switch (operation.op) {
    case "createTable":
      if (has(operation.table.name)) misfit("the table is there")
      return { tables: [...schema.tables, operation.table] }
    case "dropTable":
      if (!has(operation.table.name)) misfit("there is no such table")
      return { tables: schema.tables.filter(({ name }) => name !== operation.table.name) }
    case "renameTable":
      if (!has(operation.from) || has(operation.to)) misfit("the one is absent or the other is there")
      return { tables: schema.tables.map((table) => renameTable(table, operation.from, operation.to)) }
    case "renameColumn": {
      if (!has(operation.table)) misfit("there is no such table")
      const names = tableOf(schema, operation.table).columns.map(({ name }) => name)
      if (!names.includes(operation.from) || names.includes(operation.to))
        misfit("the one is absent or the other is there")
      return {
        tables: schema.tables.map((table) => renameColumn(table, operation.table, operation.from, operation.to)),
      }
    }
    case "sql":
      return schema
    default: {
      if (!has(operation.table)) misfit("there is no such table")
      const changed = changeTable(tableOf(schema, operation.table), operation, misfit)
      return { tables: schema.tables.map((table) => (table.name === operation.table ? changed : table)) }
    }
  }
}

type TableOperation = Extract<Operation, { table: string }>

function changeTable(table: TableModel, operation: TableOperation, misfit: (why: string) => never): TableModel {
  const add = <T extends { name: string }>(list: readonly T[], one: T): T[] =>
    list.some(({ name }) => name === one.name) ? misfit(`${one.name} is there`) : [...list, one]
  const drop = <T extends { name: string }>(list: readonly T[], one: T): T[] =>
    list.some(({ name }) => name === one.name)
      ? list.filter(({ name }) => name !== one.name)
      : misfit(`there is no ${one.name}`)
  switch (operation.op) {
    case "addColumn":
      return { ...table, columns: add(table.columns, operation.column) }
    case "dropColumn":
      return { ...table, columns: drop(table.columns, operation.column) }
    case "changeColumn": {
      const found = table.columns.find(({ name }) => name === operation.from.name)
      if (found === undefined || !equalModels(found, operation.from)) misfit("the column is not as it says")
      return { ...table, columns: table.columns.map((one) => (one === found ? operation.to : one)) }
    }
    case "changePrimaryKey":
      return { ...table, primaryKey: operation.to }
    case "addUnique":
      return { ...table, uniques: add(table.uniques, operation.unique) }
    case "dropUnique":
      return { ...table, uniques: drop(table.uniques, operation.unique) }
    case "addCheck":
      return { ...table, checks: add(table.checks, operation.check) }
    case "dropCheck":
      return { ...table, checks: drop(table.checks, operation.check) }
    case "addReference":
      return { ...table, references: add(table.references, operation.reference) }
    case "dropReference":
      return { ...table, references: drop(table.references, operation.reference) }
    case "addIndex":
      return { ...table, indexes: add(table.indexes, operation.index) }
    case "dropIndex":
      return { ...table, indexes: drop(table.indexes, operation.index) }
    case "renameConstraint": {
      const rename = <T extends { name: string }>(list: readonly T[]): T[] =>
        list.map((one) => (one.name === operation.from ? { ...one, name: operation.to } : one))
      const list = constraintLists[operation.kind]
      return { ...table, [list]: rename<{ name: string }>(table[list]) }
    }
    case "changeAppendOnly": {
      const { appendOnly: _, ...rest } = table
      return operation.to === null ? rest : { ...rest, appendOnly: operation.to }
    }
    default:
      return misfit("it changes no table")
  }
}

const constraintLists = { unique: "uniques", check: "checks", reference: "references", index: "indexes" } as const

function renameTable(table: TableModel, from: string, to: string): TableModel {
  return {
    ...table,
    name: table.name === from ? to : table.name,
    references: table.references.map((one) => (one.table === from ? { ...one, table: to } : one)),
  }
}

function renameColumn(table: TableModel, owner: string, from: string, to: string): TableModel {
  const name = (column: string) => (column === from ? to : column)
  const targets = (one: ReferenceModel) => (one.table === owner ? { ...one, target: name(one.target) } : one)
  if (table.name !== owner) return { ...table, references: table.references.map(targets) }
  const sql = (text: EngineSql): EngineSql =>
    typeof text === "string"
      ? renameColumnInSql(text, from, to)
      : { sqlite: renameColumnInSql(text.sqlite, from, to), postgres: renameColumnInSql(text.postgres, from, to) }
  const { appendOnly } = table
  return {
    ...table,
    columns: table.columns.map((column) => renamedColumn(column, name, sql)),
    primaryKey: table.primaryKey.map(name),
    uniques: table.uniques.map((one) => ({ ...one, columns: one.columns.map(name) })),
    checks: table.checks.map((one) => ({ ...one, sql: sql(one.sql) })),
    references: table.references.map((one) => ({ ...targets(one), column: name(one.column) })),
    indexes: table.indexes.map((one) => renamedIndex(one, name, sql)),
    ...(appendOnly?.parent === undefined ? {} : { appendOnly: { parent: name(appendOnly.parent) } }),
  }
}

type Rename = (name: string) => string
type RenameSql = (text: EngineSql) => EngineSql

function renamedColumn(column: ColumnModel, name: Rename, sql: RenameSql): ColumnModel {
  const { generated } = column
  return { ...column, name: name(column.name), ...(generated === undefined ? {} : { generated: sql(generated) }) }
}

function renamedIndex(index: IndexModel, name: Rename, sql: RenameSql): IndexModel {
  return {
    ...index,
    terms: index.terms.map((term) => ({
      ...term,
      ...(term.column === undefined ? {} : { column: name(term.column) }),
      ...(term.expression === undefined ? {} : { expression: sql(term.expression) }),
    })),
    ...(index.where === undefined ? {} : { where: sql(index.where) }),
  }
}

/** Whether a change of a column changes its type or how it is made, beyond null and default. */
export function changesType(from: ColumnModel, to: ColumnModel): boolean {
  return !equalModels(from.type, to.type)
}
