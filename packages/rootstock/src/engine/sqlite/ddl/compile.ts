import type { Statement, Step } from "../../ddl/contract.ts"
import { applyOperation } from "../../ddl/fold.ts"
import {
  type ColumnModel,
  columnOf,
  equalModels,
  type IndexModel,
  isIdentity,
  type SchemaModel,
  type TableModel,
  tableOf,
} from "../../ddl/model.ts"
import type { Operation } from "../../ddl/operations.ts"
import { refuseBroken, refuseNulls, refuseRows, refuseTwins, rowsOf } from "../../ddl/probe.ts"
import { tokenize } from "../../ddl/sql-tokens.ts"
import { identifier } from "../../ddl/text.ts"
import { typeOf } from "../../ddl/types.ts"
import { sqliteConversion } from "./convert.ts"
import {
  checkClause,
  columnClause,
  createAppendOnly,
  createIndex,
  createItems,
  createTable,
  referenceClause,
  sqlOf,
  typeCheckName,
  typeCondition,
} from "./create.ts"
import { dropAppendOnly, dropItems, plain, Rebuild } from "./rebuild.ts"

/**
 * The steps that take a SQLite database with this schema through the operations: by ALTER where SQLite has it
 * (https://www.sqlite.org/lang_altertable.html), else by making the table anew, once for all such changes of it.
 */
export function compile(start: SchemaModel, operations: readonly Operation[]): Step[] {
  const steps: Step[] = []
  const rebuilds = new Map<string, Rebuild>()
  const taken = new Set<Operation>()
  let schema = start
  const flush = () => {
    for (const [name, rebuild] of rebuilds) steps.push(...rebuild.steps(tableOf(schema, name)))
    rebuilds.clear()
  }
  /** The names of type checks come from those of table and column. Where rows may be null the table is made anew for it. */
  const renameChecks = ({ table, checks }: RenamedChecks) => {
    if (table === undefined || checks.length === 0) return
    if (checks.some(({ column }) => column.nullable)) {
      rebuilds.set(table.name, new Rebuild(table))
      return
    }
    for (const { from, column } of checks) {
      const drop = `ALTER TABLE ${identifier(table.name)} DROP CONSTRAINT ${identifier(from)}`
      steps.push(...plain([drop, ...addTypeCheck(table, column)]))
    }
  }
  for (const [at, operation] of operations.entries()) {
    if (taken.has(operation)) continue
    if (operation.op === "renameTable" || operation.op === "renameColumn" || operation.op === "sql") flush()
    const before = schema
    schema = applyOperation(schema, operation)
    const renamed = renamedChecks(operation, schema)
    if (!("table" in operation) || typeof operation.table !== "string") {
      if (operation.op === "dropTable") rebuilds.delete(operation.table.name)
      steps.push(...changeSchema(operation, before, schema))
      renameChecks(renamed)
      continue
    }
    const table = tableOf(before, operation.table)
    const rebuild = rebuilds.get(table.name)
    const steady =
      rebuild === undefined ? alterTable(operation as TableOperation, table, tableOf(schema, table.name)) : undefined
    if (steady === undefined) {
      const anew = rebuild ?? new Rebuild(table)
      anew.add(operation)
      rebuilds.set(table.name, anew)
      continue
    }
    // A column that comes with its reference needs no rebuild.
    const reference = operation.op === "addColumn" ? ownReference(operation, operations.slice(at + 1)) : undefined
    if (reference !== undefined && operation.op === "addColumn") {
      taken.add(reference)
      schema = applyOperation(schema, reference)
      const { name } = reference.reference
      const clause = ` CONSTRAINT ${identifier(name)} ${referenceClause(reference.reference)}`
      steps.push(...plain([addColumn(table, operation.column) + clause]))
      continue
    }
    steps.push(...steady)
    renameChecks(renamed)
  }
  flush()
  return steps
}

type RenamedChecks = { readonly table?: TableModel; readonly checks: readonly { from: string; column: ColumnModel }[] }

function renamedChecks(operation: Operation, after: SchemaModel): RenamedChecks {
  if (operation.op !== "renameTable" && operation.op !== "renameColumn") return { checks: [] }
  const table = tableOf(after, operation.op === "renameTable" ? operation.to : operation.table)
  const columns = operation.op === "renameTable" ? table.columns : [columnOf(table, operation.to)]
  const [owner, name] = operation.op === "renameTable" ? [operation.from, undefined] : [operation.table, operation.from]
  const checked = columns.filter((column) => typeCondition(column) !== undefined)
  return { table, checks: checked.map((column) => ({ from: typeCheckName(owner, name ?? column.name), column })) }
}

