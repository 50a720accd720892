import {
  applyOperation,
  type CheckModel,
  type ColumnModel,
  type ConstraintKind,
  canonicalSql,
  type Declared,
  ddlEngines,
  equalModels,
  type IndexModel,
  type Operation,
  type ReferenceModel,
  type SchemaModel,
  type TableModel,
  typeText,
  type UniqueModel,
} from "../engine/index.ts"
import { MigrationError } from "../errors/index.ts"
import type { EngineSql } from "../schema/index.ts"
import { findRenames, type RenameAnswers } from "./renames.ts"

/**
 * The operations that lead from one schema to the declared one; none where they are the same.
 *
 * @throws MigrationError where something may be renamed and nobody says so, or a type cannot be converted
 */
export async function diffSchemas(from: SchemaModel, declared: Declared, answers: RenameAnswers): Promise<Operation[]> {
  const renames = await findRenames(from, declared, answers)
  const before = renames.reduce(applyOperation, from)
  const after = declared.schema
  const pairs = after.tables.flatMap((table) => {
    const old = before.tables.find(({ name }) => name === table.name)
    return old === undefined ? [] : [[old, table] as const]
  })
  const changes = pairs.map(([old, table]) => diffTables(old, table, declared))
  const created = after.tables.filter(({ name }) => !before.tables.some((old) => old.name === name))
  const dropped = before.tables.filter(({ name }) => !after.tables.some((table) => table.name === name))
  return [
    ...renames,
    ...changes.flatMap(({ removed }) => removed),
    ...created.map((table): Operation => ({ op: "createTable", table })),
    ...changes.flatMap(({ columns }) => columns),
    ...changes.flatMap(({ added }) => added),
    ...dropped.toReversed().map((table): Operation => ({ op: "dropTable", table })),
  ]
}

type TableChanges = { removed: Operation[]; columns: Operation[]; added: Operation[] }

function diffTables(old: TableModel, table: TableModel, declared: Declared): TableChanges {
  const name = table.name
  const lists = [
    diffList<ReferenceModel>("reference", old.references, table.references, sameMembers),
    diffList<IndexModel>("index", old.indexes, table.indexes, sameIndex),
    diffList<UniqueModel>("unique", old.uniques, table.uniques, sameMembers),
    diffList<CheckModel>("check", old.checks, table.checks, (a, b) => sameSql(a.sql, b.sql)),
  ] as ListChanges[]
  const operation = (verb: "add" | "drop", kind: ConstraintKind, one: { name: string }) =>
    ({ op: `${verb}${kind[0]!.toUpperCase()}${kind.slice(1)}`, table: name, [kind]: one }) as unknown as Operation
  const removed = lists.flatMap(({ kind, gone }) => gone.map((one) => operation("drop", kind, one)))
  const added = lists
    .toReversed()
    .flatMap(({ kind, came, renamed }) => [
      ...renamed.map(([from, to]): Operation => ({ op: "renameConstraint", table: name, kind, from, to })),
      ...came.map((one) => operation("add", kind, one)),
    ])
  if (!equalModels(old.appendOnly, table.appendOnly)) {
    const change = (from: TableModel["appendOnly"], to: TableModel["appendOnly"]): Operation => ({
      op: "changeAppendOnly",
      table: name,
      from: from ?? null,
      to: to ?? null,
    })
    if (old.appendOnly !== undefined) removed.unshift(change(old.appendOnly, undefined))
    if (table.appendOnly !== undefined) added.push(change(undefined, table.appendOnly))
  }
  return { removed, columns: diffColumns(old, table, declared), added }
}

