import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { DeclarationError } from "../../src/errors/index.ts"
import {
  type AnyTable,
  type AnyTableColumn,
  boolean,
  bytes,
  check,
  choice,
  decimal,
  identity,
  index,
  integer,
  json,
  list,
  now,
  registerTables,
  table,
  text,
  timestamp,
  unique,
} from "../../src/schema/index.ts"

/** What a declaration of plain JavaScript may hold. */
const any = (value: unknown): any => value
const id = identity()
const long = "a".repeat(64)
const users = table("users", { id, name: text(), code: text().unique() })
const register = (...tables: AnyTable[]) =>
  registerTables(Object.fromEntries(tables.map((one, at) => [`table${at}`, one])))

type Refused = [title: string, declare: () => unknown, place: RegExp, cure: RegExp]

const types: Refused[] = [
  ["a decimal without digits", () => decimal(0, 0), /decimal\(0, 0\)/, /precision of 1/],
  ["a decimal with more digits after the point than in all", () => decimal(3, 4), /decimal\(3, 4\)/, /scale/],
  ["a text for no characters", () => text({ max: 0 }), /max: 0/, /from 1/],
  ["a text for half a character", () => text({ max: 1.5 }), /max: 1.5/, /whole number/],
  ["a choice that names a value twice", () => choice("a", "a"), /choice\(a, a\)/, /once/],
  ["a choice of nothing", () => any(choice)(), /choice/, /each value/],
  ["a list of documents", () => list(json()), /list\(json\(\)\)/, /json<T\[\]>/],
  ["a list of lists", () => list(list(text())), /list\(list\(\)\)/, /json<T\[\]>/],
]

const columns: Refused[] = [
  ["a name that is too long", () => table("users", { id, [long]: text() }), new RegExp(`users\\.${long}`), /Shorten/],
  ["a column that PostgreSQL has in every table", () => table("t", { id, ctid: text() }), /t\.ctid/, /another name/],
  ["a key that no object can have", () => table("t", { id, ["__proto__"]: text() }), /__proto__/, /another key/],
  ["a table named as SQLite names its own", () => table("sqlite_things", { id }), /sqlite_things/, /Rename/],
  [
    "a name of more than 63 bytes by its snake_case",
    () => table("users", { id, ["aB".repeat(22)]: text() }),
    /users\.aB/,
    /Shorten|named/,
  ],
  [
    "a name of other characters",
    () => table("users", { id, name: text().named("Full Name") }),
    /users\.name.*Full Name/,
    /lower-case/,
  ],
  [
    "two columns of one name",
    () => table("users", { id, fullName: text(), full: text().named("full_name") }),
    /users\.full:.*full_name/,
    /Rename/,
  ],
  [
    "two columns whose names differ in capitals only",
    () => table("users", { id, name: text(), other: text().named("Name") }),
    /users\.other:.*Name/,
    /Rename/,
  ],
  ["a key that conditions use themselves", () => table("users", { id, or: text() }), /users\.or/, /\.named\("or"\)/],
  [
    "a key that may be null",
    () => table("users", { code: text().primaryKey().nullable() }),
    /users\.code.*null/,
    /Remove/,
  ],
  [
    "a default of a wrong type",
    () => table("users", { id, age: integer().default(any("1")) }),
    /users\.age.*default.*number/,
    /value/,
  ],
  [
    "a default that is too long",
    () => table("users", { id, name: text({ max: 2 }).default("abc") }),
    /users\.name.*longer than 2/,
    /value/,
  ],
  [
    "a default that is no choice",
    () => table("users", { id, role: choice("a").default(any("b")) }),
    /users\.role.*one of a/,
    /value/,
  ],
  [
    "a default of null where null is refused",
    () => table("users", { id, name: text().default(any(null)) }),
    /users\.name.*default.*null/,
    /nullable/,
  ],
  [
    "an update value of a wrong type",
    () => table("users", { id, on: boolean().onUpdate(any(1)) }),
    /users\.on.*onUpdate.*true or false/,
    /value/,
  ],
  [
    "now in a column of text",
    () => table("users", { id, at: text().default(any(now)) }),
    /users\.at.*now/,
    /timestamp/,
  ],
  [
    "a computed column with a default",
    () => table("users", { id, up: text().generated("upper(name)").default("X") }),
    /users\.up/,
    /remove/,
  ],
  [
    "a changed identity",
    () => table("users", { id: any(identity()).default(5) }),
    /users\.id.*identity/,
    /integer\(\)/,
  ],
  ["an identity that may be null", () => table("users", { id: identity().nullable() }), /users\.id/, /Remove|as it is/],
  [
    "an identity beside another key column",
    () => table("users", { id, code: text().primaryKey() }),
    /users\.id.*identity/,
    /integer\(\)/,
  ],
  ["two identities", () => table("users", { id, other: identity() }), /users\.(id|other).*identity/, /integer\(\)/],
]

