import type { DatabaseSync } from "node:sqlite"
import type { Catalog, CatalogTable } from "../../ddl/catalog.ts"
import { canonicalSql } from "../../ddl/sql-tokens.ts"
import { parseIndex, parseTable } from "./parse.ts"

type SchemaRow = { type: string; name: string; tbl_name: string; sql: string }

/** What a SQLite database says of its tables, all but those of the bookkeeping. */
export function readCatalog(database: DatabaseSync): Catalog {
  const rows = database
    .prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid")
    .all() as SchemaRow[]
  const plain = new Set(
    (database.prepare("PRAGMA main.table_list").all() as { schema: string; name: string; type: string }[])
      .filter(({ schema, type }) => schema === "main" && type === "table")
      .map(({ name }) => name),
  )
  const tables = rows.filter(({ type, name }) => type === "table" && plain.has(name) && !isInternal(name))
  return {
    tables: tables.map((row): CatalogTable => {
      const own = (type: string) => rows.filter((one) => one.type === type && one.tbl_name === row.name)
      return {
        ...parseTable(row.sql),
        name: row.name,
        indexes: own("index").map(({ name, sql }) => parseIndex(name, sql)),
        triggers: own("trigger").map(({ name, sql }) => ({ name, sql: canonicalSql(sql) })),
      }
    }),
  }
}

function isInternal(name: string): boolean {
  return name.startsWith("sqlite_") || name.startsWith("rootstock_migration")
}
