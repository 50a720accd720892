import assert from "node:assert/strict"
import { describe, it } from "node:test"
import {
  type AnyTable,
  definitionOf,
  expression,
  identity,
  index,
  integer,
  list,
  table,
  text,
  timestamp,
  unique,
  uniqueIndex,
} from "../../src/schema/index.ts"

const users = table("users", { id: identity() })
const user = () => integer().references(() => users.id)
const indexesOf = (of: AnyTable) => definitionOf(of).indexes.map(({ name }) => name)

describe("a foreign key", () => {
  it("gets an index", () => {
    assert.deepEqual(indexesOf(table("orders", { id: identity(), userId: user() })), ["orders_user_id_index"])
  })

  it("gets none where something ordered starts with it", () => {
    const columns = { id: identity(), userId: user(), at: timestamp() }
    assert.deepEqual(indexesOf(table("orders", columns, (t) => [index(t.userId, t.at.desc())])), [
      "orders_user_id_at_index",
    ])
    assert.deepEqual(indexesOf(table("orders", columns, (t) => [index(t.userId.desc())])), ["orders_user_id_index"])
    assert.deepEqual(indexesOf(table("orders", columns, (t) => [unique(t.userId, t.at)])), [])
    assert.deepEqual(indexesOf(table("orders", { id: identity(), userId: user().unique() })), [])
    assert.deepEqual(indexesOf(table("orders", { userId: user().primaryKey(), at: timestamp().primaryKey() })), [])
  })

  it("gets one where what has it is partial, or starts with something else", () => {
    const columns = { id: identity(), userId: user(), at: timestamp() }
    const all = (of: AnyTable) => assert.ok(indexesOf(of).includes("orders_user_id_index"), indexesOf(of).join())
    all(table("orders", columns, (t) => [index(t.at, t.userId)]))
    all(table("orders", columns, (t) => [index(t.userId).where("at IS NULL")]))
    all(table("orders", columns, (t) => [unique(t.at, t.userId)]))
    all(table("orders", { at: timestamp().primaryKey(), userId: user().primaryKey() }))
  })
})

describe("constraints and indexes", () => {
  it("have the names of their table and columns unless they are named", () => {
    const definition = definitionOf(
      table(
        "orders",
        {
          id: identity(),
          userId: user(),
          code: text().unique().check("code <> ''").check("length(code) > 2"),
          tags: list(text()),
          createdAt: timestamp(),
        },
        (t) => [
          index(t.createdAt.desc()),
          index(t.code).where("user_id > 5"),
          index(expression("lower(code)")).named("by_lower_code"),
          uniqueIndex(t.userId, t.code),
          unique(t.userId, t.createdAt).where("code = 'x'"),
          index(t.tags).contains(),
          unique(t.userId, t.createdAt).named("one_each_moment"),
        ],
      ),
    )
    assert.deepEqual(definition.uniques, [
      { name: "orders_code_key", columns: ["code"] },
      { name: "one_each_moment", columns: ["userId", "createdAt"] },
    ])
    assert.deepEqual(
      definition.indexes.map(({ name }) => name),
      [
        "orders_created_at_index",
        "orders_code_where_index",
        "by_lower_code",
        "orders_user_id_code_key",
        "orders_user_id_created_at_where_key",
        "orders_tags_index",
      ],
    )
    assert.deepEqual(
      definition.checks.map(({ name }) => name),
      ["orders_code_check", "orders_code_2_check"],
    )
    assert.deepEqual(
      definition.foreignKeys.map(({ name }) => name),
      ["orders_user_id_fkey"],
    )
  })

  it("keep the names that columns and tables had before, and those that they are given", () => {
    const definition = definitionOf(
      table("people", { id: identity(), name: text().was("full_name"), or_: text().named("or") }, { was: "users" }),
    )
    assert.equal(definition.was, "users")
    assert.equal(definition.column.get("name")?.was, "full_name")
    assert.equal(definition.column.get("or_")?.name, "or")
  })

  it("are immutable declarations: every call gives another one", () => {
    const plain = text()
    assert.notEqual(plain.nullable(), plain)
    assert.equal(plain.settings.nullable, false)
    assert.equal(Object.isFrozen(plain.settings), true)
    assert.throws(() => Object.assign(users, { id: 1 }), TypeError)
  })
})
