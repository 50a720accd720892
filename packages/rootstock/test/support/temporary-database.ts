import { randomBytes } from "node:crypto"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import pg from "pg"
import type { EngineName } from "./engines.ts"

/** A database that only one test knows. */
export type TemporaryDatabase = AsyncDisposable & {
  readonly url: string
  /** Removes it with everything in it; a second call does nothing. */
  dispose(): Promise<void>
}

export type TemporaryDatabaseOptions = {
  /** On PostgreSQL a database of its own in place of a schema in a shared one; slower by some 50 ms. */
  ownDatabase?: boolean
}

/**
 * Makes an empty database: a file in a fresh folder on SQLite, a fresh schema on PostgreSQL.
 *
 * Throws where the engine's server is not named by its variable.
 *
 * ### Examples
 *
 * ```ts
 * const { url, dispose } = await temporaryDatabase("sqlite")
 * ```
 */
export async function temporaryDatabase(
  engine: EngineName,
  options: TemporaryDatabaseOptions = {},
): Promise<TemporaryDatabase> {
  if (engine === "sqlite") return temporaryFile()
  const variable = engine === "postgres" ? "TEST_POSTGRES_URL" : "TEST_EMBEDDED_POSTGRES_URL"
  const server = process.env[variable]
  if (!server) throw new Error(`${variable} is unset`)
  return options.ownDatabase ? ownDatabase(server) : ownSchema(server)
}

async function temporaryFile(): Promise<TemporaryDatabase> {
  const folder = await mkdtemp(join(tmpdir(), "rootstock-test-"))
  return disposable(`sqlite:${join(folder, "test.db")}`, () => rm(folder, { recursive: true, force: true }))
}

async function ownSchema(server: string): Promise<TemporaryDatabase> {
  const schema = randomName()
  await execute(server, `CREATE SCHEMA ${schema}`)
  const url = new URL(server)
  url.searchParams.set("schema", schema)
  return disposable(url.href, () => execute(server, `DROP SCHEMA IF EXISTS ${schema} CASCADE`))
}

async function ownDatabase(server: string): Promise<TemporaryDatabase> {
  const name = randomName()
  await execute(server, `CREATE DATABASE ${name}`)
  const url = new URL(server)
  url.pathname = `/${name}`
  return disposable(url.href, () => execute(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`))
}

function disposable(url: string, remove: () => Promise<void>): TemporaryDatabase {
  let removed: Promise<void> | undefined
  const dispose = () => {
    removed ??= remove()
    return removed
  }
  return { url, dispose, [Symbol.asyncDispose]: dispose }
}

const randomName = () => `t_${randomBytes(8).toString("hex")}`

async function execute(server: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: server })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
