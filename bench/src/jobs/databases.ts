import { randomBytes } from "node:crypto"
import { mkdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { createSchema } from "../../../packages/rootstock/src/migrate/index.ts"
import type { Tables } from "../../../packages/rootstock/src/schema/index.ts"
import { type EmptyDatabase, makeEmptyPostgres } from "../run/databases.ts"
import { tables as jobTables } from "./tables.ts"

export type Engine = "sqlite" | "postgres"
export const engineTitles: Record<Engine, string> = { sqlite: "SQLite", postgres: "PostgreSQL" }

/** The databases of one run: each with the same tables, and nobody else's. */
export class JobDatabases {
  /** On the disk of the repository: a temporary folder may be kept in memory, where a durable commit costs nothing. */
  readonly folder: string
  readonly #postgres: EmptyDatabase[] = []
  readonly #tables: Tables
  #files = 0

  /** @param tables of each; the ledger and Rootstock's tables of jobs unless said */
  constructor(tables: Tables = jobTables) {
    this.#tables = tables
    this.folder = fileURLToPath(new URL(`../../.data/${randomBytes(4).toString("hex")}`, import.meta.url))
    mkdirSync(this.folder, { recursive: true })
  }

  async make(engine: Engine): Promise<string> {
    const url = engine === "sqlite" ? `sqlite:${join(this.folder, `${++this.#files}.db`)}` : await this.#empty()
    await createSchema(url, this.#tables)
    return url
  }

  /** Where a server makes databases of its own: a folder, or a database of PostgreSQL. */
  async home(engine: Engine): Promise<string> {
    if (engine === "postgres") return this.#empty()
    const folder = join(this.folder, String(++this.#files))
    mkdirSync(folder)
    return `sqlite:${folder}`
  }

  async drop(): Promise<void> {
    rmSync(this.folder, { recursive: true, force: true })
    for (const database of this.#postgres.splice(0)) await database.drop()
  }

  async #empty(): Promise<string> {
    const database = await makeEmptyPostgres()
    this.#postgres.push(database)
    return database.url
  }
}
