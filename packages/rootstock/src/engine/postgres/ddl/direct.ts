import type { Statement } from "../../ddl/contract.ts"
import {
  type ColumnModel,
  columnOf,
  equalModels,
  isIdentity,
  type ReferenceModel,
  type SchemaModel,
  type TableModel,
  tableOf,
} from "../../ddl/model.ts"
import type { Operation } from "../../ddl/operations.ts"
import {
  type Rows,
  refuseAny,
  refuseBroken,
  refuseNulls,
  refuseOrphans,
  refuseRows,
  refuseTwins,
  rowsOf,
} from "../../ddl/probe.ts"
import { columnList, identifier, literal } from "../../ddl/text.ts"
import { postgresConversion } from "./convert.ts"
import {
  addCheck,
  addReference,
  appendOnlyNames,
  checkClause,
  columnClause,
  constantLiteral,
  createAppendOnly,
  createIndex,
  createTable,
  defaultLiteral,
  dropAppendOnly,
  primaryKeyClause,
  primaryKeyName,
  sqlOf,
  typeCheckName,
  typeCondition,
  typeSql,
} from "./create.ts"

export const alter = (table: string, change: string) => `ALTER TABLE ${identifier(table)} ${change}`
export const dropConstraint = (table: string, name: string) => alter(table, `DROP CONSTRAINT ${identifier(name)}`)
const plain = (statements: readonly string[]): Statement[] => statements.map((sql) => ({ sql }))

/**
 * The statements of an operation, all at once: for tables that nobody else uses yet, or that are locked anyway.
 * References are left out of `createTable`, because they may need tables that come later.
 */
export function direct(operation: Operation, before: SchemaModel, after: SchemaModel): Statement[] {
  switch (operation.op) {
    case "createTable":
      return plain([...createTable(operation.table), ...createAppendOnly(operation.table)])
    case "dropTable":
      return plain(dropTable(operation.table, before))
    case "renameTable":
      return plain(renameTable(operation.from, operation.to, before, after))
    case "sql":
      return operation.up.postgres.trim() === "" ? [] : plain([operation.up.postgres])
    default:
      return changeTable(operation, before, after)
  }
}

type TableOperation = Exclude<Extract<Operation, { table: string }>, { op: "createTable" | "dropTable" }>

function changeTable(operation: TableOperation, before: SchemaModel, after: SchemaModel): Statement[] {
  const { table: name } = operation
  const table = tableOf(before, name)
  const rows = rowsOf(name, table.primaryKey)
  switch (operation.op) {
    case "addColumn":
      return addColumn(name, operation, rows)
    case "dropColumn":
      return plain([alter(name, `DROP COLUMN ${identifier(operation.column.name)}`)])
    case "renameColumn": {
      const rename = alter(name, `RENAME COLUMN ${identifier(operation.from)} TO ${identifier(operation.to)}`)
      const checked = typeCondition(columnOf(table, operation.from)) !== undefined
      const [from, to] = [typeCheckName(name, operation.from), typeCheckName(name, operation.to)]
      return plain(guarded([rename, ...(checked ? [renameConstraint(name, from, to)] : [])], before, after))
    }
    case "changeColumn":
      return changeColumn(name, operation.from, operation.to, rows)
    case "changePrimaryKey": {
      const references = referencesTo(table, before)
      return [
        refuseTwins(rows, "of its key", operation.to),
        ...plain(references.map(([owner, { name: constraint }]) => dropConstraint(owner, constraint))),
        ...plain([
          dropConstraint(name, primaryKeyName(name)),
          alter(name, `ADD ${primaryKeyClause(name, operation.to)}`),
        ]),
        ...plain(references.map(([owner, reference]) => addReference(owner, reference))),
      ]
    }
    case "addUnique": {
      const { name: constraint, columns } = operation.unique
      const add = alter(name, `ADD CONSTRAINT ${identifier(constraint)} UNIQUE ${columnList(columns)}`)
      return [refuseTwins(rows, constraint, columns), { sql: add }]
    }
    case "dropUnique":
      return plain([dropConstraint(name, operation.unique.name)])
    case "addCheck":
      return [
        refuseBroken(rows, operation.check.name, sqlOf(operation.check.sql)),
        { sql: addCheck(name, operation.check) },
      ]
    case "dropCheck":
      return plain([dropConstraint(name, operation.check.name)])
    case "addReference":
      return [refuseOrphans(rows, operation.reference), { sql: addReference(name, operation.reference) }]
    case "dropReference":
      return plain([dropConstraint(name, operation.reference.name)])
    case "addIndex":
      return plain([createIndex(table, operation.index)])
    case "dropIndex":
      return plain([`DROP INDEX ${identifier(operation.index.name)}`])
    case "renameConstraint":
      return plain([
        operation.kind === "index"
          ? `ALTER INDEX ${identifier(operation.from)} RENAME TO ${identifier(operation.to)}`
          : renameConstraint(name, operation.from, operation.to),
      ])
    case "changeAppendOnly":
      return plain([
        ...(table.appendOnly === undefined ? [] : dropAppendOnly(name)),
        ...createAppendOnly(tableOf(after, name)),
      ])
  }
}

