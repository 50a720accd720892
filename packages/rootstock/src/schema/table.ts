import { DeclarationError } from "../errors/index.ts"
import type {
  AnyTableColumn,
  Column,
  ColumnSettings,
  EngineSql,
  Given,
  ReferenceAction,
  ReferenceTypes,
} from "./column.ts"
import { Check, Index, type IndexDefinition, type IndexTerm, SortTerm, type TableExtra, Unique } from "./constraints.ts"
import { generatedName, longestName, snakeCase } from "./naming.ts"

/** The columns of a table, by key. */
export type Columns = { readonly [key: string]: Column<any, any, any, any, any, any> }

/** A column of a declared table. */
export class TableColumn<N extends string = string, C extends Columns = Columns, K extends string = string>
  extends SortTerm
  implements AnyTableColumn
{
  declare readonly types: { table: N; columns: C; key: K }
  readonly table: N
  readonly key: K

  constructor(table: N, key: K) {
    super({ column: key, direction: "asc" })
    this.table = table
    this.key = key
    Object.freeze(this)
  }
}

const definitionSymbol: unique symbol = Symbol("rootstock.table")

/** A declared table: its columns by key. What else is known of it is asked with `definitionOf`. */
export type Table<N extends string = string, C extends Columns = Columns> = {
  readonly [K in keyof C & string]: TableColumn<N, C, K>
} & { readonly [definitionSymbol]: TableDefinition & { readonly types?: { name: N; columns: C } } }

export type AnyTable = {
  readonly [definitionSymbol]: TableDefinition & { readonly types?: { name: string; columns: any } }
}

/** The name of a table in the types. */
export type NameOf<T extends AnyTable> = NonNullable<T[typeof definitionSymbol]["types"]>["name"]
/** The columns of a table in the types. */
export type ColumnsOf<T extends AnyTable> = NonNullable<T[typeof definitionSymbol]["types"]>["columns"]

/** A column as its table has it. */
export type ColumnDefinition = ColumnSettings & {
  readonly key: string
  readonly name: string
}

export type ForeignKeyDefinition = {
  readonly name: string
  readonly column: ColumnDefinition
  readonly target: () => { readonly table: string; readonly key: string }
  readonly onDelete: ReferenceAction
  readonly onUpdate: ReferenceAction
  readonly deferrable: boolean
  readonly as: string | undefined
  readonly many: string | undefined
  readonly across: string | undefined
}

export type NamedIndex = IndexDefinition & { readonly name: string }
export type NamedUnique = { readonly name: string; readonly columns: readonly string[] }
export type NamedCheck = { readonly name: string; readonly sql: EngineSql; readonly column?: string }

/** All that a table is; names are those of the database, columns in constraints are keys. */
export type TableDefinition = {
  readonly name: string
  readonly columns: readonly ColumnDefinition[]
  readonly column: ReadonlyMap<string, ColumnDefinition>
  readonly primaryKey: readonly string[]
  readonly uniques: readonly NamedUnique[]
  readonly checks: readonly NamedCheck[]
  /** Declared ones and those that foreign keys get by themselves. */
  readonly indexes: readonly NamedIndex[]
  readonly foreignKeys: readonly ForeignKeyDefinition[]
  readonly was: string | undefined
  readonly softDelete: string | undefined
  readonly version: string | undefined
  readonly appendOnly: AppendOnly | undefined
}

/** Rows are only added. They go with the row they belong to, where `parent` names the reference to it. */
export type AppendOnly = { readonly parent?: string }

export type TableOptions<C> = {
  /** Name that the table had in the database before. */
  was?: string
  /** A nullable timestamp column: `delete` sets it, and reads leave such rows out. */
  softDelete?: keyof C & string
  /** An integer column that goes up by one at each update; an update may name the version it expects. */
  version?: keyof C & string
  /** Triggers refuse updates, and deletes while the parent row exists (always, where there is none). */
  appendOnly?: true | { parent: keyof C & string }
}

/**
 * Declares a table, once for both engines.
 *
 * @param name name in the database, `snake_case`, at most 63 bytes
 * @param columns columns by their TypeScript keys
 * @param extras indexes, unique constraints and checks over several columns; or the options
 * @throws DeclarationError where the declaration makes no sense; it names the place and the cure
 *
 * ### Examples
 *
 * ```ts
 * const messages = table("messages", {
 *   id: identity(),
 *   chatId: integer().references(() => chats.id, { onDelete: "cascade" }),
 *   createdAt: timestamp().default(now),
 * }, (t) => [index(t.chatId, t.createdAt.desc())])
 * ```
 */
