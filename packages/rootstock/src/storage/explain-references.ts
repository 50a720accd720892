import type { Executor } from "../engine/index.ts"
import { ForeignKeyError } from "../errors/index.ts"
import type { Registry, ResolvedForeignKey, SqlValue, TableDefinition } from "../schema/index.ts"
import type { Backend } from "./backend.ts"
import { encodeValue } from "./encode.ts"
import type { Attempt } from "./explain.ts"
import { bindAll, newScope } from "./select.ts"
import { compileWhere, whereShape } from "./where.ts"

/** Names the reference that is broken. PostgreSQL tells it; for SQLite it is looked for in the order in which PostgreSQL checks. */
export async function explainForeignKey(
  backend: Backend,
  table: TableDefinition,
  attempt: Attempt,
  error: ForeignKeyError,
  executor: Executor,
): Promise<ForeignKeyError> {
  const { foreignKeys } = backend.registry
  if (error.constraint !== undefined) {
    const all = [...foreignKeys.values()].flat()
    const broken = all.find(
      ({ name, source }) => name === error.constraint && source.name === (error.table ?? source.name),
    )
    if (broken === undefined) return error
    return attempt.kind !== "delete" && broken.source === table ? missing(broken, error) : referenced(broken, error)
  }
  if (attempt.kind !== "delete") {
    const broken = await findMissing(backend, foreignKeys.get(table) ?? [], attempt, executor)
    if (broken !== undefined) return missing(broken, error)
    if (attempt.kind === "insert") return error
  }
  const broken = await findReferencing(backend, table, attempt, executor)
  return broken === undefined ? error : referenced(broken, error)
}

/** Names the deferred reference that a commit found broken. */
export function explainCommit({ foreignKeys }: Registry, error: unknown): unknown {
  if (!(error instanceof ForeignKeyError)) return error
  const all = [...foreignKeys.values()].flat()
  const broken = all.find(
    ({ source, column }) =>
      source.name === error.table && error.columns.length === 1 && column.name === error.columns[0],
  )
  return broken === undefined ? error : missing(broken, error)
}

function missing(broken: ResolvedForeignKey, { cause }: ForeignKeyError): ForeignKeyError {
  return missingReference(broken, cause)
}

type Reference = Pick<ResolvedForeignKey, "source" | "column" | "targetTable"> & { readonly name: string | undefined }

/** The error of a reference to a row that does not exist. */
export function missingReference({ source, column, targetTable, name }: Reference, cause: unknown): ForeignKeyError {
  return new ForeignKeyError(`${source.name}.${column.key} names a row of ${targetTable.name} that does not exist.`, {
    table: source.name,
    constraint: name,
    columns: [column.key],
    cure: `Make the row of ${targetTable.name} first, or name one that exists.`,
    cause,
  })
}

function referenced(
  { source, column, targetTable, name }: ResolvedForeignKey,
  { cause }: ForeignKeyError,
): ForeignKeyError {
  const place = `${source.name}.${column.key}`
  return new ForeignKeyError(`Rows of ${source.name} still reference the row of ${targetTable.name} (${place}).`, {
    table: source.name,
    constraint: name,
    columns: [column.key],
    cure: `Delete or change those rows of ${source.name} first.`,
    cause,
  })
}

/** Those checked at the statement stand before those checked at the commit. */
function inOrder(keys: readonly ResolvedForeignKey[]): ResolvedForeignKey[][] {
  return [keys.filter(({ deferrable }) => !deferrable), keys.filter(({ deferrable }) => deferrable)]
}

/** The first reference, row by row, that names nothing. */
async function findMissing(
  backend: Backend,
  keys: readonly ResolvedForeignKey[],
  { rows = [] }: Attempt,
  executor: Executor,
): Promise<ResolvedForeignKey | undefined> {
  const present = new Set<string>()
  for (const group of inOrder(keys)) {
    for (const row of rows) {
      for (const key of group) {
        const { column, source, targetTable, targetColumn } = key
        const value = row[column.key]
        if (value === undefined || value === null) continue
        const encoded = encodeValue(source, column, backend.dialect, value)
        const asked = `${key.name} ${encoded}`
        if (present.has(asked)) continue
        const { dialect } = backend
        const condition = `${dialect.identifier(targetColumn.name)} = ${dialect.parameter(1)}`
        const alongside = targetTable === source && rows.some((other) => other[targetColumn.key] === value)
        if (!alongside && !(await hasRow(backend, targetTable, condition, [encoded], executor))) return key
        present.add(asked)
      }
    }
  }
  return undefined
}

/** The first reference that keeps a row from going, also one further on along cascades. */
async function findReferencing(
  backend: Backend,
  table: TableDefinition,
  { kind, key, where, rows = [] }: Attempt,
  executor: Executor,
): Promise<ResolvedForeignKey | undefined> {
  const { dialect } = backend
  const plans = backend.plans(table)
  let condition: string
  let values: SqlValue[]
  if (key !== undefined) {
    condition = plans.keyCondition(0)
    values = [...plans.encodeKey(key)]
  } else if (where !== undefined) {
    const scope = newScope(plans)
    condition = compileWhere(where, scope)
    const given: unknown[] = []
    whereShape(where, given)
    values = bindAll({ query: plans.query("references", "", { writes: true }), binders: scope.binders }, given)
  } else return undefined

  const seen = new Set<ResolvedForeignKey>()
  const find = async (target: TableDefinition, doomed: string): Promise<ResolvedForeignKey | undefined> => {
    const pointing = (backend.registry.referencedBy.get(target) ?? []).filter((one) => !seen.has(one))
    const relevant =
      kind === "delete" ? pointing : pointing.filter(({ targetColumn }) => rows.some((row) => targetColumn.key in row))
    const action = ({ onDelete, onUpdate }: ResolvedForeignKey) => (kind === "delete" ? onDelete : onUpdate)
    const going = (one: ResolvedForeignKey) => {
      const from = `SELECT ${dialect.identifier(one.targetColumn.name)} FROM ${dialect.identifier(target.name)} WHERE ${doomed}`
      return `${dialect.identifier(one.source.name)}.${dialect.identifier(one.column.name)} IN (${from})`
    }
    for (const one of inOrder(relevant).flat()) {
      if (action(one) !== "restrict" && action(one) !== "no action") continue
      // Rows that go together do not keep each other.
      const stays = kind === "delete" && one.source === target ? ` AND (${doomed}) IS NOT TRUE` : ""
      if (await hasRow(backend, one.source, `${going(one)}${stays}`, values, executor)) return one
    }
    if (kind !== "delete") return undefined
    for (const one of relevant) {
      if (one.onDelete !== "cascade") continue
      seen.add(one)
      const broken = await find(one.source, going(one))
      if (broken !== undefined) return broken
    }
    return undefined
  }
  return find(table, condition)
}

async function hasRow(
  backend: Backend,
  table: TableDefinition,
  condition: string,
  values: readonly SqlValue[],
  executor: Executor,
): Promise<boolean> {
  const plans = backend.plans(table)
  const sql = `SELECT 1 FROM ${plans.name} WHERE ${condition} LIMIT 1`
  const query = plans.query("references", sql, { writes: true, decode: (row) => row })
  return (await executor.first(query, values)) !== undefined
}