function diffColumns(old: TableModel, table: TableModel, declared: Declared): Operation[] {
  const operations: Operation[] = []
  const dropped = old.columns.filter(({ name }) => !table.columns.some((column) => column.name === name))
  const recreated: ColumnModel[] = []
  for (const column of table.columns) {
    const was = old.columns.find(({ name }) => name === column.name)
    if (was === undefined) continue
    if (sameColumn(was, column)) continue
    // A generated column holds nothing of its own: it is made again.
    if (was.generated !== undefined || column.generated !== undefined) {
      recreated.push(column)
      operations.push({ op: "dropColumn", table: table.name, column: was })
      continue
    }
    if (!convertible(was, column)) {
      throw new MigrationError(
        `${table.name}.${column.name} changes from ${typeText(was.type)} to ${typeText(column.type)}, and values cannot be converted.`,
        {
          cure: "Add a column under another name, fill it in a hand-written step (`migrate new --empty`), and drop this one later.",
        },
      )
    }
    operations.push({ op: "changeColumn", table: table.name, from: was, to: column })
  }
  for (const column of table.columns) {
    if (old.columns.some(({ name }) => name === column.name) && !recreated.includes(column)) continue
    const backfill = column.nullable ? undefined : declared.backfills.get(`${table.name}.${column.name}`)
    operations.push({ op: "addColumn", table: table.name, column, ...(backfill === undefined ? {} : { backfill }) })
  }
  if (!equalModels(old.primaryKey, table.primaryKey)) {
    operations.push({ op: "changePrimaryKey", table: table.name, from: old.primaryKey, to: table.primaryKey })
  }
  return [...operations, ...dropped.map((column): Operation => ({ op: "dropColumn", table: table.name, column }))]
}

/** Whether every engine converts values there and back. */
export function convertible(from: ColumnModel, to: ColumnModel): boolean {
  return ddlEngines.every((engine) => engine.converts(from.type, to.type) && engine.converts(to.type, from.type))
}

type ListChanges = {
  readonly kind: ConstraintKind
  readonly gone: readonly { name: string }[]
  readonly came: readonly { name: string }[]
  readonly renamed: readonly (readonly [string, string])[]
}

function diffList<T extends { name: string }>(
  kind: ConstraintKind,
  old: readonly T[],
  present: readonly T[],
  same: (a: T, b: T) => boolean,
): ListChanges {
  const gone = old.filter((one) => !present.some((other) => other.name === one.name && same(one, other)))
  const came = present.filter((one) => !old.some((other) => other.name === one.name && same(one, other)))
  const renamed: [string, string][] = []
  for (const one of [...gone]) {
    const taken = new Set(old.map(({ name }) => name))
    const twin = came.find((other) => !taken.has(other.name) && same({ ...one, name: other.name }, other))
    // The side table of a contains index has its name from the column.
    if (twin === undefined || present.some(({ name }) => name === one.name)) continue
    if (kind === "index" && (one as unknown as IndexModel).method === "contains") continue
    renamed.push([one.name, twin.name])
    gone.splice(gone.indexOf(one), 1)
    came.splice(came.indexOf(twin), 1)
  }
  return { kind, gone, came, renamed }
}

function sameMembers(a: unknown, b: unknown): boolean {
  return equalModels(a, b)
}

function sameIndex(a: IndexModel, b: IndexModel): boolean {
  return equalModels(canonicalIndex(a), canonicalIndex(b))
}

function canonicalIndex(index: IndexModel): unknown {
  return {
    ...index,
    where: index.where === undefined ? undefined : canonicalEngineSql(index.where),
    terms: index.terms.map(({ nulls, ...term }) => ({
      ...term,
      // What the engines do where nothing is said.
      nulls: nulls ?? (term.direction === "desc" ? "first" : "last"),
      expression: term.expression === undefined ? undefined : canonicalEngineSql(term.expression),
    })),
  }
}

function sameColumn(a: ColumnModel, b: ColumnModel): boolean {
  return equalModels(canonicalColumn(a), canonicalColumn(b))
}

function canonicalColumn(column: ColumnModel): unknown {
  return { ...column, generated: column.generated === undefined ? undefined : canonicalEngineSql(column.generated) }
}

function sameSql(a: EngineSql, b: EngineSql): boolean {
  return equalModels(canonicalEngineSql(a), canonicalEngineSql(b))
}

function canonicalEngineSql(sql: EngineSql): unknown {
  const [sqlite, postgres] = typeof sql === "string" ? [sql, sql] : [sql.sqlite, sql.postgres]
  return { sqlite: canonicalSql(sqlite), postgres: canonicalSql(postgres) }
}
