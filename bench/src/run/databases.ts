import { randomBytes } from "node:crypto"
import { copyFileSync, mkdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { fileURLToPath } from "node:url"
import pg from "pg"
import { fillPostgres, fillSqlite } from "../data/fill.ts"
import { columnList } from "../schema/columns.ts"
import type { Engine } from "./contestants.ts"

/** On the disk of the repository: a temporary folder may be kept in memory, where a durable commit costs nothing. */
const dataFolder = fileURLToPath(new URL("../../.data", import.meta.url))

const serverUrl =
  process.env["BENCH_POSTGRES_URL"] ?? process.env["TEST_POSTGRES_URL"] ?? "postgres://postgres@127.0.0.1:5432/postgres"

/** The databases of one run, which `drop` removes whatever has happened. */
export interface Databases {
  /** Where a contestant finds its data: a file of its own (SQLite), or the URL of the shared database (PostgreSQL). */
  locationFor(name: string): string
  /** The rows of `imports` at a location as stored, without their ids, in one order for all: read past the contestant. */
  importedRows(location: string): Promise<unknown[]>
  drop(): Promise<void>
}

export async function makeDatabases(engine: Engine, messageCount?: number): Promise<Databases> {
  return engine === "sqlite" ? makeSqlite(messageCount) : makePostgres(messageCount)
}

/**
 * One filled file, copied for each: two builds of SQLite in one file's process would break its locks, and what one
 * contestant writes stays out of the next one's cache.
 */
function makeSqlite(messageCount?: number): Databases {
  const folder = join(dataFolder, randomBytes(4).toString("hex"))
  mkdirSync(folder, { recursive: true })
  const filled = join(folder, "filled.db")
  fillSqlite(filled, messageCount)
  return {
    locationFor(name): string {
      const path = join(folder, `${name}.db`)
      copyFileSync(filled, path)
      return path
    },
    async importedRows(location): Promise<unknown[]> {
      const database = new DatabaseSync(location, { readOnly: true })
      const rows = database.prepare(selectImports).all()
      database.close()
      // The order of the keys in stored JSON is each one's own.
      return rows.map((row) => ({ ...row, meta: JSON.parse(String(row["meta"])) }))
    },
    async drop(): Promise<void> {
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** One database for all, so that the server's cache holds the data once. */
async function makePostgres(messageCount?: number): Promise<Databases> {
  const database = await makeEmptyPostgres()
  try {
    await fillPostgres(database.url, messageCount)
  } catch (error) {
    await database.drop()
    throw error
  }
  return {
    locationFor: () => database.url,
    importedRows: () => database.query(selectImports),
    drop: database.drop,
  }
}

/** A PostgreSQL database of the run's own. */
export interface EmptyDatabase {
  url: string
  query(statement: string): Promise<unknown[]>
  drop(): Promise<void>
}

export async function makeEmptyPostgres(): Promise<EmptyDatabase> {
  const name = `bench_${randomBytes(4).toString("hex")}`
  await query(serverUrl, `CREATE DATABASE ${name}`)
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return {
    url: url.href,
    query: (statement) => query(url.href, statement),
    async drop(): Promise<void> {
      await query(serverUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
    },
  }
}

const importColumns = columnList("imports", { withoutId: true })
const selectImports = `SELECT ${importColumns} FROM imports ORDER BY ${importColumns.replace("meta, ", "")}`

export async function postgresVersion(): Promise<string> {
  const [row] = (await query(serverUrl, "SHOW server_version")) as [{ server_version: string }]
  return row.server_version
}

async function query(url: string, statement: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(statement)).rows
  } finally {
    await client.end()
  }
}
