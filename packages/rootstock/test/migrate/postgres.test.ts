import assert from "node:assert/strict"
import { describe, it } from "node:test"
import pg from "pg"
import { checkDrift, migrateUp } from "../../src/migrate/index.ts"
import { check, identity, index, integer, table, text } from "../../src/schema/index.ts"
import { engines } from "../support/index.ts"
import { openHistory } from "./history.ts"
import { execute, query } from "./support.ts"

const owners = table("owners", { id: identity() })
const users = table("users", { id: identity(), code: text(), age: integer().nullable(), ownerId: integer().nullable() })
const before = { owners, users }
const after = {
  owners,
  users: table(
    "users",
    {
      id: identity(),
      code: text().unique(),
      age: integer(),
      ownerId: integer()
        .nullable()
        .references(() => owners.id),
    },
    (t) => [index(t.age), check("grown", "age > 0")],
  ),
}

for (const engine of engines.filter(({ dialect }) => dialect === "postgres")) {
  describe(`migrations on ${engine.name}`, () => {
    it("take no long lock on a table that others use", async () => {
      await using history = await openHistory(engine)
      await history.move(before)
      await history.move(after, { apply: false })
      const [run] = await migrateUp({ ...history, dryRun: true })
      const sql = run!.sql.join("\n")
      for (const form of [
        /CREATE UNIQUE INDEX CONCURRENTLY "users_code_key"/,
        /UNIQUE USING INDEX "users_code_key"/,
        /CREATE INDEX CONCURRENTLY "users_age_index"/,
        /"users_grown_check" CHECK \(age > 0\) NOT VALID/,
        /VALIDATE CONSTRAINT "users_grown_check"/,
        /"users_owner_id_fkey" .* NOT VALID/,
        /VALIDATE CONSTRAINT "users_owner_id_fkey"/,
        /"users_age_not_null" CHECK \("age" IS NOT NULL\) NOT VALID[\s\S]*VALIDATE CONSTRAINT "users_age_not_null"[\s\S]*SET NOT NULL[\s\S]*DROP CONSTRAINT "users_age_not_null"/,
      ]) {
        assert.match(sql, form)
      }
    })

    it("make a new table without detours", async () => {
      await using history = await openHistory(engine)
      await history.move(after, { apply: false })
      const [run] = await migrateUp({ ...history, dryRun: true })
      assert.doesNotMatch(run!.sql.join("\n"), /CONCURRENTLY|NOT VALID/)
    })

    it("step back from a lock that others hold, and try again", async () => {
      await using history = await openHistory(engine)
      await history.move(before)
      await history.move(
        { owners, users: table("users", { id: identity(), code: text(), age: integer().nullable() }) },
        { apply: false },
      )
      const client = new pg.Client({ connectionString: history.url })
      await client.connect()
      try {
        await client.query(
          `SET search_path TO "${new URL(history.url).searchParams.get("schema")}"; BEGIN; SELECT * FROM users`,
        )
        let attempts = 0
        const onStep = async ({ sql }: { sql?: string }) => {
          if (sql !== undefined && /DROP COLUMN "owner_id"/.test(sql) && ++attempts === 2) await client.query("COMMIT")
        }
        await migrateUp({ ...history, patience: 100, onStep })
        assert.equal(attempts, 2)
      } finally {
        await client.end()
      }
    })

    it("clear away the invalid index that a broken-off run left", async () => {
      await using history = await openHistory(engine)
      await history.move(before)
      await execute(history.url, "INSERT INTO users (code, age) VALUES ('a', 1), ('b', 1)")
      await assert.rejects(execute(history.url, 'CREATE UNIQUE INDEX CONCURRENTLY "users_age_index" ON users (age)'))
      await history.move(after)
      assert.deepEqual(await checkDrift({ url: history.url, tables: after }), [])
      assert.equal(
        (await query(history.url, "SELECT FROM pg_index WHERE NOT indisvalid AND indrelid = 'users'::regclass")).length,
        0,
      )
    })
  })
}