export function table<const N extends string, const C extends Columns>(
  name: N,
  columns: C,
  extras?: ((t: Table<N, C>) => readonly TableExtra[]) | TableOptions<C>,
  options?: TableOptions<C>,
): Table<N, C> {
  const made: Record<string | symbol, unknown> = {}
  for (const key of Object.keys(columns)) if (key !== "__proto__") made[key] = new TableColumn(name, key)
  const list = typeof extras === "function" ? extras(made as Table<N, C>) : []
  const settings = (typeof extras === "function" ? options : extras) ?? {}
  made[definitionSymbol] = defineTable(name, columns, list, settings as TableOptions<Columns>)
  return Object.freeze(made) as Table<N, C>
}

/** All that is known of a table. */
export function definitionOf(table: AnyTable): TableDefinition {
  return table[definitionSymbol]
}

/** Whether a value is a declared table. */
export function isTable(value: unknown): value is AnyTable {
  return typeof value === "object" && value !== null && definitionSymbol in value
}

/** Columns that every table of PostgreSQL has. https://www.postgresql.org/docs/current/ddl-system-columns.html */
const systemColumns = new Set(["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"])
/** Words that a `where` uses for itself. */
const reservedKeys = new Set(["or", "and", "not"])
// Capitals are for tables that other programs made; names that follow from keys have none.
const nameForm = /^[A-Za-z_][A-Za-z0-9_]*$/

function refuse(place: string, why: string, cure: string): never {
  throw new DeclarationError(`${place}: ${why}.`, { cure })
}

function checkName(place: string, name: string): void {
  if (!nameForm.test(name)) {
    refuse(
      place,
      `the name ${JSON.stringify(name)} has other characters than letters, digits and underscores`,
      "Use snake_case: lower-case letters, digits and underscores.",
    )
  }
  if (Buffer.byteLength(name) > longestName) {
    refuse(place, `the name ${name} is longer than ${longestName} bytes`, "Shorten it, or give a name with `.named()`.")
  }
}

function defineTable(
  name: string,
  columns: Columns,
  extras: readonly TableExtra[],
  options: TableOptions<Columns>,
): TableDefinition {
  checkName(`table ${name}`, name)
  if (/^sqlite_/i.test(name))
    refuse(`table ${name}`, "SQLite keeps names that begin with sqlite_ for itself", "Rename it.")
  const defined = Object.entries(columns).map(([key, { settings }]) => defineColumn(name, key, settings))
  const column = new Map(defined.map((one) => [one.key, one]))
  const names = new Set<string>()
  for (const { key, name: columnName } of defined) {
    // SQLite does not tell capitals apart in names.
    if (names.has(columnName.toLowerCase()))
      refuse(`${name}.${key}`, `two columns are named ${columnName} in the database`, "Rename one of them.")
    names.add(columnName.toLowerCase())
  }
  const primaryKey = defined.filter((one) => one.primaryKey).map(({ key }) => key)
  if (primaryKey.length === 0) {
    refuse(
      `table ${name}`,
      "there is no primary key",
      "Add `id: identity()`, or `.primaryKey()` to the columns that make one.",
    )
  }
  const counted = defined.find(({ type }) => type.kind === "identity")
  if (counted !== undefined && primaryKey.length > 1) {
    refuse(
      `${name}.${counted.key}`,
      "an identity() is not the only column of the key",
      "Take integer() for the one that is not counted up, and `.primaryKey()` from those that are no key.",
    )
  }
  const columnName = (key: string): string => {
    const found = column.get(key)
    return (
      found?.name ??
      refuse(`table ${name}`, `there is no column ${key}`, `Use one of: ${[...column.keys()].join(", ")}.`)
    )
  }

  const uniques: NamedUnique[] = []
  const checks: NamedCheck[] = []
  const indexes: NamedIndex[] = []
  const foreignKeys: ForeignKeyDefinition[] = []
  for (const one of defined) {
    if (one.unique) uniques.push({ name: generatedName([name, one.name], "key"), columns: [one.key] })
    for (const [at, sql] of one.checks.entries()) {
      checks.push({
        name: generatedName([name, one.name, ...(at > 0 ? [String(at + 1)] : [])], "check"),
        sql,
        column: one.key,
      })
    }
    if (one.references !== undefined) foreignKeys.push(defineForeignKey(name, one))
  }
  for (const extra of extras) {
    if (extra instanceof Unique) {
      const { columns: keys } = extra.definition
      uniques.push({
        name: extra.definition.name ?? generatedName([name, ...keys.map(columnName)], "key"),
        columns: keys,
      })
    } else if (extra instanceof Check) {
      checks.push({ name: generatedName([name, extra.definition.name], "check"), sql: extra.definition.sql })
    } else if (extra instanceof Index) {
      const { definition } = extra
      indexes.push({ ...definition, name: definition.name ?? indexName(name, definition, columnName) })
    } else {
      refuse(`table ${name}`, "an extra is no index, unique or check", "Use `index(…)`, `unique(…)` and `check(…)`.")
    }
  }
  for (const { column: own } of foreignKeys) {
    if (!isIndexed(own.key, primaryKey, uniques, indexes)) {
      indexes.push({
        kind: "index",
        name: generatedName([name, own.name], "index"),
        terms: [{ column: own.key, direction: "asc" }],
        unique: false,
        method: "ordered",
      })
    }
  }
  const constraintNames = new Set<string>()
  for (const one of [...uniques, ...checks, ...indexes, ...foreignKeys]) {
    checkName(`table ${name}`, one.name)
    if (constraintNames.has(one.name))
      refuse(`table ${name}`, `two constraints or indexes are named ${one.name}`, "Name one with `.named()`.")
    constraintNames.add(one.name)
  }
  for (const one of indexes) checkIndex(name, one, column)
  checkConditions(name, defined, checks, indexes)
  checkOptions(name, options, column)
  return Object.freeze({
    name,
    columns: defined,
    column,
    primaryKey,
    uniques,
    checks,
    indexes,
    foreignKeys,
    was: options.was,
    softDelete: options.softDelete,
    version: options.version,
    appendOnly: options.appendOnly === true ? {} : options.appendOnly,
  })
}