const tables: Refused[] = [
  ["a name that is too long", () => table(long, { id }), new RegExp(`table ${long}`), /Shorten/],
  ["a name of other characters", () => table("user names", { id }), /table user names/, /lower-case/],
  ["a table without a key", () => table("users", { name: text() }), /table users.*primary key/, /identity\(\)/],
  [
    "an index over a column of no table",
    () => table("users", { id }, () => [index(any({ key: "x", term: { column: "x", direction: "asc" } }))]),
    /table users.*no column x/,
    /one of: id/,
  ],
  [
    "a unique over a column of no table",
    () => table("users", { id }, () => [unique({ key: "x" })]),
    /table users.*no column x/,
    /one of: id/,
  ],
  [
    "an ordered index over a document",
    () => table("users", { id, a: json() }, (t) => [index(t.a)]),
    /users_a_index.*users\.a is json/,
    /contains\(\)/,
  ],
  [
    "an index of what is in a text",
    () => table("users", { id, a: text() }, (t) => [index(t.a).contains()]),
    /users\.a is text/,
    /list\(\) and json\(\)/,
  ],
  [
    "an index of what is in two columns",
    () => table("users", { id, a: json(), b: json() }, (t) => [index(t.a, t.b).contains()]),
    /contains\(\).*several columns/,
    /one column/,
  ],
  [
    "two indexes of one name",
    () => table("users", { id, a: text() }, (t) => [index(t.a), index(t.a.desc())]),
    /two .* named users_a_index/,
    /\.named/,
  ],
  [
    "a check of a decimal in one text for both engines",
    () => table("goods", { id, price: decimal(6, 2).check("price <= 9") }),
    /check goods_price_check.*price, a decimal/,
    /CAST\(price AS REAL\)/,
  ],
  [
    "an index of some rows by a decimal in one text for both engines",
    () => table("goods", { id, price: decimal(6, 2) }, (t) => [index(t.id).where("price > 9")]),
    /index goods_id_where_index.*price, a decimal/,
    /for each engine/,
  ],
  [
    "two checks of one name",
    () => table("users", { id }, () => [check("a", "1 = 1"), check("a", "2 = 2")]),
    /two .* named users_a_check/,
    /Name one/,
  ],
  [
    "a given name that is too long",
    () => table("users", { id, a: text() }, (t) => [index(t.a).named(long)]),
    /longer than 63/,
    /Shorten/,
  ],
  ["an extra that is none", () => table("users", { id }, () => [any({})]), /table users.*extra/, /index\(…\)/],
  [
    "a soft delete without its column",
    () => table("users", { id }, any({ softDelete: "deletedAt" })),
    /softDelete names deletedAt/,
    /timestamp\(\)\.nullable/,
  ],
  [
    "a soft delete that cannot be null",
    () => table("users", { id, at: timestamp() }, { softDelete: "at" }),
    /softDelete names at/,
    /nullable/,
  ],
  [
    "a version that does not count",
    () => table("users", { id, v: text() }, { version: "v" }),
    /version names v/,
    /integer\(\)\.default\(0\)/,
  ],
  [
    "a parent that references nothing",
    () => table("users", { id, a: integer() }, { appendOnly: { parent: "a" } }),
    /appendOnly names the parent a/,
    /references/,
  ],
]

const later = (key: string): AnyTableColumn => any({ table: "users", key })
const references: Refused[] = [
  [
    "a table that is not among them",
    () => register(table("orders", { id, userId: integer().references(() => users.id) })),
    /orders\.userId references users/,
    /Add the table users/,
  ],
  [
    "a column that does not exist",
    () => register(users, table("orders", { id, userId: integer().references(() => later("nope")) })),
    /orders\.userId references users\.nope/,
    /one of: id, name, code/,
  ],
  [
    "a column of the same table that does not exist",
    () => register(table("users", { id, parentId: integer().references("nope") })),
    /users\.parentId references users\.nope/,
    /one of/,
  ],
  [
    "what is undefined when it is asked for",
    () => register(users, table("orders", { id, userId: integer().references(() => any(users)["nope"]) })),
    /orders\.userId references/,
    /column of a table/,
  ],
  [
    "a table that is not loaded yet",
    () => register(users, table("orders", { id, userId: integer().references(() => any(undefined).id) })),
    /orders\.userId references/,
    /import/,
  ],
  [
    "a column that is not unique",
    () => register(users, table("orders", { id, name: text().references(() => users.name) })),
    /orders\.name references users\.name/,
    /unique/,
  ],
  [
    "a column of another type",
    () => register(users, table("orders", { id, userId: text().references(() => users.id) })),
    /orders\.userId is text, but users\.id is integer/,
    /same type/,
  ],
  [
    "null in a column that refuses it, at a delete",
    () => table("orders", { id, userId: integer().references(() => users.id, { onDelete: "set null" }) }),
    /orders\.userId.*set null/,
    /nullable/,
  ],
  [
    "null in a column that refuses it, at an update",
    () => table("orders", { id, userId: integer().references(() => users.id, { onUpdate: "set null" }) }),
    /orders\.userId.*set null/,
    /nullable/,
  ],
  [
    "a default that is not there",
    () => table("orders", { id, userId: integer().references(() => users.id, { onDelete: "set default" }) }),
    /orders\.userId.*set default/,
    /\.default/,
  ],
]

