import { randomBytes } from "node:crypto"
import { mkdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { openDatabase, Storage } from "../../../packages/rootstock/src/index.ts"
import { createSchema } from "../../../packages/rootstock/src/migrate/index.ts"
import { users } from "../data/rows.ts"
import { type EmptyDatabase, makeEmptyPostgres } from "../run/databases.ts"
import type { User } from "../schema/rows.ts"
import { counterCount, tables, userCount } from "./tables.ts"

/** The databases of one run. */
export class CacheDatabases {
  /** On the disk of the repository: a temporary folder may be kept in memory, where a durable commit costs nothing. */
  readonly folder: string
  /** The users in each of them. */
  readonly users: readonly User[] = users().take(userCount).toArray()
  /** Those that are being made, too. */
  readonly #postgres: Promise<EmptyDatabase>[] = []
  #dropped = false
  #files = 0

  constructor() {
    this.folder = fileURLToPath(new URL(`../../.data/${randomBytes(4).toString("hex")}`, import.meta.url))
    mkdirSync(this.folder, { recursive: true })
  }

  /** The URL of a filled database that nobody else uses. */
  async make(engine: "sqlite" | "postgres"): Promise<string> {
    const url = engine === "sqlite" ? `sqlite:${join(this.folder, `${++this.#files}.db`)}` : (await this.empty()).url
    await createSchema(url, tables)
    const database = await openDatabase(url, { tables })
    try {
      await database.storage(Storage(tables.users)).createMany(this.users, { returning: false })
      const counters = Array.from({ length: counterCount }, (_, index) => ({ id: index + 1, version: 0 }))
      await database.storage(Storage(tables.counters)).createMany(counters, { returning: false })
    } finally {
      await database.close()
    }
    return url
  }

  async empty(): Promise<EmptyDatabase> {
    if (this.#dropped) throw new Error("the run is over")
    const making = makeEmptyPostgres()
    this.#postgres.push(making)
    return making
  }

  async drop(): Promise<void> {
    this.#dropped = true
    rmSync(this.folder, { recursive: true, force: true })
    for (const made of await Promise.allSettled(this.#postgres.splice(0))) {
      if (made.status === "fulfilled") await made.value.drop()
    }
  }
}