function renameConstraint(table: string, from: string, to: string): string {
  return alter(table, `RENAME CONSTRAINT ${identifier(from)} TO ${identifier(to)}`)
}

/** References of other tables, and of its own, to the columns of the table. */
export function referencesTo(table: TableModel, schema: SchemaModel): [string, ReferenceModel][] {
  return schema.tables.flatMap((owner) =>
    owner.references
      .filter((reference) => reference.table === table.name)
      .map((reference): [string, ReferenceModel] => [owner.name, reference]),
  )
}

function dropTable(table: TableModel, schema: SchemaModel): string[] {
  const others = referencesTo(table, schema).filter(([owner]) => owner !== table.name)
  const { guard } = appendOnlyNames(table.name)
  return [
    ...others.map(([owner, { name }]) => alter(owner, `DROP CONSTRAINT IF EXISTS ${identifier(name)}`)),
    `DROP TABLE ${identifier(table.name)}`,
    ...(table.appendOnly === undefined ? [] : [`DROP FUNCTION ${identifier(guard)}()`]),
  ]
}

function renameTable(from: string, to: string, before: SchemaModel, after: SchemaModel): string[] {
  const constraints = [
    [primaryKeyName(from), primaryKeyName(to)],
    ...tableOf(before, from)
      .columns.filter((column) => typeCondition(column) !== undefined)
      .map(({ name }) => [typeCheckName(from, name), typeCheckName(to, name)]),
  ] as [string, string][]
  const rename = alter(from, `RENAME TO ${identifier(to)}`)
  return guarded([rename, ...constraints.map(([old, name]) => renameConstraint(to, old, name))], before, after)
}

/** The statements of a rename; the functions behind append-only tables, which know names as texts, are made again around it. */
function guarded(statements: readonly string[], before: SchemaModel, after: SchemaModel): string[] {
  const changed = before.tables.flatMap((table, at) => {
    const next = after.tables[at]!
    return equalModels(createAppendOnly(table), createAppendOnly(next)) ? [] : [[table, next] as const]
  })
  return [
    ...changed.flatMap(([table]) => dropAppendOnly(table.name)),
    ...statements,
    ...changed.flatMap(([, next]) => createAppendOnly(next)),
  ]
}

/** The condition of the column's type as a constraint. */
export function typeCheckClause(table: string, column: ColumnModel): string | undefined {
  const condition = typeCondition(column)
  return condition === undefined ? undefined : checkClause(typeCheckName(table, column.name), condition)
}

type AddColumn = Extract<Operation, { op: "addColumn" }>

function addColumn(table: string, operation: AddColumn, rows: Rows): Statement[] {
  const check = typeCheckClause(table, operation.column)
  return [
    ...addBareColumn(table, operation, rows),
    ...(check === undefined ? [] : [{ sql: alter(table, `ADD ${check}`) }]),
  ]
}