function defineColumn(table: string, key: string, settings: ColumnSettings): ColumnDefinition {
  const place = `${table}.${key}`
  const name = settings.name ?? snakeCase(key)
  checkName(place, name)
  if (systemColumns.has(name)) refuse(place, `every table of PostgreSQL has a column ${name}`, "Give it another name.")
  if (key === "__proto__") refuse(place, "an object cannot have this key", "Choose another key.")
  if (reservedKeys.has(key))
    refuse(place, `${key} is a word of conditions`, `Choose another key and give the name: .named("${key}").`)
  if (settings.primaryKey && settings.nullable)
    refuse(place, "a primary key cannot be null", "Remove `.nullable()` or `.primaryKey()`.")
  for (const [word, value] of [
    ["default", settings.default],
    ["onUpdate", settings.onUpdate],
  ] as const) {
    if (value?.kind === "constant") {
      if (value.value === null && !settings.nullable) {
        refuse(place, `its ${word} is null, which it cannot be`, "Add `.nullable()`, or give another value.")
      }
      const problem = value.value === null ? undefined : settings.type.problem(value.value)
      if (problem !== undefined) refuse(place, `its ${word} ${problem.sentence}`, "Give a value that the column takes.")
    }
    if (value?.kind === "now" && settings.type.kind !== "timestamp") {
      refuse(place, `its ${word} is \`now\``, "Only a timestamp() can have it.")
    }
  }
  if (
    settings.generated !== undefined &&
    (settings.default !== undefined || settings.primaryKey || settings.onUpdate !== undefined)
  ) {
    refuse(
      place,
      "a generated column has a default, an update value or is the key",
      "The database computes it: remove the other.",
    )
  }
  if (settings.type.kind === "decimal" || settings.type.kind !== "identity")
    return Object.freeze({ ...settings, key, name })
  if (!settings.primaryKey || settings.default !== undefined || settings.nullable) {
    refuse(place, "an identity() is changed", "Use it as it is; for other counters use integer().")
  }
  return Object.freeze({ ...settings, key, name })
}

function defineForeignKey(table: string, column: ColumnDefinition): ForeignKeyDefinition {
  const { target, ...rest } = column.references!
  for (const word of ["onDelete", "onUpdate"] as const) {
    const place = `${table}.${column.key}`
    if (rest[word] === "set null" && !column.nullable) {
      refuse(
        place,
        `${word} is "set null", but the column cannot be null`,
        "Add `.nullable()` or choose another action.",
      )
    }
    if (rest[word] === "set default" && !column.nullable && column.default?.kind !== "constant") {
      refuse(place, `${word} is "set default", but the database has none`, "Add a constant with `.default(…)`.")
    }
  }
  return {
    ...rest,
    name: generatedName([table, column.name], "fkey"),
    column,
    target: typeof target === "string" ? () => ({ table, key: target }) : target,
  }
}

