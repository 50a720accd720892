import assert from "node:assert/strict"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, it } from "node:test"
import { manualClock } from "../../src/clock/index.ts"
import { checkDrift, describeDifference, migrateDown, migrateUp, newMigration } from "../../src/migrate/index.ts"
import type { Tables } from "../../src/schema/index.ts"
import { forEachEngine } from "../support/index.ts"
import { changes } from "./changes.ts"
import { execute, query } from "./support.ts"

const clock = manualClock("2026-01-31T09:00:00Z")

describe("migrations", () => {
  // The servers work beside each other; one case mostly waits.
  forEachEngine((engine) =>
    describe("from one schema to another", { concurrency: 3 }, () => {
      const eased = (url: string) =>
        engine.dialect === "sqlite" ? url : `${url}&options=${encodeURIComponent("-c synchronous_commit=off")}`
      for (const { name, before, after, renames } of changes) {
        it(`${name}, and back, and again, with rows`, async () => {
          await using database = await engine.temporaryDatabase()
          const url = eased(database.url)
          const directory = await mkdtemp(join(tmpdir(), "rootstock-migrations-"))
          try {
            const run = { url, directory, clock }
            await newMigration({ directory, tables: before, name: "base", clock })
            await migrateUp(run)
            await assertSame(url, before)
            await execute(
              url,
              "INSERT INTO users (email, age, code) VALUES ('ann', 7, 'A'), ('bob', NULL, 'B'), ('cyd', 30, 'C')",
            )
            await execute(url, "INSERT INTO orders (user_id, total) VALUES (1, 1), (1, 2), (3, 3)")
            const made = await newMigration({ directory, tables: after, name, clock, renames })
            assert.ok(made, "something is found")
            assert.equal(
              await newMigration({ directory, tables: after, name, clock }),
              undefined,
              "a second diff is empty",
            )
            const rows = await countRows(url, before)
            const values = await readRows(url)
            await migrateUp(run)
            await assertSame(url, after)
            assert.deepEqual(await countRows(url, after), rows, "rows after up")
            await migrateDown({ ...run, allowLoss: true })
            await assertSame(url, before)
            assert.deepEqual(await countRows(url, before), rows, "rows after down")
            if (made.losses.length === 0) assert.deepEqual(await readRows(url), values, "values after down")
            await migrateUp(run)
            await assertSame(url, after)
            assert.deepEqual(await countRows(url, after), rows, "rows after up again")
          } finally {
            await rm(directory, { recursive: true })
          }
        })
      }
    }),
  )
})

async function assertSame(url: string, tables: Tables): Promise<void> {
  assert.deepEqual((await checkDrift({ url, tables })).map(describeDifference), [])
}

/** How many rows the tables have; the first is `people` where it was renamed. */
async function countRows(url: string, tables: Tables): Promise<unknown> {
  const first = tables["people"] === undefined ? "users" : "people"
  const [row] = await query(
    url,
    `SELECT (SELECT count(*) FROM ${first}) AS first, (SELECT count(*) FROM orders) AS orders`,
  )
  return row
}

async function readRows(url: string): Promise<unknown> {
  return [await query(url, "SELECT * FROM users ORDER BY id"), await query(url, "SELECT * FROM orders ORDER BY id")]
}
