import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { CheckError, ForeignKeyError, NotNullError, RootstockError, Storage, UniqueError } from "../../src/index.ts"
import { check, identity, integer, table, text } from "../../src/schema/index.ts"
import { forEachDatabase, refuses } from "./support.ts"
import { documents, people, tables, teams } from "./tables.ts"

// Several constraints that one row can break at once.
const strict = table(
  "strict_ones",
  {
    id: identity(),
    a: integer().unique(),
    b: integer().unique(),
    c: text().nullable().check("c <> 'bad'"),
    ownerId: integer()
      .nullable()
      .references(() => people.id, { as: "owner", many: "strictOnes" }),
    otherId: integer()
      .nullable()
      .references(() => people.id, { as: "other", many: "otherOnes", onDelete: "no action" }),
    lateId: integer()
      .nullable()
      .references(() => people.id, { as: "late", many: "lateOnes", deferrable: true, onDelete: "no action" }),
  },
  () => [check("zebra", "a < 100"), check("ant", "b < 100 OR a < 100")],
)
const all = { ...tables, strict }
const missing = 999_999_999

describe("errors", () => {
  forEachDatabase(all, (place) => {
    const open = () =>
      place.db.storages({
        people: Storage(people),
        documents: Storage(documents),
        teams: Storage(teams),
        strict: Storage(strict),
      })

    it("names the columns and the value of a unique constraint", async () => {
      const { people: store, documents: papers, teams: groups } = open()
      const ann = await store.create({ name: "Ann", email: "a@x" })
      const expected = {
        code: "UNIQUE",
        table: "people",
        columns: ["email"],
        constraint: "people_email_key",
        value: ["a@x"],
        message: /people with the same email exists already/,
        cure: /another value/,
      }
      const error = await refuses(store.create({ name: "Bob", email: "a@x" }), expected)
      assert.ok(error instanceof UniqueError && error.cause !== undefined)
      await refuses(store.createMany([{ name: "Bob", email: "a@x" }]), expected)
      const bob = await store.create({ name: "Bob", email: "b@x" })
      await refuses(store.update(bob.id, { email: "a@x" }), expected)
      await refuses(store.updateWhere({ id: bob.id }, { email: "a@x" }), expected)
      await refuses(store.upsert({ id: bob.id, name: "Bob", email: "a@x" }), expected)
      await refuses(
        store.createMany([
          { name: "c", email: "c@x" },
          { name: "c", email: "c@x" },
        ]),
        { ...expected, value: [] },
      )
      await refuses(store.create({ id: ann.id, name: "z" }), {
        code: "UNIQUE",
        columns: ["id"],
        constraint: "people_pkey",
        value: [ann.id],
      })
      await papers.create({ title: "T", slug: "s", ownerId: ann.id })
      await refuses(papers.create({ title: "U", slug: "s", ownerId: ann.id }), {
        code: "UNIQUE",
        columns: ["ownerId", "slug"],
        value: [ann.id, "s"],
      })
      await refuses(papers.create({ title: "t", slug: "v", ownerId: ann.id }), {
        code: "UNIQUE",
        columns: [],
        table: "documents",
      })
      await groups.create({ name: "red" })
      await refuses(groups.create({ name: "red" }), { code: "UNIQUE", columns: ["name"], value: ["red"] })
    })

    it("names the reference that leads nowhere", async () => {
      const { people: store, documents: papers, strict: several } = open()
      const expected = {
        code: "FOREIGN_KEY",
        table: "people",
        columns: ["bossId"],
        constraint: "people_boss_id_fkey",
        message: /people\.bossId names a row of people that does not exist/,
        cure: /Make the row of people first/,
      }
      const error = await refuses(store.create({ name: "Ann", bossId: missing }), expected)
      assert.ok(error instanceof ForeignKeyError && error.cause !== undefined)
      const ann = await store.create({ name: "Ann" })
      await refuses(store.update(ann.id, { bossId: missing }), expected)
      await refuses(store.upsert({ id: ann.id, name: "Ann", bossId: missing }), expected)
      await refuses(papers.create({ title: "T", slug: "s", ownerId: ann.id, reviewerId: missing }), {
        code: "FOREIGN_KEY",
        columns: ["reviewerId"],
      })
      await refuses(papers.create({ title: "T", slug: "s", ownerId: missing, reviewerId: missing }), {
        code: "FOREIGN_KEY",
        columns: ["ownerId"],
      })
      await refuses(several.create({ a: 1, b: 1, lateId: missing }), { code: "FOREIGN_KEY", columns: ["lateId"] })
      await refuses(
        several.createMany([
          { a: 1, b: 1 },
          { a: 2, b: 2, otherId: missing },
        ]),
        { code: "FOREIGN_KEY", table: "strict_ones", columns: ["otherId"] },
      )
      assert.equal(await several.count(), 0)
    })

    it("names the rows that still reference a row", async () => {
      const { people: store, strict: several } = open()
      const [ann, bob] = await store.createMany([{ name: "Ann" }, { name: "Bob" }])
      await several.create({ a: 1, b: 1, otherId: bob!.id })
      const expected = {
        code: "FOREIGN_KEY",
        table: "strict_ones",
        columns: ["otherId"],
        constraint: "strict_ones_other_id_fkey",
        message: /Rows of strict_ones still reference the row of people/,
        cure: /Delete or change those rows/,
      }
      await refuses(store.delete(bob!.id), expected)
      assert.equal(await store.delete(ann!.id), true)
      await several.updateWhere({}, { otherId: null, ownerId: bob!.id })
      await refuses(store.delete(bob!.id), {
        ...expected,
        columns: ["ownerId"],
        constraint: "strict_ones_owner_id_fkey",
      })
      await refuses(store.deleteWhere({}), { code: "FOREIGN_KEY", columns: ["ownerId"] })
      assert.equal(await store.count(), 1)
    })

    it("names the check, and the column that may not be null", async () => {
      const { people: store, strict: several } = open()
      const error = await refuses(store.create({ name: "Ann", level: 101 }), {
        code: "CHECK",
        table: "people",
        constraint: "people_level_range_check",
        columns: [],
        message: /breaks the check people_level_range_check/,
      })
      assert.ok(error instanceof CheckError && error.cause !== undefined)
      await refuses(several.create({ a: 1, b: 1, c: "bad" }), {
        code: "CHECK",
        constraint: "strict_ones_c_check",
        columns: ["c"],
      })
      const nothing = await refuses(several.create({ a: null as never, b: 1 }), {
        code: "NOT_NULL",
        table: "strict_ones",
        columns: ["a"],
        message: /strict_ones\.a may not be null/,
      })
      assert.ok(nothing instanceof NotNullError)
    })

    it("reports the first of several that a row breaks", async () => {
      const { people: store, strict: several } = open()
      await store.create({ name: "Ann" })
      await several.create({ a: 1, b: 1 })
      await several.create({ a: 2, b: 2 })
      await refuses(several.create({ a: 1, b: 2 }), { code: "UNIQUE", columns: ["a"], value: [1] })
      await refuses(several.create({ a: 2, b: 1 }), { code: "UNIQUE", columns: ["a"], value: [2] })
      await refuses(several.create({ a: 3, b: 1 }), { code: "UNIQUE", columns: ["b"], value: [1] })
      await refuses(several.create({ a: 1, b: 1, c: "bad" }), { code: "CHECK", columns: ["c"] })
      await refuses(several.create({ a: 1, b: 1, ownerId: missing }), { code: "UNIQUE", columns: ["a"] })
      await refuses(several.create({ a: 3, b: 3, c: "bad", ownerId: missing }), { code: "CHECK" })
      await refuses(several.create({ a: 100, b: 100 }), { code: "CHECK", constraint: "strict_ones_ant_check" })
      await refuses(several.create({ a: 100, b: 3 }), { code: "CHECK", constraint: "strict_ones_zebra_check" })
      await several.create({ a: 4, b: 4 })
      const kept = await several.upsert({ a: 4, b: 1, c: "kept" }, { by: ["a"], update: ["c"] })
      assert.deepEqual([kept.a, kept.b, kept.c], [4, 4, "kept"])
      await refuses(several.upsert({ a: 4, b: 1 }, { by: ["a"] }), { code: "UNIQUE", columns: ["b"] })
    })

    it("does not put values of other columns into its message", async () => {
      const { people: store } = open()
      await store.create({ name: "Ann", email: "secret@x" })
      const error = await refuses(store.create({ name: "Bob", email: "secret@x" }), { code: "UNIQUE" })
      assert.ok(!error.message.includes("secret"))
      assert.ok(!String((error.cause as Error).message).includes("secret"))
    })

    it("answers a statement that cannot be run with a query error", async () => {
      const { db } = place
      await refuses(db.fetch`SELECT * FROM no_such_table`, { code: "QUERY" })
      await refuses(db.fetch`SELEC 1`, { code: "QUERY" })
      await refuses(db.execute`UPDATE people SET nope = 1`, { code: "QUERY" })
      const error = await refuses(
        db.execute`INSERT INTO teams (id, name) VALUES (${"018f2a3b-0000-7000-8000-0123456789ab"}, ${null})`,
        { code: "NOT_NULL" },
      )
      assert.ok(error instanceof RootstockError)
    })

    it("runs writes that come together each on its own", async () => {
      const { people: store } = open()
      const outcomes = await Promise.allSettled(
        Array.from({ length: 40 }, (_, index) =>
          store.create({ name: `n${index}`, email: `${index % 25}@x`, level: index === 7 ? 101 : 1 }),
        ),
      )
      const codes = outcomes.map((one) => (one.status === "fulfilled" ? "ok" : (one.reason as RootstockError).code))
      assert.equal(codes.filter((code) => code === "ok").length, 25)
      assert.equal(codes[7], "CHECK")
      assert.equal(codes.filter((code) => code === "UNIQUE").length, 14)
      const stored = await store.list()
      assert.deepEqual(
        stored.map(({ name }) => name).sort(),
        outcomes.flatMap((one) => (one.status === "fulfilled" ? [one.value.name] : [])).sort(),
      )
    })
  })
})
