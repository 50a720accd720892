import assert from "node:assert/strict"
import { appendFile, readdir, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { describe, it } from "node:test"
import { MigrationError } from "../../src/errors/index.ts"
import {
  checkDrift,
  createSchema,
  lossesOfDown,
  migrateDown,
  migrateUp,
  migrationStatus,
  newMigration,
  stampMigrations,
} from "../../src/migrate/index.ts"
import {
  type Columns,
  check,
  choice,
  identity,
  integer,
  type Tables,
  table,
  text,
  unique,
} from "../../src/schema/index.ts"
import { forEachEngine } from "../support/index.ts"
import { openHistory } from "./history.ts"
import { execute, query } from "./support.ts"

const users = (columns: Columns = {}, extras: Parameters<typeof table>[2] = () => []) =>
  table("users", { id: identity(), email: text(), age: integer().nullable(), ...columns }, extras)
const base = { users: users() }

/** Changes that rows stand against, and what the message says of them. */
const broken: { name: string; after: Tables; says: RegExp }[] = [
  { name: "a null", after: { users: users({ age: integer() }) }, says: /1 row of users have no age.*\(id "?2"?\)/ },
  {
    name: "two alike",
    after: { users: users({ email: text().unique() }) },
    says: /2 rows of users break the unique constraint users_email_key.*\(email "ann"; …\)/,
  },
  {
    name: "two alike in several columns",
    after: { users: users({}, (t) => [unique(t["email"]!, t["age"]!)]) },
    says: /break the unique constraint users_email_age_key/,
  },
  {
    name: "a check",
    after: { users: users({}, () => [check("grown", "age > 7")]) },
    says: /3 rows of users break the check users_grown_check \(age > 7\)/,
  },
  {
    name: "a choice",
    after: { users: users({ email: choice("ann", "bob") }) },
    says: /1 row of users have a email that its type does not take/,
  },
  {
    name: "a length",
    after: { users: users({ email: text({ max: 4 }) }) },
    says: /1 row of users have a email that its type does not take/,
  },
  {
    name: "a type",
    after: { users: users({ email: integer() }) },
    says: /4 rows of users have a email that cannot be converted/,
  },
  {
    name: "a reference",
    after: { users: users({ age: integer().nullable().references("id", { as: "elder", many: "younger" }) }) },
    says: /2 rows of users break the reference users_age_fkey: their age is no users.id/,
  },
  {
    name: "a column without a value",
    after: { users: users({ nick: text() }) },
    says: /4 rows of users would have no nick/,
  },
]

describe("a migration that cannot be applied", () => {
  forEachEngine((engine) => {
    for (const { name, after, says } of broken) {
      it(`says which rows stand against it, and leaves the database as it was: ${name}`, async () => {
        await using history = await openHistory(engine)
        await history.move(base)
        await execute(
          history.url,
          "INSERT INTO users (email, age) VALUES ('ann', 7), ('bob', NULL), ('ann', 7), ('camilla', 1)",
        )
        // Something that is done before the failing part, and has to be taken back.
        const second = table("seconds", { id: identity() })
        await history.move({ ...after, second }, { apply: false })
        await assert.rejects(migrateUp(history), (error: MigrationError) => {
          assert.ok(error instanceof MigrationError)
          assert.match(error.message, says)
          assert.match(error.cure, /as it was before/)
          return true
        })
        assert.deepEqual(await checkDrift({ url: history.url, tables: base }), [])
        assert.equal((await query(history.url, "SELECT * FROM users")).length, 4)
        assert.deepEqual(
          (await migrationStatus(history)).map(({ state }) => state),
          ["applied", "pending"],
        )
        await execute(history.url, "DELETE FROM users")
        await migrateUp(history)
        assert.deepEqual(await checkDrift({ url: history.url, tables: { ...after, second } }), [])
      })
    }

    it("names the statement that fails, and leaves the database as it was", async () => {
      await using history = await openHistory(engine)
      await history.move(base)
      const source = `export const migration = { operations: [
        { op: "addColumn", table: "users", column: { name: "nick", type: { kind: "text" }, nullable: true } },
        { op: "sql", up: { sqlite: "UPDATE users SET nothing = 1", postgres: "UPDATE users SET nothing = 1" }, down: { sqlite: "", postgres: "" } },
      ] }`
      await writeFile(join(history.directory, "20260201T000000_fails.ts"), source)
      await assert.rejects(migrateUp(history), (error: MigrationError) => {
        assert.match(error.message, /20260201T000000_fails failed: .*nothing.*UPDATE users SET nothing = 1/)
        assert.match(error.cure, /as it was before/)
        return true
      })
      assert.deepEqual(await checkDrift({ url: history.url, tables: base }), [])
    })

    it("refuses a history in which an applied migration was edited, or is missing", async () => {
      await using history = await openHistory(engine)
      const first = await history.move(base)
      const second = await history.move({ users: users({ nick: text().nullable() }) })
      const file = join(history.directory, `${second}.${engine.dialect}.sql`)
      await appendFile(file, "-- edited\n")
      await assert.rejects(migrateUp(history), { message: new RegExp(`edited after they were applied: ${second}`) })
      assert.deepEqual(
        (await migrationStatus(history)).map(({ state }) => state),
        ["applied", "edited"],
      )
      for (const name of await readdir(history.directory)) {
        if (name.startsWith(second)) await rm(join(history.directory, name))
      }
      await assert.rejects(migrateUp(history), { message: new RegExp(`the directory lacks: ${second}`) })
      assert.deepEqual(
        (await migrationStatus(history)).map(({ id, state }) => [id, state]),
        [
          [first, "applied"],
          [second, "missing"],
        ],
      )
    })

    it("refuses operations that were edited after their SQL was frozen", async () => {
      await using history = await openHistory(engine)
      const id = await history.move(base, { apply: false })
      await writeFile(join(history.directory, `${id}.ts`), "export const migration = { operations: [] }")
      await assert.rejects(migrateUp(history), { message: /was edited after its SQL was frozen/ })
    })

    it("asks before it loses rows, and says how many", async () => {
      await using history = await openHistory(engine)
      await history.move(base)
      await history.move({ users: users({ nick: text().nullable() }), more: table("more", { id: identity() }) })
      await execute(history.url, "INSERT INTO users (email, nick) VALUES ('ann', 'a'), ('bob', NULL)")
      await assert.rejects(migrateDown(history), {
        message: /1 values of users.nick.*0 rows of more|0 rows of more.*1 values of users.nick/,
      })
      assert.equal((await query(history.url, "SELECT nick FROM users")).length, 2)
      assert.deepEqual(await lossesOfDown(history), [
        { table: "users", column: "nick", count: 1 },
        { table: "more", count: 0 },
      ])
      await migrateDown({ ...history, allowLoss: true })
      assert.deepEqual(await checkDrift({ url: history.url, tables: base }), [])
    })

    it("stamps a database that has the result, and no other", async () => {
      await using history = await openHistory(engine)
      const id = await history.move(base, { apply: false })
      await assert.rejects(stampMigrations(history), { message: /table users is missing/ })
      await createSchema(history.url, base)
      assert.deepEqual(await stampMigrations(history), [id])
      assert.deepEqual(await migrateUp(history), [])
    })

    it("prints what it would run, and runs nothing", async () => {
      await using history = await openHistory(engine)
      await history.move(base, { apply: false })
      const [run] = await migrateUp({ ...history, dryRun: true })
      assert.match(run!.sql.join("\n"), /CREATE TABLE "users"/)
      assert.equal((await checkDrift({ url: history.url, tables: base })).length, 1)
      await migrateUp(history)
      const [back] = await migrateDown({ ...history, dryRun: true })
      assert.match(back!.sql.join("\n"), /DROP TABLE "users"/)
      assert.deepEqual(await checkDrift({ url: history.url, tables: base }), [])
    })
  })

  it("never guesses a rename", async () => {
    const { engines } = await import("../support/index.ts")
    await using history = await openHistory(engines[0]!)
    await history.move(base)
    const after = { users: table("users", { id: identity(), mail: text(), age: integer().nullable() }) }
    const options = { directory: history.directory, tables: after, name: "rename", clock: history.clock }
    await assert.rejects(newMigration(options), {
      message: /users.mail comes and users.email goes/,
      cure: /--rename users.email:users.mail/,
    })
    await assert.rejects(newMigration({ ...options, renames: ["users.email:users.mail", "users.fax:users.phone"] }), {
      message: /names nothing/,
    })
    const asked: unknown[] = []
    const made = await newMigration({
      ...options,
      ask: async (question) => {
        asked.push(question)
        return question.candidates[0]
      },
    })
    assert.deepEqual(asked, [{ kind: "column", added: "users.mail", candidates: ["users.email"] }])
    assert.deepEqual(made!.changes, ["rename column users.email to mail"])
  })
})