const meeting: Refused[] = [
  ["two tables of one name", () => register(users, table("users", { id })), /named users .*tables\.table1/, /Rename/],
  ["one table twice", () => register(users, users), /named users/, /once/],
  ["what is no table", () => registerTables({ users: any({}) }), /tables\.users/, /table\(…\)/],
  [
    "a relation that meets a column",
    () => register(users, table("orders", { id, user: text(), userId: integer().references(() => users.id) })),
    /orders has two things named user/,
    /`as`/,
  ],
  [
    "relations that meet at the other end",
    () =>
      register(
        users,
        table("orders", {
          id,
          a: integer().references(() => users.id, { many: "same" }),
          b: integer().references(() => users.id, { many: "same" }),
        }),
      ),
    /users has two things named same/,
    /`many`/,
  ],
  [
    "relations of two tables that meet",
    () =>
      register(
        users,
        ...["one", "two"].map((name) => table(name, { id, a: integer().references(() => users.id, { many: "same" }) })),
      ),
    /users has two things named same/,
    /`many`/,
  ],
  [
    "indexes of two tables that have one name",
    () =>
      register(
        table("one", { id, a: bytes() }, (t) => [index(t.a).named("same")]),
        table("two", { id, a: bytes() }, (t) => [index(t.a).named("same")]),
      ),
    /two things named same.*one.*two|same.*two.*one/,
    /\.named/,
  ],
  [
    "two tables whose names differ in capitals only",
    () => register(table("users", { id }), table("Users", { id })),
    /Users/,
    /rename/,
  ],
  [
    "generated names of two tables that meet",
    () =>
      register(
        table("a_b", { id, c: text() }, (t) => [index(t.c)]),
        table("a", { id, bC: text() }, (t) => [index(t.bC)]),
      ),
    /a_b_c_index/,
    /\.named/,
  ],
  [
    "a table that has the name of an index",
    () =>
      register(
        table("a_b_index", { id }),
        table("a", { id, b: text() }, (t) => [index(t.b)]),
      ),
    /a_b_index/,
    /\.named/,
  ],
]

function refuses(title: string, cases: readonly Refused[]): void {
  describe(title, () => {
    for (const [what, declare, place, cure] of cases) {
      it(`refuse ${what}`, () => {
        assert.throws(declare, (error) => {
          assert.ok(error instanceof DeclarationError, String(error))
          assert.match(error.message, place)
          assert.match(error.cure, cure)
          return true
        })
      })
    }
  })
}

refuses("types", types)
refuses("columns", columns)
refuses("tables", tables)
refuses("references", references)
refuses("tables together", meeting)

describe("tables together", () => {
  it("have the relations that follow from their references", () => {
    const chats = table("chats", {
      id,
      ownerId: integer().references(() => users.id, { many: "ownedChats" }),
      editorId: integer()
        .nullable()
        .references(() => users.id, { as: "lastEditor" }),
      parentId: integer().nullable().references("id"),
    })
    const messages = table("messages", { id, chat: integer().references(() => chats.id) })
    const members = table("members", {
      chatId: integer()
        .references(() => chats.id, { across: "chats", many: "chatMembers" })
        .primaryKey(),
      userId: integer()
        .references(() => users.id, { across: "participants" })
        .primaryKey(),
    })
    const { relations, byName } = registerTables({ users, chats, messages, members })
    const of = (name: string) =>
      [...relations.get(byName.get(name)!)!.values()].map((one) => `${one.name}: ${one.kind} ${one.target.name}`).sort()
    assert.deepEqual(of("users"), ["chats: across chats", "members: many members", "ownedChats: many chats"])
    assert.deepEqual(of("chats"), [
      "chatMembers: many members",
      "lastEditor: one users",
      "messages: many messages",
      "owner: one users",
      "parent: one chats",
      "participants: across users",
    ])
    assert.deepEqual(of("messages"), [])
    assert.deepEqual(of("members"), ["chat: one chats", "user: one users"])
  })
})
