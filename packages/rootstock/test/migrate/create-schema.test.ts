import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { createSchema } from "../../src/migrate/index.ts"
import {
  check,
  expression,
  identity,
  index,
  integer,
  json,
  list,
  table,
  text,
  timestamp,
  unique,
  uniqueIndex,
  uuid,
} from "../../src/schema/index.ts"
import { forEachEngine } from "../support/index.ts"
import { execute, query } from "./support.ts"

const users = table("users", {
  id: identity(),
  email: text({ max: 150 }).unique(),
  bestFriendId: integer().nullable().references("id", { onDelete: "set null" }),
})
const chats = table(
  "chats",
  {
    id: uuid().primaryKey(),
    code: text(),
    slug: text(),
    a: integer(),
    b: integer(),
    ownerId: integer().references(() => users.id, { onDelete: "cascade", deferrable: true }),
  },
  (t) => [
    unique(t.code),
    unique(t.slug),
    uniqueIndex(t.a, t.b.desc()),
    uniqueIndex(expression("lower(code)")),
    check("positive", "a >= 0"),
    index(t.b.nullsFirst()).where("b > 1"),
  ],
)
const entries = table(
  "entries",
  {
    id: identity(),
    userId: integer().references(() => users.id, { onDelete: "cascade" }),
    tags: list(text()),
    facts: json().nullable(),
    at: timestamp().nullable(),
  },
  (t) => [index(t.tags).contains(), index(t.facts).contains()],
  { appendOnly: { parent: "userId" } },
)
const notes = table("notes", { id: identity(), tags: list(integer()).nullable(), facts: json().nullable() }, (t) => [
  index(t.tags).contains(),
  index(t.facts).contains(),
])
const tables = { users, chats, entries, notes }

describe("createSchema", () => {
  forEachEngine((engine) => {
    it("reports the same unique constraint on both engines where a row breaks several", async () => {
      await using database = await engine.temporaryDatabase()
      await createSchema(database.url, tables)
      const insert = (values: string) =>
        execute(database.url, `INSERT INTO chats (id, code, slug, a, b, owner_id) VALUES (${values})`)
      const id = (digit: string) => `'${digit.repeat(8)}-0000-7000-8000-000000000000'`
      await execute(database.url, "INSERT INTO users (email) VALUES ('ann')")
      await insert(`${id("1")}, 'X', 's', 1, 2, 1`)
      const named = async (values: string) => {
        const { message } = await insert(values).then(
          () => assert.fail("was taken"),
          (error: Error) => error,
        )
        return message
      }
      assert.match(await named(`${id("1")}, 'X', 's', 1, 2, 1`), /chats_a_b_key|chats\.a, chats\.b/)
      assert.match(await named(`${id("1")}, 'X', 's', 1, 3, 1`), /chats_expression_key/)
      assert.match(await named(`${id("1")}, 'Y', 's', 1, 3, 1`), /chats_pkey|chats\.id/)
      assert.match(await named(`${id("2")}, 'Y', 's', 1, 3, 1`), /chats_slug_key|chats\.slug/)
    })

    it("refuses to change rows of an append-only table until their parent goes", async () => {
      await using database = await engine.temporaryDatabase()
      await createSchema(database.url, tables)
      await execute(database.url, "INSERT INTO users (email) VALUES ('ann')")
      await execute(
        database.url,
        "INSERT INTO entries (user_id, tags) VALUES (1, '[]')".replace("[]", engine.dialect === "sqlite" ? "[]" : "{}"),
      )
      await assert.rejects(execute(database.url, "UPDATE entries SET facts = NULL"), /entries_append_only/)
      await assert.rejects(execute(database.url, "DELETE FROM entries"), /entries_append_only/)
      await execute(database.url, "DELETE FROM users")
      assert.deepEqual(await query(database.url, "SELECT * FROM entries"), [])
    })
  })
})

describe("createSchema on SQLite", () => {
  it("keeps the side tables of contains indexes", async () => {
    const { temporaryDatabase } = await import("../support/index.ts")
    await using database = await temporaryDatabase("sqlite")
    await createSchema(database.url, tables)
    await execute(
      database.url,
      `INSERT INTO notes (tags, facts) VALUES ('[1,2,2]', '{"a":[{"b":1},{"b":"x"}],"c.d":true,"e":{},"f":null}')`,
    )
    const items = () => query(database.url, "SELECT item, id FROM notes_tags_items")
    const leaves = () => query(database.url, "SELECT path, value FROM notes_facts_items")
    assert.deepEqual(await items(), [
      { item: 1, id: 1 },
      { item: 2, id: 1 },
    ])
    assert.deepEqual(await leaves(), [
      { path: '["a","b"]', value: 1 },
      { path: '["a","b"]', value: "x" },
      { path: '["c.d"]', value: "true" },
      { path: '["f"]', value: "null" },
    ])
    await execute(database.url, `UPDATE notes SET tags = '[3]', facts = '[[1],{"a":2}]', id = 7`)
    assert.deepEqual(await items(), [{ item: 3, id: 7 }])
    assert.deepEqual(await leaves(), [
      { path: '["a"]', value: 2 },
      { path: "[]", value: 1 },
    ])
    await execute(database.url, "UPDATE notes SET tags = NULL, facts = NULL")
    assert.deepEqual([...(await items()), ...(await leaves())], [])
    await execute(database.url, `UPDATE notes SET tags = '[3]', facts = '1'`)
    await execute(database.url, "DELETE FROM notes")
    assert.deepEqual([...(await items()), ...(await leaves())], [])
  })
})
