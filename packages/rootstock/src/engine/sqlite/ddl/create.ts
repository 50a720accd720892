/**
 * SQL that makes tables on SQLite. What the storages may rely on:
 *
 * - Tables are STRICT; `identity()` is `INTEGER PRIMARY KEY AUTOINCREMENT`.
 * - The check of a column's type is the constraint `generatedName([table, column], "type")`.
 * - SQLite compares a row with the unique indexes of its table from the one made last to the one made first, and an integer
 *   key before all. So the constraints are written in reverse, the primary key last, and unique indexes are made in
 *   reverse: a row that breaks several is refused for the first unique index declared, then the primary key, then the
 *   first unique constraint declared. PostgreSQL is made to answer alike (`postgres/ddl/create.ts`).
 * - Checks are written in the order of their names, in which PostgreSQL looks at them.
 * - An index with `.contains()` is a table `generatedName([table, column], "items")`, kept by the triggers
 *   `…_items_insert`, `…_items_update`, `…_items_delete`. Beside what is found it has the columns of the row's primary key,
 *   under their names. For a list: `(item, <key>)`, one row for each different item, as SQLite stores it in the JSON text.
 *   For JSON: `(path, value, <key>)`, one row for each different scalar leaf. `path` is the JSON array of the object
 *   keys that lead to it, without array indexes: `{"a":[{"b":1}]}` has the path `["a","b"]`; a scalar or an array of
 *   scalars at the root has `[]`. `value` is the text or number; true, false and null are the texts 'true', 'false', 'null'.
 * - `appendOnly` makes the triggers `<table>_append_only_update` and `…_delete`; they raise
 *   `CHECK constraint failed: <table>_append_only`.
 */
import { type EngineSql, generatedName, type ReferenceAction } from "../../../schema/index.ts"
import {
  type ColumnModel,
  columnOf,
  type IndexModel,
  isIdentity,
  type Json,
  type ReferenceModel,
  type SchemaModel,
  type TableModel,
} from "../../ddl/model.ts"
import { columnList, identifier, literal } from "../../ddl/text.ts"
import { decodeConstant, typeOf } from "../../ddl/types.ts"
import { isLeaf, itemsName, jsonLeaves, leafPath, leafValue, listItems } from "../items.ts"

/** Statements that make the tables in an empty database. */
export function createSchema(schema: SchemaModel): string[] {
  return schema.tables.flatMap((table) => createTable(table))
}

/** Statements that make a table with all that belongs to it. */
export function createTable(table: TableModel): string[] {
  return [createPlainTable(table, table.name), ...createAttachments(table)]
}

/** The statement that makes the table under `name`, without indexes and triggers. */
export function createPlainTable(table: TableModel, name: string): string {
  const lines = table.columns.map((column) => columnClause(table, column))
  for (const column of table.columns) {
    const check = typeCheck(table, column)
    if (check !== undefined) lines.push(check)
  }
  for (const check of table.checks.toSorted((one, other) => (one.name < other.name ? -1 : 1))) {
    lines.push(checkClause(check.name, sqlOf(check.sql)))
  }
  for (const reference of table.references) {
    lines.push(
      `CONSTRAINT ${identifier(reference.name)} FOREIGN KEY (${identifier(reference.column)}) ${referenceClause(reference)}`,
    )
  }
  for (const unique of table.uniques.toReversed()) {
    lines.push(`CONSTRAINT ${identifier(unique.name)} UNIQUE ${columnList(unique.columns)}`)
  }
  if (!table.columns.some(isIdentity)) {
    lines.push(`CONSTRAINT ${identifier(primaryKeyName(table))} PRIMARY KEY ${columnList(table.primaryKey)}`)
  }
  return `CREATE TABLE ${identifier(name)} (\n  ${lines.join(",\n  ")}\n) STRICT`
}

/** Indexes and triggers of a table, in the order in which they are made. */
export function createAttachments(table: TableModel): string[] {
  const ordered = table.indexes.filter(({ method }) => method === "ordered")
  return [
    ...ordered.filter(({ unique }) => !unique).map((index) => createIndex(table, index)),
    ...ordered
      .filter(({ unique }) => unique)
      .toReversed()
      .map((index) => createIndex(table, index)),
    ...table.indexes.filter(({ method }) => method === "contains").flatMap((index) => createItems(table, index)),
    ...createAppendOnly(table),
  ]
}

