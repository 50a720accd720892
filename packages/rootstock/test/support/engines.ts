import { describe } from "node:test"
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
 * Defines the same cases once for each engine, each in a `describe` of its own.
 *
 * An engine that is not there is left out with a reason that names the variable to set.
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
  for (const engine of all) {
    const variable = servers[engine.name]
    if (variable === undefined) describe(`on ${engine.name}`, () => define(engine))
    else requireService(variable, `on ${engine.name}`, () => define(engine))
  }
}
