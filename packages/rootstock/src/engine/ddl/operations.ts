import type { Backfill } from "./from-tables.ts"
import type {
  AppendOnlyModel,
  CheckModel,
  ColumnModel,
  IndexModel,
  ReferenceModel,
  TableModel,
  UniqueModel,
} from "./model.ts"

/** SQL of a hand-written step for each engine; an empty text does nothing there. */
export type HandwrittenSql = { readonly sqlite: string; readonly postgres: string }

export type ConstraintKind = "unique" | "check" | "reference" | "index"

/** One change of a schema. It says what was and what comes, so that its opposite follows from it. */
export type Operation =
  | { readonly op: "createTable"; readonly table: TableModel }
  | { readonly op: "dropTable"; readonly table: TableModel }
  | { readonly op: "renameTable"; readonly from: string; readonly to: string }
  | { readonly op: "addColumn"; readonly table: string; readonly column: ColumnModel; readonly backfill?: Backfill }
  | { readonly op: "dropColumn"; readonly table: string; readonly column: ColumnModel }
  | { readonly op: "renameColumn"; readonly table: string; readonly from: string; readonly to: string }
  | { readonly op: "changeColumn"; readonly table: string; readonly from: ColumnModel; readonly to: ColumnModel }
  | {
      readonly op: "changePrimaryKey"
      readonly table: string
      readonly from: readonly string[]
      readonly to: readonly string[]
    }
  | { readonly op: "addUnique"; readonly table: string; readonly unique: UniqueModel }
  | { readonly op: "dropUnique"; readonly table: string; readonly unique: UniqueModel }
  | { readonly op: "addCheck"; readonly table: string; readonly check: CheckModel }
  | { readonly op: "dropCheck"; readonly table: string; readonly check: CheckModel }
  | { readonly op: "addReference"; readonly table: string; readonly reference: ReferenceModel }
  | { readonly op: "dropReference"; readonly table: string; readonly reference: ReferenceModel }
  | { readonly op: "addIndex"; readonly table: string; readonly index: IndexModel }
  | { readonly op: "dropIndex"; readonly table: string; readonly index: IndexModel }
  | {
      readonly op: "renameConstraint"
      readonly table: string
      readonly kind: ConstraintKind
      readonly from: string
      readonly to: string
    }
  | {
      readonly op: "changeAppendOnly"
      readonly table: string
      readonly from: AppendOnlyModel | null
      readonly to: AppendOnlyModel | null
    }
  | { readonly op: "sql"; readonly up: HandwrittenSql; readonly down: HandwrittenSql }

/** The operations that take back the given ones. */
export function invertOperations(operations: readonly Operation[]): Operation[] {
  return operations.toReversed().map(invertOperation)
}

function invertOperation(operation: Operation): Operation {
  switch (operation.op) {
    case "createTable":
      return { ...operation, op: "dropTable" }
    case "dropTable":
      return { ...operation, op: "createTable" }
    case "addColumn":
      return { op: "dropColumn", table: operation.table, column: operation.column }
    case "dropColumn": {
      const { table, column } = operation
      return { op: "addColumn", table, column, ...(needsValue(column) ? { backfill: neutral(column) } : {}) }
    }
    case "addUnique":
      return { ...operation, op: "dropUnique" }
    case "dropUnique":
      return { ...operation, op: "addUnique" }
    case "addCheck":
      return { ...operation, op: "dropCheck" }
    case "dropCheck":
      return { ...operation, op: "addCheck" }
    case "addReference":
      return { ...operation, op: "dropReference" }
    case "dropReference":
      return { ...operation, op: "addReference" }
    case "addIndex":
      return { ...operation, op: "dropIndex" }
    case "dropIndex":
      return { ...operation, op: "addIndex" }
    case "sql":
      return { op: "sql", up: operation.down, down: operation.up }
    default:
      return { ...operation, from: operation.to, to: operation.from } as Operation
  }
}

function needsValue(column: ColumnModel): boolean {
  return (
    !column.nullable &&
    column.default === undefined &&
    column.generated === undefined &&
    column.type.kind !== "identity"
  )
}

/** What a column that comes back after its values went has in the rows that are there, where it may not be null. */
function neutral({ type }: ColumnModel): Backfill {
  switch (type.kind) {
    case "uuid":
      return { kind: "uuid" }
    case "integer":
    case "real":
      return { kind: "value", value: 0 }
    case "bigint":
      return { kind: "value", value: "0" }
    case "decimal":
      return { kind: "value", value: "0" }
    case "boolean":
      return { kind: "value", value: false }
    case "timestamp":
      return { kind: "value", value: "1970-01-01T00:00:00.000Z" }
    case "date":
      return { kind: "value", value: "1970-01-01" }
    case "time":
      return { kind: "value", value: "00:00:00" }
    case "list":
      return { kind: "value", value: [] }
    case "json":
      return { kind: "value", value: {} }
    case "choice":
      return { kind: "value", value: type.values![0]! }
    default:
      return { kind: "value", value: "" }
  }
}

/** An operation in a few words, e.g. `add column users.age`. */
export function describeOperation(operation: Operation): string {
  switch (operation.op) {
    case "createTable":
      return `create table ${operation.table.name}`
    case "dropTable":
      return `drop table ${operation.table.name}`
    case "renameTable":
      return `rename table ${operation.from} to ${operation.to}`
    case "addColumn":
      return `add column ${operation.table}.${operation.column.name}`
    case "dropColumn":
      return `drop column ${operation.table}.${operation.column.name}`
    case "renameColumn":
      return `rename column ${operation.table}.${operation.from} to ${operation.to}`
    case "changeColumn":
      return `change column ${operation.table}.${operation.from.name}`
    case "changePrimaryKey":
      return `change the primary key of ${operation.table} to (${operation.to.join(", ")})`
    case "addUnique":
      return `add unique constraint ${operation.unique.name}`
    case "dropUnique":
      return `drop unique constraint ${operation.unique.name}`
    case "addCheck":
      return `add check ${operation.check.name}`
    case "dropCheck":
      return `drop check ${operation.check.name}`
    case "addReference":
      return `add reference ${operation.reference.name}`
    case "dropReference":
      return `drop reference ${operation.reference.name}`
    case "addIndex":
      return `add index ${operation.index.name}`
    case "dropIndex":
      return `drop index ${operation.index.name}`
    case "renameConstraint":
      return `rename ${operation.kind} ${operation.from} to ${operation.to}`
    case "changeAppendOnly":
      return `${operation.to === null ? "let rows change in" : "refuse to change rows of"} ${operation.table}`
    case "sql":
      return "run hand-written SQL"
  }
}