type TableOperation = Extract<Operation, { table: string }>
type Reference = Extract<Operation, { op: "addReference" }>

function ownReference(
  { table, column }: Extract<Operation, { op: "addColumn" }>,
  rest: readonly Operation[],
): Reference | undefined {
  for (const one of rest) {
    if (one.op === "renameTable" || one.op === "renameColumn" || one.op === "sql") return undefined
    if (one.op === "addReference" && one.table === table && one.reference.column === column.name) return one
  }
  return undefined
}

function changeSchema(operation: Operation, before: SchemaModel, after: SchemaModel): Step[] {
  switch (operation.op) {
    case "createTable":
      return plain(createTable(operation.table))
    case "dropTable": {
      const table = operation.table
      const items = table.indexes.filter(({ method }) => method === "contains")
      return plain([
        ...items.flatMap(({ terms }) => dropItems(table, terms[0]!.column!)),
        `DROP TABLE ${identifier(table.name)}`,
      ])
    }
    case "renameTable": {
      const [old, table] = [tableOf(before, operation.from), tableOf(after, operation.to)]
      const rename = `ALTER TABLE ${identifier(old.name)} RENAME TO ${identifier(table.name)}`
      return plain([...detach(old), rename, ...attach(table)])
    }
    case "sql":
      return operation.up.sqlite.trim() === "" ? [] : plain([operation.up.sqlite])
    default:
      return []
  }
}

/** What depends on the names of a table and its columns in a way that SQLite does not follow. */
function detach(table: TableModel): string[] {
  const items = table.indexes.filter(({ method }) => method === "contains")
  return [...items.flatMap(({ terms }) => dropItems(table, terms[0]!.column!)), ...dropAppendOnly(table)]
}

function attach(table: TableModel): string[] {
  const items = table.indexes.filter(({ method }) => method === "contains")
  return [...items.flatMap((index) => createItems(table, index)), ...createAppendOnly(table)]
}

/** Steps without a rebuild, or undefined where there are none. */
function alterTable(operation: TableOperation, table: TableModel, after: TableModel): Step[] | undefined {
  const rows = rowsOf(table.name, table.primaryKey)
  const alter = (change: string) => `ALTER TABLE ${identifier(table.name)} ${change}`
  switch (operation.op) {
    case "renameColumn": {
      const rename = alter(`RENAME COLUMN ${identifier(operation.from)} TO ${identifier(operation.to)}`)
      return plain([...detach(table), rename, ...attach(after)])
    }
    case "addColumn": {
      const { column } = operation
      const computed = column.generated !== undefined || isIdentity(column)
      if (computed || (!column.nullable && column.default === undefined)) return undefined
      return plain([addColumn(table, column)])
    }
    case "dropColumn": {
      const { column } = operation
      if (table.primaryKey.includes(column.name)) return undefined
      return plain([...dropTypeCheck(table, column), alter(`DROP COLUMN ${identifier(column.name)}`)])
    }
    case "changeColumn":
      return changeColumn(operation.from, operation.to, table)
    case "addCheck": {
      const { name, sql } = operation.check
      if (mayBeNull(table, sqlOf(sql))) return undefined
      return checked([refuseBroken(rows, name, sqlOf(sql))], alter(`ADD ${checkClause(name, sqlOf(sql))}`))
    }
    case "dropCheck":
      return plain([alter(`DROP CONSTRAINT ${identifier(operation.check.name)}`)])
    case "addIndex":
      return addIndex(table, operation.index)
    case "dropIndex": {
      const { index } = operation
      if (index.method === "contains") return plain(dropItems(table, index.terms[0]!.column!))
      return plain([`DROP INDEX ${identifier(index.name)}`])
    }
    case "renameConstraint": {
      const { kind, from, to } = operation
      if (kind === "index")
        return plain([
          `DROP INDEX ${identifier(from)}`,
          createIndex(after, after.indexes.find(({ name }) => name === to)!),
        ])
      if (kind !== "check") return undefined
      const { sql } = after.checks.find(({ name }) => name === to)!
      if (mayBeNull(table, sqlOf(sql))) return undefined
      return plain([alter(`DROP CONSTRAINT ${identifier(from)}`), alter(`ADD ${checkClause(to, sqlOf(sql))}`)])
    }
    case "changeAppendOnly":
      return plain([...dropAppendOnly(table), ...createAppendOnly(after)])
    default:
      return undefined
  }
}

