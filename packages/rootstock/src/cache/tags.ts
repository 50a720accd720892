import { DeclarationError } from "../errors/index.ts"
import {
  type AnyTable,
  type ColumnDefinition,
  type ColumnsOf,
  canonicalValue,
  definitionOf,
  type Key,
  type Row,
  type TableDefinition,
} from "../schema/index.ts"
import { keyPart } from "./pattern.ts"

/** What a cached result depends on: rows of a table. Made by `tagsOf`. */
export type Tag = {
  readonly table: TableDefinition
  /** The tag's own logical key, e.g. `tag:projects:id=7`. */
  readonly key: string
  /** Keys of the columns that it goes by; empty for the whole table. */
  readonly columns: readonly string[]
}

/** Tags of one table. */
export type TableTags<T extends AnyTable> = {
  /** The row with this key. */
  row(key: Key<T>): Tag
  /** All rows with these values, each compared by equality; those that come to have them and those that cease to, too. */
  where(values: { readonly [K in keyof ColumnsOf<T>]?: K extends keyof Row<T> ? Row<T>[K] : never }): Tag
  /** All rows. */
  all(): Tag
}

/**
 * What cached results say they depend on.
 *
 * ### Examples
 *
 * ```ts
 * const projects = tagsOf(tables.projects)
 * const participants = tagsOf(tables.participants)
 * cacheResult("project:{id}:detail", { ttl: "1h", tags: (id) => [projects.row(id), participants.where({ projectId: id })] }, …)
 * ```
 */
export function tagsOf<T extends AnyTable>(table: T): TableTags<T> {
  const definition = definitionOf(table)
  const where = (values: Readonly<Record<string, unknown>>): Tag => {
    const columns = Object.keys(values).sort()
    for (const name of columns) {
      if (definition.column.has(name)) continue
      throw new DeclarationError(`${definition.name} has no column ${name} for a tag.`, {
        cure: `Name one of ${definition.columns.map(({ key }) => key).join(", ")}.`,
      })
    }
    checkKeyColumns("A tag", definition, columns)
    return { table: definition, columns, key: tagKey(definition, columns, values) }
  }
  return Object.freeze({
    row: (key: unknown) => where(keyValues(definition, key)),
    where: where as never,
    all: () => ({ table: definition, columns: [], key: tagKey(definition, [], {}) }),
  }) as TableTags<T>
}

/** A key of the table by its columns, each value in the form that the database keeps. */
export function keyValues(table: TableDefinition, key: unknown): Readonly<Record<string, unknown>> {
  const { primaryKey } = table
  const single = primaryKey.length === 1
  return Object.fromEntries(
    primaryKey.map((name) => [
      name,
      kept(table, name, single ? key : (key as Record<string, unknown> | null | undefined)?.[name]),
    ]),
  )
}

function kept({ column }: TableDefinition, name: string, value: unknown): unknown {
  return canonicalValue((column.get(name) as ColumnDefinition).type, value)
}

/** Types whose values have no short text. */
const longKinds = new Set(["json", "list", "bytes"])

/** @throws DeclarationError where a key cannot be made of values of these columns */
export function checkKeyColumns(what: string, { name, column }: TableDefinition, columns: readonly string[]): void {
  for (const key of columns) {
    const { kind } = (column.get(key) as ColumnDefinition).type
    if (!longKinds.has(kind)) continue
    throw new DeclarationError(`${what} cannot go by ${name}.${key}, which is of the type ${kind}.`, {
      cure: "Go by columns of texts, numbers, booleans or instants.",
    })
  }
}

/** `tag:participants:projectId=7`; `tag:participants:*` for all rows. */
export function tagKey(
  table: TableDefinition,
  columns: readonly string[],
  values: Readonly<Record<string, unknown>>,
): string {
  if (columns.length === 0) return `tag:${table.name}:*`
  const parts = columns.map((name) => {
    const value = kept(table, name, values[name])
    return `${name}=${value === null ? "%-" : keyPart(`tag:${table.name}`, name, value)}`
  })
  return `tag:${table.name}:${parts.join(":")}`
}

/**
 * The tag of what depends on rows by these columns, whatever their values, e.g. `tag:participants:projectId`; dropped where
 * it is not known which values a written row had.
 */
export function columnsTag(table: TableDefinition, columns: readonly string[]): string {
  return `tag:${table.name}:${columns.join(",")}`
}

/** Whether the key of a row tells the values of these columns, which no write changes. */
export function areOfKey({ primaryKey }: TableDefinition, columns: readonly string[]): boolean {
  return columns.every((name) => primaryKey.includes(name))
}

/** The tag of what depends on rows of the table in any way; dropped where it is not known which rows were written. */
export function tableTag(table: TableDefinition): string {
  return `tag:${table.name}`
}
