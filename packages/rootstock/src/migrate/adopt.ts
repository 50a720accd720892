import { systemClock } from "../clock/index.ts"
import {
  type Catalog,
  type ColumnModel,
  describeOperation,
  emptySchema,
  equalModels,
  type SchemaModel,
  type TableModel,
} from "../engine/index.ts"
import { MigrationError } from "../errors/index.ts"
import { generatedName } from "../schema/index.ts"
import { diffSchemas } from "./diff.ts"
import { loadMigrations, writeMigration } from "./files.ts"
import { lossesOf } from "./losses.ts"
import { type NewMigration, type NewMigrationOptions, nextId } from "./new-migration.ts"
import { checkedHistory, withConnection } from "./run.ts"

export type AdoptOptions = Omit<NewMigrationOptions, "tables" | "empty"> & {
  /** Of the database that has drifted. */
  readonly url: string
}

/**
 * Writes what a database has beyond (or without) its migrations as a migration, so that every other database gets it too.
 * Nothing is run: after a look at the file, `stampMigrations` notes it in the database that has it already. Then declare
 * it, or the next migration takes it away.
 *
 * @returns undefined where the database is as its migrations made it
 * @throws MigrationError where migrations are pending: what they bring is no drift
 */
export async function adoptDrift(options: AdoptOptions): Promise<NewMigration | undefined> {
  const { url, directory, name, clock = systemClock } = options
  const history = await loadMigrations(directory)
  const last = history.at(-1)
  const before = last?.after ?? emptySchema
  const schema = await withConnection({ url }, async (connection) => {
    const applied = await checkedHistory(connection, history)
    const pending = history.find(({ id }) => !applied.has(id))
    if (pending !== undefined) {
      throw new MigrationError(`${pending.id} is pending.`, {
        cure: "Run `migrate up` first; what differs then is drift.",
      })
    }
    const [actual, expected] = [await connection.catalog(), await connection.catalogOf(before)]
    return knownParts((await connection.inspect()).schema, before, actual, expected)
  })
  const nothing = new Map<string, never>()
  const declared = { schema, tableNames: nothing, columnNames: nothing, backfills: nothing }
  const operations = await diffSchemas(before, declared, options)
  if (operations.length === 0) return undefined
  const id = nextId(name, clock.now(), last?.id)
  await writeMigration(directory, id, operations, before)
  return { id, changes: operations.map(describeOperation), losses: lossesOf(operations) }
}

/**
 * The inspected schema, with all that the database has exactly as the history would make it in the words of the history:
 * a database does not tell everything that was declared.
 */
function knownParts(inspected: SchemaModel, history: SchemaModel, actual: Catalog, expected: Catalog): SchemaModel {
  return {
    tables: inspected.tables.map((table) => {
      const known = history.tables.find(({ name }) => name === table.name)
      const is = actual.tables.find(({ name }) => name === table.name)
      const should = expected.tables.find(({ name }) => name === table.name)
      if (known === undefined || is === undefined || should === undefined) return table
      return knownTable(table, known, is, should)
    }),
  }
}

type CatalogTable = Catalog["tables"][number]
type Named = { readonly name: string }

function knownTable(table: TableModel, known: TableModel, is: CatalogTable, should: CatalogTable): TableModel {
  const same = (list: "uniques" | "checks" | "references" | "indexes" | "triggers", name: string) => {
    const of = (catalog: CatalogTable) => (catalog[list] as readonly Named[]).find((one) => one.name === name)
    return of(is) !== undefined && equalModels(of(is), of(should))
  }
  const keep = <T extends Named>(
    list: "uniques" | "checks" | "references",
    inspected: readonly T[],
    own: readonly T[],
  ): T[] => inspected.map((one) => (same(list, one.name) ? (own.find(({ name }) => name === one.name) ?? one) : one))
  const column = (one: ColumnModel): ColumnModel => {
    const of = (catalog: CatalogTable) => [
      catalog.columns.find(({ name }) => name === one.name),
      catalog.checks.find(({ name }) => name === generatedName([table.name, one.name], "type")),
    ]
    const own = known.columns.find(({ name }) => name === one.name)
    return own !== undefined && equalModels(of(is), of(should)) ? own : one
  }
  const indexes = table.indexes.map((one) => {
    if (one.method === "ordered" || same("indexes", one.name)) {
      return same("indexes", one.name) ? (known.indexes.find(({ name }) => name === one.name) ?? one) : one
    }
    // A side table of SQLite knows its column, not the name of its index.
    return (
      known.indexes.find(({ method, terms }) => method === "contains" && terms[0]!.column === one.terms[0]!.column) ??
      one
    )
  })
  return {
    ...table,
    columns: table.columns.map(column),
    uniques: keep("uniques", table.uniques, known.uniques),
    checks: keep("checks", table.checks, known.checks),
    references: keep("references", table.references, known.references),
    indexes,
  }
}
