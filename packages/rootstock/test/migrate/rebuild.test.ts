import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { checkDrift, migrateDown, migrateUp } from "../../src/migrate/index.ts"
import { identity, integer, real, table, text } from "../../src/schema/index.ts"
import { engines } from "../support/index.ts"
import { openHistory } from "./history.ts"
import { execute, query } from "./support.ts"

const sqlite = engines.find(({ name }) => name === "sqlite")!

const users = table("users", { id: identity(), email: text(), age: integer().nullable() })
const orders = table("orders", {
  id: identity(),
  userId: integer().references(() => users.id, { onDelete: "cascade" }),
})
const before = { users, orders }
const newUsers = table("users", { id: identity(), email: text().unique(), age: real().nullable() })
const after = {
  users: newUsers,
  orders: table("orders", { id: identity(), userId: integer().references(() => newUsers.id, { onDelete: "cascade" }) }),
}

describe("a table of SQLite that is made anew", () => {
  it("loses no row of those that refer to it with cascade", async () => {
    await using history = await openHistory(sqlite)
    await history.move(before)
    await execute(history.url, "INSERT INTO users (email) VALUES ('ann'), ('bob')")
    await execute(history.url, "INSERT INTO orders (user_id) VALUES (1), (1), (2)")
    await history.move(after, { apply: false })
    const [run] = await migrateUp({ ...history, dryRun: true })
    assert.match(run!.sql.join("\n"), /DROP TABLE "users"/, "it is made anew")
    await migrateUp(history)
    assert.equal((await query(history.url, "SELECT id FROM orders")).length, 3)
    await execute(history.url, "PRAGMA foreign_keys = ON; DELETE FROM users WHERE id = 1")
    assert.deepEqual(await query(history.url, "SELECT user_id FROM orders"), [{ user_id: 2 }])
  })

  it("keeps the indexes, triggers and views that others made, and counts on from where it was", async () => {
    await using history = await openHistory(sqlite)
    await history.move(before)
    await execute(
      history.url,
      `CREATE INDEX by_hand ON users (lower(email));
       CREATE TABLE log (what TEXT);
       CREATE TRIGGER told AFTER INSERT ON users BEGIN INSERT INTO log VALUES (NEW.email); END;
       CREATE TRIGGER elsewhere AFTER DELETE ON orders BEGIN UPDATE users SET age = 0 WHERE id = OLD.user_id; END;
       CREATE VIEW grown AS SELECT id, email FROM users WHERE age > 18;
       INSERT INTO users (email) VALUES ('ann'), ('bob'), ('cyd');
       DELETE FROM users WHERE email IN ('bob', 'cyd')`,
    )
    await history.move(after)
    const names = await query(
      history.url,
      "SELECT name FROM sqlite_schema WHERE name IN ('by_hand', 'told', 'elsewhere', 'grown') ORDER BY name",
    )
    assert.deepEqual(
      names.map(({ name }) => name),
      ["by_hand", "elsewhere", "grown", "told"],
    )
    await execute(history.url, "INSERT INTO users (email, age) VALUES ('dan', 30)")
    assert.deepEqual(await query(history.url, "SELECT * FROM grown"), [{ id: 4, email: "dan" }])
    assert.deepEqual(
      await query(history.url, "SELECT * FROM log ORDER BY rowid"),
      ["ann", "bob", "cyd", "dan"].map((what) => ({ what })),
    )
    await migrateDown(history)
    await execute(history.url, "INSERT INTO users (email) VALUES ('eve')")
    assert.deepEqual(await query(history.url, "SELECT max(id) AS id FROM users"), [{ id: 5 }])
    const drift = (await checkDrift({ url: history.url, tables: before })).map(({ table, what }) => `${table} ${what}`)
    assert.deepEqual(drift, ["log table", "orders trigger elsewhere", "users index by_hand", "users trigger told"])
  })

  it("is refused where a view would stop working", async () => {
    await using history = await openHistory(sqlite)
    await history.move(before)
    await execute(history.url, "CREATE VIEW ages AS SELECT age FROM users")
    const without = { ...after, users: table("users", { id: identity(), email: text().unique() }) }
    await history.move(without, { apply: false })
    await assert.rejects(migrateUp(history), { message: /view ages would stop working|error in view ages/ })
    assert.deepEqual(await checkDrift({ url: history.url, tables: before }), [])
  })
})
