import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { adoptDrift, checkDrift, describeDifference, migrateUp, stampMigrations } from "../../src/migrate/index.ts"
import { choice, decimal, identity, index, integer, json, list, table, timestamp } from "../../src/schema/index.ts"
import { forEachEngine } from "../support/index.ts"
import { openHistory } from "./history.ts"
import { execute } from "./support.ts"

const users = table(
  "users",
  {
    id: identity(),
    kind: choice("a", "b").default("a"),
    total: decimal(9, 2).default("0"),
    tags: list(integer()).default([]),
    facts: json().nullable(),
    at: timestamp().nullable(),
    age: integer().nullable().check("age >= 0"),
  },
  (t) => [index(t.tags).contains(), index(t.kind, t.age.desc())],
  { appendOnly: true },
)

describe("drift", () => {
  forEachEngine((engine) => {
    it("is listed, and can be written as a migration that other databases get", async () => {
      await using history = await openHistory(engine)
      await history.move({ users })
      assert.equal(await adoptDrift({ ...history, name: "nothing" }), undefined)
      await execute(
        history.url,
        `CREATE INDEX by_hand ON users (age); ALTER TABLE users ADD COLUMN nick ${engine.dialect === "sqlite" ? "TEXT" : 'text COLLATE "C"'}; DROP INDEX users_kind_age_index`,
      )
      assert.deepEqual(
        (await checkDrift({ url: history.url, tables: { users } }))
          .map(describeDifference)
          .sort()
          .map((text) => text.replace(/ \(.*/, "")),
        [
          "users, column nick is not declared",
          "users, index by_hand is not declared",
          "users, index users_kind_age_index is missing",
        ],
      )
      const made = await adoptDrift({ ...history, name: "by hand" })
      assert.deepEqual([...made!.changes].sort(), [
        "add column users.nick",
        "add index by_hand",
        "drop index users_kind_age_index",
      ])
      assert.deepEqual(await stampMigrations(history), [made!.id])
      await using other = await engine.temporaryDatabase()
      await migrateUp({ ...history, url: other.url })
      assert.equal(await adoptDrift({ ...history, url: other.url, name: "nothing" }), undefined)
      assert.equal((await checkDrift({ url: other.url, tables: { users } })).length, 3)
    })
  })
})
