import assert from "node:assert/strict"
import { cp, mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, it } from "node:test"
import { manualClock } from "../../src/clock/index.ts"
import { checkDrift, migrateUp, newMigration } from "../../src/migrate/index.ts"
import { type Columns, identity, integer, real, type Tables, table, text } from "../../src/schema/index.ts"
import { engines, forEachEngine } from "../support/index.ts"
import { type History, openHistory } from "./history.ts"
import { execute, query } from "./support.ts"

const users = (columns: Columns = {}) => table("users", { id: identity(), age: integer().nullable(), ...columns })

/** Writes a migration as another branch does, which starts from the same history and is merged. */
async function branch(history: History, tables: Tables, at: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "rootstock-branch-"))
  try {
    await cp(history.directory, directory, { recursive: true })
    const made = await newMigration({ directory, tables, name: "branch", clock: manualClock(at) })
    return made!.id
  } finally {
    for (const name of await readdir(directory)) {
      if (name.includes("_branch")) await cp(join(directory, name), join(history.directory, name))
    }
    await rm(directory, { recursive: true })
  }
}

describe("migrations of two branches", () => {
  forEachEngine((engine) => {
    it("are applied in either order, and nothing differs afterwards", async () => {
      const base = { users: users() }
      const left = { users: users({ nick: text().nullable() }) }
      const right = { users: users({ city: text().default("x") }), notes: table("notes", { id: identity() }) }
      const both = { users: users({ nick: text().nullable(), city: text().default("x") }), notes: right.notes }
      await using history = await openHistory(engine)
      await using other = await engine.temporaryDatabase()
      await history.move(base)
      await migrateUp({ ...history, url: other.url })
      const written = await mkdtemp(join(tmpdir(), "rootstock-merged-"))
      await cp(history.directory, written, { recursive: true })
      const later = await branch({ ...history, directory: written }, right, "2026-03-02T00:00:00Z")
      const earlier = await branch(history, left, "2026-03-01T00:00:00Z")
      for (const name of await readdir(written)) {
        if (name.startsWith(later)) await cp(join(written, name), join(history.directory, name))
      }
      // One database has the later one already, the other has none of them.
      await migrateUp({ ...history, directory: written })
      assert.deepEqual(
        (await migrateUp(history)).map(({ id }) => id),
        [earlier],
      )
      assert.deepEqual(
        (await migrateUp({ ...history, url: other.url })).map(({ id }) => id),
        [earlier, later],
      )
      for (const url of [history.url, other.url]) assert.deepEqual(await checkDrift({ url, tables: both }), [])
      assert.equal(await newMigration({ directory: history.directory, tables: both, name: "nothing" }), undefined)
      await rm(written, { recursive: true })
    })
  })

  it("are refused on SQLite where making a table anew would lose what the other one brought", async () => {
    await using history = await openHistory(engines.find(({ name }) => name === "sqlite")!)
    await history.move({ users: users() })
    await history.move({ users: users({ nick: text().nullable() }) })
    await execute(history.url, "INSERT INTO users (nick) VALUES ('ann')")
    const source = await mkdtemp(join(tmpdir(), "rootstock-stale-"))
    const first = (await readdir(history.directory)).sort().slice(0, 3)
    for (const name of first) await cp(join(history.directory, name), join(source, name))
    const stale = await branch(
      { ...history, directory: source },
      { users: users({ age: real().nullable() }) },
      "2026-04-01T00:00:00Z",
    )
    for (const name of await readdir(source)) {
      if (name.startsWith(stale)) await cp(join(source, name), join(history.directory, name))
    }
    await rm(source, { recursive: true })
    await assert.rejects(migrateUp(history), {
      message: /users is not as it was when the migration was written/,
      cure: /delete the \.sql files/,
    })
    for (const ending of ["sqlite.sql", "postgres.sql"]) await rm(join(history.directory, `${stale}.${ending}`))
    await migrateUp(history)
    assert.deepEqual(await query(history.url, "SELECT nick FROM users"), [{ nick: "ann" }])
    assert.deepEqual(
      await checkDrift({
        url: history.url,
        tables: { users: users({ age: real().nullable(), nick: text().nullable() }) },
      }),
      [],
    )
  })
})
