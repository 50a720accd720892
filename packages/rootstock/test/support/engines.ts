import { relative } from "node:path"
import { describe } from "node:test"
import { fileURLToPath } from "node:url"
import { requireService, type ServiceVariable } from "./services.ts"
import { type TemporaryDatabase, type TemporaryDatabaseOptions, temporaryDatabase } from "./temporary-database.ts"

/** What the tests call the places where a database can be. */
export type EngineName = "sqlite" | "embedded-postgres" | "postgres"

/** One place where the shared cases run. */
export type Engine = {
  readonly name: EngineName
  /** What the SQL is: the two PostgreSQL servers answer alike, in different versions. */
  readonly dialect: "sqlite" | "postgres"
  /** Makes an empty database; the test disposes it. */
  temporaryDatabase(options?: TemporaryDatabaseOptions): Promise<TemporaryDatabase>
}

const servers: Record<EngineName, ServiceVariable | undefined> = {
  sqlite: undefined,
  "embedded-postgres": "TEST_EMBEDDED_POSTGRES_URL",
  postgres: "TEST_POSTGRES_URL",
}

const all: readonly Engine[] = (Object.keys(servers) as EngineName[]).map((name) => ({
  name,
  dialect: name === "sqlite" ? "sqlite" : "postgres",
  temporaryDatabase: (options) => temporaryDatabase(name, options),
}))

/** The engines that are there in this run. */
export const engines: readonly Engine[] = all.filter(({ name }) => {
  const variable = servers[name]
  return variable === undefined || Boolean(process.env[variable])
})

/**
 * The engines of this file's cases. Where both PostgreSQL servers are there, each has half of the files: they answer alike,
 * and both for every file would take the run half as long again. `ROOTSTOCK_EVERY_SERVER=1` runs every file on both.
 */
export function enginesOfFile(): readonly Engine[] {
  const both = engines.length === all.length && process.env["ROOTSTOCK_EVERY_SERVER"] !== "1"
  if (!both) return all
  const file = relative(fileURLToPath(new URL("../../../..", import.meta.url)), process.argv[1] ?? "")
  const sum = [...file].reduce((total, character) => (total * 31 + (character.codePointAt(0) as number)) % 65_521, 7)
  const other: EngineName = sum % 2 === 0 ? "postgres" : "embedded-postgres"
  return all.filter(({ name }) => name !== other)
}

/**
 * Defines the same cases once for each engine, each in a `describe` of its own.
 *
 * An engine that is not there is left out with a reason that names the variable to set; of two PostgreSQL servers each has
 * half of the files.
 *
 * ### Examples
 *
 * ```ts
 * forEachEngine((engine) => {
 *   it("keeps a row", async () => {
 *     await using database = await engine.temporaryDatabase()
 *     const db = await openDatabase(database.url, { tables })
 *   })
 * })
 * ```
 */
export function forEachEngine(define: (engine: Engine) => void): void {
  for (const engine of enginesOfFile()) {
    const variable = servers[engine.name]
    if (variable === undefined) describe(`on ${engine.name}`, () => define(engine))
    else requireService(variable, `on ${engine.name}`, () => define(engine))
  }
}
