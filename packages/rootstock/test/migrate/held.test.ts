import assert from "node:assert/strict"
import { DatabaseSync } from "node:sqlite"
import { describe, it } from "node:test"
import {
  checkDrift,
  createSchema,
  inspectDatabase,
  migrateDown,
  migrateUp,
  migrationStatus,
  stampMigrations,
} from "../../src/migrate/index.ts"
import { identity, table, text } from "../../src/schema/index.ts"
import { engines } from "../support/index.ts"
import { type History, openHistory } from "./history.ts"

const tables = { users: table("users", { id: identity(), name: text() }) }

/** Holds the file as another process does that writes in it: nobody else may even read. */
function hold(url: string): { release(): void } & Disposable {
  const database = new DatabaseSync(url.slice("sqlite:".length))
  database.exec("BEGIN EXCLUSIVE")
  const release = () => {
    if (database.isOpen) database.close()
  }
  return { release, [Symbol.dispose]: release }
}

/** What touches the database, with whether its tables are there before. */
const works: { name: string; applied: boolean; work: (history: History) => Promise<unknown> }[] = [
  { name: "migrateUp", applied: false, work: migrateUp },
  { name: "createSchema", applied: false, work: ({ url }) => createSchema(url, tables) },
  { name: "stampMigrations", applied: false, work: (history) => stampMigrations({ ...history, force: true }) },
  { name: "migrateDown", applied: true, work: (history) => migrateDown({ ...history, allowLoss: true }) },
  { name: "migrationStatus", applied: true, work: migrationStatus },
  { name: "checkDrift", applied: true, work: ({ url }) => checkDrift({ url, tables }) },
  { name: "inspectDatabase", applied: true, work: ({ url }) => inspectDatabase(url) },
]

const sqlite = engines.find(({ dialect }) => dialect === "sqlite")!

describe("an SQLite file that another process holds", () => {
  for (const { name, applied, work } of works) {
    it(`is waited for by ${name}`, async () => {
      await using history = await openHistory(sqlite)
      await history.move(tables, { apply: applied })
      using holder = hold(history.url)
      let ended = false
      const done = work(history).finally(() => {
        ended = true
      })
      await Promise.race([done, new Promise((resolve) => setTimeout(resolve, 100))])
      assert.equal(ended, false)
      holder.release()
      await done
    })
  }

  it("is given up after the patience that was asked for", async () => {
    await using history = await openHistory(sqlite)
    await history.move(tables, { apply: false })
    using _ = hold(history.url)
    await assert.rejects(migrateUp({ ...history, patience: 30 }), { code: "TIMEOUT", message: /30 ms/ })
  })
})