export function primaryKeyName(table: TableModel): string {
  return generatedName([table.name], "pkey")
}

export function columnClause(table: TableModel, column: ColumnModel): string {
  const parts = [identifier(column.name), typeOf(column.type).codecs.sqlite.ddl]
  if (isIdentity(column)) {
    parts.push(`CONSTRAINT ${identifier(primaryKeyName(table))} PRIMARY KEY AUTOINCREMENT`)
  } else if (!column.nullable) {
    parts.push("NOT NULL")
  }
  const value = defaultLiteral(column)
  if (value !== undefined) parts.push(`DEFAULT ${value}`)
  if (column.generated !== undefined) parts.push(`GENERATED ALWAYS AS (${sqlOf(column.generated)}) STORED`)
  return parts.join(" ")
}

/** The declared constant default as a literal. */
export function defaultLiteral(column: ColumnModel): string | undefined {
  return column.default === undefined ? undefined : constantLiteral(column, column.default)
}

/** A constant of the column's type as a literal. */
export function constantLiteral(column: ColumnModel, constant: Json): string {
  const value = typeOf(column.type).codecs.sqlite.encode(decodeConstant(column.type, constant))
  if (typeof value === "string") return literal(value)
  if (value instanceof Uint8Array) return `X'${Buffer.from(value).toString("hex")}'`
  return String(value)
}

/** The condition that the column's type asks of a value. */
export function typeCondition(column: ColumnModel): string | undefined {
  return typeOf(column.type).codecs.sqlite.check?.(identifier(column.name))
}

export function typeCheckName(table: string, column: string): string {
  return generatedName([table, column], "type")
}

function typeCheck(table: TableModel, column: ColumnModel): string | undefined {
  const condition = typeCondition(column)
  return condition === undefined ? undefined : checkClause(typeCheckName(table.name, column.name), condition)
}

export function checkClause(name: string, condition: string): string {
  return `CONSTRAINT ${identifier(name)} CHECK (${condition})`
}

/**
 * The reference of a column. PostgreSQL looks at `restrict` when the statement ends, as SQLite looks at `no action`;
 * SQLite's own RESTRICT refuses even where the same statement deletes the referencing rows. Where the reference is
 * deferrable the two differ, and RESTRICT says that it does not wait for the commit.
 */
export function referenceClause({ table, target, onDelete, onUpdate, deferrable }: ReferenceModel): string {
  const parts = [`REFERENCES ${identifier(table)} (${identifier(target)})`]
  const acts = (action: ReferenceAction) => action !== "no action" && (action !== "restrict" || deferrable)
  if (acts(onDelete)) parts.push(`ON DELETE ${onDelete.toUpperCase()}`)
  if (acts(onUpdate)) parts.push(`ON UPDATE ${onUpdate.toUpperCase()}`)
  if (deferrable) parts.push("DEFERRABLE INITIALLY DEFERRED")
  return parts.join(" ")
}

export function createIndex(table: TableModel, index: IndexModel): string {
  // SQLite refuses NULLS FIRST and NULLS LAST in indexes: https://www.sqlite.org/lang_createindex.html
  const terms = index.terms.map((term) => {
    const what = term.column === undefined ? `(${sqlOf(term.expression!)})` : identifier(term.column)
    return term.direction === "desc" ? `${what} DESC` : what
  })
  // Storages order by the key last, in the direction of the term before it. Ascending row ids stand in every index by
  // themselves; descending ones are said, or each page would be sorted again.
  if (!index.unique && index.terms.at(-1)?.direction === "desc") {
    const named = new Set(index.terms.map(({ column }) => column))
    for (const key of table.primaryKey) if (!named.has(key)) terms.push(`${identifier(key)} DESC`)
  }
  const head = `CREATE ${index.unique ? "UNIQUE " : ""}INDEX ${identifier(index.name)} ON ${identifier(table.name)}`
  return `${head} (${terms.join(", ")})${index.where === undefined ? "" : ` WHERE ${sqlOf(index.where)}`}`
}