/** Adds a column without the check of its type. A constant fills the rows that are there without writing them anew. */
export function addBareColumn(table: string, { column, backfill }: AddColumn, rows: Rows): Statement[] {
  const add = (clause: string) => alter(table, `ADD COLUMN ${clause}`)
  const clause = columnClause(column)
  const given = column.nullable || column.default !== undefined || column.generated !== undefined || isIdentity(column)
  if (given) return [{ sql: add(clause) }]
  if (backfill === undefined) return [refuseAny(rows, column.name), { sql: add(clause) }]
  const filler =
    backfill.kind === "value"
      ? constantLiteral(column, backfill.value)
      : backfill.kind === "uuid"
        ? "gen_random_uuid()"
        : "'@now'"
  return [
    { sql: `${add(clause)} DEFAULT ${filler}`, ...(backfill.kind === "now" ? { usesNow: true } : {}) },
    { sql: alter(table, `ALTER COLUMN ${identifier(column.name)} DROP DEFAULT`) },
  ]
}

function changeColumn(table: string, from: ColumnModel, to: ColumnModel, rows: Rows): Statement[] {
  const check = typeCheckClause(table, to)
  const changesCheck = typeCondition(from) !== typeCondition(to)
  const own = identifier(to.name)
  return [
    ...changeBareColumn(table, from, to, rows),
    ...(check === undefined || !changesCheck ? [] : [refuseType(rows, to), { sql: alter(table, `ADD ${check}`) }]),
    ...(from.nullable && !to.nullable
      ? [refuseNulls(rows, to.name), { sql: alter(table, `ALTER COLUMN ${own} SET NOT NULL`) }]
      : []),
  ]
}

export function refuseType(rows: Rows, column: ColumnModel): Statement {
  return refuseRows(rows, `NOT (${typeCondition(column)})`, `have a ${column.name} that its type does not take`)
}

/** Changes type, default and null, all but what looks at every row: the check of the type, and NOT NULL. */
export function changeBareColumn(table: string, from: ColumnModel, to: ColumnModel, rows: Rows): Statement[] {
  const own = identifier(to.name)
  const column = (change: string): Statement => ({ sql: alter(table, `ALTER COLUMN ${own} ${change}`) })
  const statements: Statement[] = []
  const checked = typeCondition(from) !== undefined && typeCondition(from) !== typeCondition(to)
  if (checked)
    statements.push({ sql: alter(table, `DROP CONSTRAINT IF EXISTS ${identifier(typeCheckName(table, from.name))}`) })
  if (isIdentity(from) && !isIdentity(to)) statements.push(column("DROP IDENTITY"))
  const [oldDefault, value] = [defaultLiteral(from), defaultLiteral(to)]
  const retyped = typeSql(from) !== typeSql(to)
  if (oldDefault !== undefined && (retyped || value === undefined)) statements.push(column("DROP DEFAULT"))
  const conversion = postgresConversion(from.type, to.type)!
  if (conversion.refuse !== undefined) {
    statements.push(
      refuseRows(rows, conversion.refuse(own), `have a ${to.name} that cannot be converted without a loss`),
    )
  }
  if (retyped) {
    const max = to.type.kind === "text" ? to.type.max : undefined
    if (max !== undefined) {
      statements.push(
        refuseRows(rows, `length(${conversion.value(own)}) > ${max}`, `have a ${to.name} that its type does not take`),
      )
    }
    const using = conversion.value(own) === own ? "" : ` USING ${conversion.value(own)}`
    statements.push(column(`TYPE ${typeSql(to)}${using}`))
  }
  if (value !== undefined && (retyped || value !== oldDefault)) statements.push(column(`SET DEFAULT ${value}`))
  if (!from.nullable && to.nullable) statements.push(column("DROP NOT NULL"))
  if (!isIdentity(from) && isIdentity(to)) {
    const sequence = `pg_get_serial_sequence(quote_ident(current_schema()) || '.' || ${literal(identifier(table))}, ${literal(to.name)})`
    statements.push(column("ADD GENERATED BY DEFAULT AS IDENTITY"), {
      sql: `SELECT setval(${sequence}, greatest(max(${own}), 1), max(${own}) IS NOT NULL) FROM ${identifier(table)}`,
    })
  }
  return statements
}