/**
 * Whether a check may be null for some row. `ALTER TABLE ADD CONSTRAINT` refuses such rows, although CHECK takes them;
 * then the table is made anew.
 */
function mayBeNull(table: TableModel, condition: string): boolean {
  const tokens = tokenize(condition)
  const nullable = new Set(table.columns.filter((column) => column.nullable).map(({ name }) => name))
  return tokens.some(
    ({ kind, name }, at) =>
      ((kind === "word" || kind === "quoted") && nullable.has(kind === "word" ? name.toLowerCase() : name)) ||
      (kind === "word" && tokens[at + 1]?.text === "(" && !neverNull.has(name.toLowerCase())),
  )
}

/** Words before a parenthesis that give null only for null. */
const neverNull = new Set([
  "abs",
  "and",
  "between",
  "in",
  "instr",
  "length",
  "lower",
  "not",
  "or",
  "replace",
  "substr",
  "trim",
  "upper",
])

function addIndex(table: TableModel, index: IndexModel): Step[] {
  if (index.method === "contains") return plain(createItems(table, index))
  const columns = index.terms.flatMap(({ column }) => (column === undefined ? [] : [column]))
  if (!index.unique || columns.length < index.terms.length) return plain([createIndex(table, index)])
  const from =
    index.where === undefined
      ? identifier(table.name)
      : `(SELECT * FROM ${identifier(table.name)} WHERE ${sqlOf(index.where)})`
  return checked([refuseTwins({ from, table: table.name, keys: [] }, index.name, columns)], createIndex(table, index))
}

function changeColumn(from: ColumnModel, to: ColumnModel, table: TableModel): Step[] | undefined {
  const stored = ({ type }: ColumnModel) => typeOf(type).codecs.sqlite.ddl
  const conversion = sqliteConversion(from.type, to.type)!
  const kept = stored(from) === stored(to) && conversion.value("x") === "x" && !isIdentity(from) && !isIdentity(to)
  if (!kept || !equalModels(from.default, to.default)) return undefined
  const rows = rowsOf(table.name, table.primaryKey)
  const own = identifier(to.name)
  const steps: Step[] = []
  if (conversion.refuse !== undefined) {
    const sentence = `have a ${to.name} that cannot be converted without a loss`
    steps.push({ statements: [refuseRows(rows, conversion.refuse(own), sentence)] })
  }
  const condition = typeCondition(to)
  if (condition !== undefined && condition !== typeCondition(from) && (from.nullable || to.nullable)) return undefined
  if (condition !== typeCondition(from)) {
    steps.push(...plain(dropTypeCheck(table, from)))
    if (condition !== undefined) {
      const refusal = refuseRows(rows, `NOT (${condition})`, `have a ${to.name} that its type does not take`)
      steps.push({ statements: [refusal] }, ...plain(addTypeCheck(table, to)))
    }
  }
  if (from.nullable !== to.nullable) {
    const change = `ALTER TABLE ${identifier(table.name)} ALTER COLUMN ${own} ${to.nullable ? "DROP" : "SET"} NOT NULL`
    steps.push(...checked(to.nullable ? [] : [refuseNulls(rows, to.name)], change))
  }
  return steps
}

function checked(refusals: readonly Statement[], sql: string): Step[] {
  return [...refusals.map((statement) => ({ statements: [statement] })), ...plain([sql])]
}

function addColumn(table: TableModel, column: ColumnModel): string {
  const condition = typeCondition(column)
  const check = condition === undefined ? "" : ` ${checkClause(typeCheckName(table.name, column.name), condition)}`
  return `ALTER TABLE ${identifier(table.name)} ADD COLUMN ${columnClause(table, column)}${check}`
}

function dropTypeCheck(table: TableModel, column: ColumnModel): string[] {
  if (typeCondition(column) === undefined) return []
  return [`ALTER TABLE ${identifier(table.name)} DROP CONSTRAINT ${identifier(typeCheckName(table.name, column.name))}`]
}

function addTypeCheck(table: TableModel, column: ColumnModel): string[] {
  const condition = typeCondition(column)
  if (condition === undefined) return []
  return [`ALTER TABLE ${identifier(table.name)} ADD ${checkClause(typeCheckName(table.name, column.name), condition)}`]
}
