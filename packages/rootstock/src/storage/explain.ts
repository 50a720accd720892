import type { Executor } from "../engine/index.ts"
import { CheckError, ForeignKeyError, NotNullError, UniqueError } from "../errors/index.ts"
import { generatedName, type TableDefinition } from "../schema/index.ts"
import type { Backend } from "./backend.ts"
import { explainForeignKey } from "./explain-references.ts"
import type { AnyWhere } from "./where.ts"

/** What a failed call was about, as far as it is known. */
export type Attempt = {
  readonly kind: "insert" | "update" | "delete"
  /** The values that were given. */
  readonly rows?: readonly Readonly<Record<string, unknown>>[]
  /** The key of the row, where it was one. */
  readonly key?: unknown
  /** The condition that the rows fulfil, where there is no key. */
  readonly where?: AnyWhere
  /** The columns that were added to. */
  readonly added?: readonly string[]
}

/** The same error for the same fault on both engines: it names the table and its columns as the program knows them. */
export async function explainError(
  backend: Backend,
  table: TableDefinition,
  attempt: Attempt,
  error: unknown,
  executor: Executor,
): Promise<unknown> {
  if (error instanceof UniqueError) return explainUnique(backend, table, attempt, error)
  if (error instanceof ForeignKeyError) return explainForeignKey(backend, table, attempt, error, executor)
  if (error instanceof NotNullError) {
    const columns = keysOf(table, error.columns)
    return new NotNullError(`${table.name}.${columns.join(", ")} may not be null.`, {
      table: table.name,
      columns,
      cure: error.cure,
      cause: error.cause,
    })
  }
  if (error instanceof CheckError && error.constraint === undefined && attempt.added !== undefined) {
    const columns = attempt.added
    return new CheckError(`The sum is out of the range of ${table.name}.${columns.join(", ")}.`, {
      table: table.name,
      columns,
      cure: "Add a smaller amount, or widen the column.",
      cause: error.cause,
    })
  }
  if (error instanceof CheckError && error.constraint !== undefined) {
    const check = table.checks.find(({ name }) => name === error.constraint)
    const ofType = ({ name }: { name: string }) => generatedName([table.name, name], "type") === error.constraint
    const column = check === undefined ? table.columns.find(ofType)?.key : check.column
    return new CheckError(`The row of ${table.name} breaks the check ${error.constraint}.`, {
      table: table.name,
      constraint: error.constraint,
      columns: column === undefined ? [] : [column],
      cure: "Give values that fulfil it.",
      cause: error.cause,
    })
  }
  return error
}

function keysOf(table: TableDefinition, names: readonly string[]): string[] {
  return names.map((name) => table.columns.find((column) => column.name === name)?.key ?? name)
}

function explainUnique(backend: Backend, own: TableDefinition, { rows }: Attempt, error: UniqueError): UniqueError {
  const table = (error.table === undefined ? undefined : backend.registry.byName.get(error.table)) ?? own
  const constraint = [...table.uniques, ...table.indexes].find(({ name }) => name === error.constraint)
  const columns =
    constraint === undefined
      ? error.constraint === `${table.name}_pkey`
        ? [...table.primaryKey]
        : keysOf(table, error.columns)
      : "terms" in constraint
        ? constraint.terms.map(({ column }) => column).filter((column) => column !== undefined)
        : [...constraint.columns]
  const name = constraintName(table, columns) ?? error.constraint
  return new UniqueError(
    `A row of ${table.name} with the same ${columns.length === 0 ? name : columns.join(", ")} exists already.`,
    {
      table: table.name,
      constraint: name,
      columns,
      value: rows?.length !== 1 || table !== own ? [] : columns.map((column) => rows[0]?.[column]),
      cure: "Choose another value, or change the row that has it.",
      cause: error.cause,
    },
  )
}

/** The error of values that a row has which the caller may not change. */
export function explainTaken(
  backend: Backend,
  table: TableDefinition,
  attempt: Attempt,
  by: readonly string[],
): UniqueError {
  const columns = by.map((key) => table.column.get(key)?.name ?? key)
  return explainUnique(backend, table, attempt, new UniqueError("", { columns, cure: "" }))
}

/** SQLite tells the columns, PostgreSQL the constraint. */
function constraintName(table: TableDefinition, columns: readonly string[]): string | undefined {
  const same = (keys: readonly (string | undefined)[]) =>
    keys.length === columns.length && keys.every((key, index) => key === columns[index])
  if (columns.length === 0) return undefined
  if (same(table.primaryKey)) return `${table.name}_pkey`
  const found =
    table.uniques.find(({ columns: keys }) => same(keys)) ??
    table.indexes.find(({ unique, terms }) => unique && same(terms.map(({ column }) => column)))
  return found?.name
}
