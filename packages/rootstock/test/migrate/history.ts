import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Clock, manualClock } from "../../src/clock/index.ts"
import { migrateUp, newMigration } from "../../src/migrate/index.ts"
import type { Tables } from "../../src/schema/index.ts"
import type { Engine } from "../support/index.ts"

/** A database and a directory of migrations that only one test knows. */
export type History = AsyncDisposable & {
  readonly url: string
  readonly directory: string
  readonly clock: Clock
  /** Makes a migration to these tables; applies it unless told otherwise. Gives its id. */
  move(tables: Tables, options?: { apply?: boolean; renames?: string[] }): Promise<string>
}

export async function openHistory(engine: Engine): Promise<History> {
  const database = await engine.temporaryDatabase()
  const directory = await mkdtemp(join(tmpdir(), "rootstock-migrations-"))
  const clock = manualClock("2026-01-31T09:00:00Z")
  const { url } = database
  return {
    url,
    directory,
    clock,
    async move(tables, { apply = true, renames } = {}) {
      const made = await newMigration({ directory, tables, name: "step", clock, renames })
      if (made === undefined) throw new Error("nothing differs")
      if (apply) await migrateUp({ url, directory, clock })
      return made.id
    },
    async [Symbol.asyncDispose]() {
      await database.dispose()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