/** The side table of a `.contains()` index, filled, and the triggers that keep it. */
export function createItems(table: TableModel, index: IndexModel): string[] {
  const column = columnOf(table, index.terms[0]!.column!)
  const side = itemsName(table.name, column.name)
  const keys = table.primaryKey.map((name) => columnOf(table, name))
  const found = column.type.kind === "list" ? ["item"] : ["path", "value"]
  const foundColumns =
    column.type.kind === "list" ? `"item" ANY NOT NULL` : `"path" TEXT NOT NULL,\n  "value" ANY NOT NULL`
  const keyColumns = keys.map((key) => `${identifier(key.name)} ${typeOf(key.type).codecs.sqlite.ddl} NOT NULL`)
  const leaves = column.type.kind === "list" ? listItems : jsonLeaves
  const own = identifier(column.name)
  const all = columnList([...found, ...table.primaryKey])
  const insertFrom = (row: string, from: string) =>
    `INSERT OR IGNORE INTO ${identifier(side)} ${all} SELECT found.*, ${keys.map(({ name }) => `${row}.${identifier(name)}`).join(", ")} FROM ${from}`
  const insertNew = `${insertFrom("NEW", `(${leaves(`NEW.${own}`)}) AS found`)};`
  const matches = keys.map(({ name }) => `${identifier(name)} = OLD.${identifier(name)}`).join(" AND ")
  const deleteOld = `DELETE FROM ${identifier(side)} WHERE ${columnList(found)} IN (${leaves(`OLD.${own}`)}) AND ${matches};`
  const trigger = (suffix: string, event: string, body: string) =>
    `CREATE TRIGGER ${identifier(`${side}_${suffix}`)} AFTER ${event} ON ${identifier(table.name)} BEGIN\n  ${body}\nEND`
  const watched = [...new Set([column.name, ...table.primaryKey])].map(identifier).join(", ")
  return [
    `CREATE TABLE ${identifier(side)} (\n  ${[foundColumns, ...keyColumns].join(",\n  ")},\n  PRIMARY KEY ${all}\n) STRICT, WITHOUT ROWID`,
    fillItems(table, index),
    trigger("insert", "INSERT", insertNew),
    trigger("update", `UPDATE OF ${watched}`, `${deleteOld}\n  ${insertNew}`),
    trigger("delete", "DELETE", deleteOld),
  ]
}

/** The statement that fills an empty side table from the rows of its table. */
function fillItems(table: TableModel, index: IndexModel): string {
  const column = columnOf(table, index.terms[0]!.column!)
  const list = column.type.kind === "list"
  const found = list ? ["item"] : ["path", "value"]
  const keys = table.primaryKey
  const all = columnList([...found, ...keys])
  const source = `source.${identifier(column.name)}`
  const own = keys.map((name) => `source.${identifier(name)}`).join(", ")
  const side = identifier(itemsName(table.name, column.name))
  const from = identifier(table.name)
  if (list) {
    return `INSERT OR IGNORE INTO ${side} ${all} SELECT each.value, ${own} FROM ${from} AS source, json_each(${source}) AS each WHERE ${source} IS NOT NULL AND each.value IS NOT NULL`
  }
  return `INSERT OR IGNORE INTO ${side} ${all} SELECT ${leafPath(source)}, ${leafValue}, ${own} FROM ${from} AS source, json_tree(${source}) AS leaf WHERE ${source} IS NOT NULL AND ${isLeaf}`
}

export function appendOnlyTriggers(table: string): string[] {
  return ["update", "delete"].map((event) => generatedName([table, "append_only"], event))
}

/** Triggers that refuse updates, and deletes while the parent is there. */
export function createAppendOnly(table: TableModel): string[] {
  if (table.appendOnly === undefined) return []
  const { parent } = table.appendOnly
  const reference = table.references.find(({ column }) => column === parent)
  const on = identifier(table.name)
  const raise = `SELECT RAISE(ABORT, ${literal(`CHECK constraint failed: ${generatedName([table.name], "append_only")}`)});`
  const [onUpdate, onDelete] = appendOnlyTriggers(table.name).map(identifier)
  let when = ""
  if (reference !== undefined) {
    const column = `OLD.${identifier(reference.column)}`
    const there = `EXISTS (SELECT 1 FROM ${identifier(reference.table)} WHERE ${identifier(reference.target)} = ${column})`
    when = ` WHEN ${column} IS NULL OR ${there}`
  }
  return [
    `CREATE TRIGGER ${onUpdate} BEFORE UPDATE ON ${on} BEGIN\n  ${raise}\nEND`,
    `CREATE TRIGGER ${onDelete} BEFORE DELETE ON ${on}${when} BEGIN\n  ${raise}\nEND`,
  ]
}

/** SQL text for SQLite. */
export function sqlOf(sql: EngineSql): string {
  return typeof sql === "string" ? sql : sql.sqlite
}