function indexName(
  table: string,
  { terms, unique, where }: IndexDefinition,
  columnName: (key: string) => string,
): string {
  const parts = terms.map((term) => (term.column === undefined ? "expression" : columnName(term.column)))
  return generatedName([table, ...parts, ...(where === undefined ? [] : ["where"])], unique ? "key" : "index")
}

function isIndexed(
  key: string,
  primaryKey: readonly string[],
  uniques: readonly NamedUnique[],
  indexes: readonly NamedIndex[],
): boolean {
  return (
    primaryKey[0] === key ||
    uniques.some(({ columns }) => columns[0] === key) ||
    indexes.some(({ terms, where, method }) => method === "ordered" && where === undefined && terms[0]?.column === key)
  )
}

function checkIndex(table: string, index: NamedIndex, columns: ReadonlyMap<string, ColumnDefinition>): void {
  for (const { column } of index.terms) {
    if (column === undefined) continue
    const found = columns.get(column)
    if (found === undefined)
      refuse(`index ${index.name}`, `table ${table} has no column ${column}`, "Use the columns of the table itself.")
    const { kind } = found.type
    if (index.method === "contains" ? kind !== "list" && kind !== "json" : kind === "json") {
      refuse(
        `index ${index.name}`,
        `${table}.${column} is ${kind}`,
        index.method === "contains"
          ? "Only list() and json() have `.contains()` indexes."
          : "Add `.contains()` to index what is in it.",
      )
    }
  }
  if (index.method === "contains" && (index.terms.length !== 1 || index.unique || index.where !== undefined)) {
    refuse(
      `index ${index.name}`,
      "a `.contains()` index has several columns, is unique or partial",
      "Give it one column and nothing else.",
    )
  }
}

/** SQLite keeps decimals as text: a condition that compares them is not the same text on both engines. */
function checkConditions(
  table: string,
  columns: readonly ColumnDefinition[],
  checks: readonly NamedCheck[],
  indexes: readonly NamedIndex[],
): void {
  const decimals = columns.filter(({ type }) => type.kind === "decimal")
  if (decimals.length === 0) return
  const conditions: [place: string, sql: EngineSql | undefined][] = [
    ...checks.map(({ name, sql }): [string, EngineSql] => [`check ${name}`, sql]),
    ...indexes.map(({ name, where }): [string, EngineSql | undefined] => [`index ${name}`, where]),
    ...indexes.flatMap(({ name, terms }) =>
      terms.map((term): [string, EngineSql | undefined] => [`index ${name}`, term.expression]),
    ),
    ...columns.map(({ key, generated }): [string, EngineSql | undefined] => [`${table}.${key}`, generated]),
  ]
  for (const [place, sql] of conditions) {
    if (typeof sql !== "string") continue
    const words = new Set(sql.match(/\w+/g))
    const found = decimals.find(({ name }) => words.has(name))
    if (found === undefined) continue
    refuse(
      place,
      `its SQL names ${found.name}, a decimal(), which SQLite keeps as text and so compares as text`,
      `Give it for each engine: { sqlite: "CAST(${found.name} AS REAL) …", postgres: "${found.name} …" }.`,
    )
  }
}

function checkOptions(
  name: string,
  options: TableOptions<Columns>,
  columns: ReadonlyMap<string, ColumnDefinition>,
): void {
  const { softDelete, version, appendOnly } = options
  if (softDelete !== undefined) {
    const column = columns.get(softDelete)
    if (column?.type.kind !== "timestamp" || !column.nullable) {
      refuse(`table ${name}`, `softDelete names ${softDelete}`, "It must be a `timestamp().nullable()` of this table.")
    }
  }
  if (version !== undefined) {
    const column = columns.get(version)
    if (column?.type.kind !== "integer" || column.nullable || column.default?.kind !== "constant") {
      refuse(`table ${name}`, `version names ${version}`, "It must be an `integer().default(0)` of this table.")
    }
  }
  if (typeof appendOnly === "object" && columns.get(appendOnly.parent)?.references === undefined) {
    refuse(
      `table ${name}`,
      `appendOnly names the parent ${appendOnly.parent}`,
      "It must be a column with `.references()`.",
    )
  }
}

export type { Given, IndexTerm, ReferenceTypes }
