import assert from "node:assert/strict"
import { beforeEach, describe, it } from "node:test"
import { sql as raw } from "kysely"
import { Storage } from "../../src/index.ts"
import { identity, integer, table, text } from "../../src/schema/index.ts"
import { forEachDatabase, refuses } from "./support.ts"

/** Two columns that have each other's key as their name in the database. */
const plants = table("flora", {
  id: identity(),
  kind: text().named("type"),
  type: text().named("kind"),
  label: text().default("none"),
})
/** Keys that `plants` has too, with other names in the database. */
const seeds = table("seeds", {
  id: identity(),
  plantId: integer().references(() => plants.id, { onDelete: "cascade" }),
  kind: text().unique(),
  label: text().named("caption").default("none"),
  seedWeight: integer().named("mg").default(1),
})
const tables = { plants, seeds }

describe("columns with names of their own in db.sql", () => {
  forEachDatabase(tables, (place) => {
    let oak: number
    beforeEach(async () => {
      const store = place.db.storages({ plants: Storage(plants), seeds: Storage(seeds) })
      oak = (await store.plants.create({ kind: "tree", type: "oak" })).id
      await store.plants.create({ kind: "herb", type: "sage", label: "green" })
      await store.seeds.create({ plantId: oak, kind: "acorn", label: "brown", seedWeight: 5 })
    })
    const oaks = [{ kind: "tree", type: "oak" }]

    it("are those of the table that is read", async () => {
      const { sql } = place.db
      assert.deepEqual(
        await sql.selectFrom("plants").select(["kind", "type"]).where("kind", "=", "tree").execute(),
        oaks,
      )
      assert.deepEqual(
        await sql.selectFrom("plants as p").select(["p.kind", "p.type"]).orderBy("p.type").limit(1).execute(),
        oaks,
      )
      assert.deepEqual(await sql.selectFrom("seeds").select(["kind", "label", "seedWeight"]).execute(), [
        { kind: "acorn", label: "brown", seedWeight: 5 },
      ])
      assert.deepEqual(await sql.selectFrom("plants").selectAll().where("type", "=", "oak").execute(), [
        { id: oak, kind: "tree", type: "oak", label: "none" },
      ])
    })

    it("are told apart by their tables where several are read", async () => {
      const joined = await place.db.sql
        .selectFrom("seeds as s")
        .innerJoin("plants", "plants.id", "s.plantId")
        .select(["s.kind as seedKind", "plants.kind as plantKind", "type", "s.label", "seedWeight"])
        .where("s.kind", "=", "acorn")
        .where("plants.kind", "=", "tree")
        .where("type", "=", "oak")
        .execute()
      assert.deepEqual(joined, [{ seedKind: "acorn", plantKind: "tree", type: "oak", label: "brown", seedWeight: 5 }])
    })

    it("must be written with their table where they could be of several", async () => {
      const both = place.db.sql.selectFrom("seeds as s").innerJoin("plants as p", "p.id", "s.plantId")
      await refuses(both.select(["p.id"]).where("kind", "=", "acorn").execute(), {
        code: "VALIDATION",
        message: "kind could be s.kind or p.kind, which have different names in the database.",
        cure: /with its table/,
      })
      // The next statement is none the worse for it.
      assert.equal((await both.select(["p.id"]).where("type", "=", "oak").execute()).length, 1)
    })

    it("are written in inserts, updates and what they return", async () => {
      const { sql } = place.db
      const made = await sql
        .insertInto("plants")
        .values({ kind: "fern", type: "bracken" })
        .returning(["kind", "type"])
        .executeTakeFirstOrThrow()
      assert.deepEqual(made, { kind: "fern", type: "bracken" })
      const changed = await sql
        .updateTable("plants")
        .set((eb) => ({ type: "male fern", label: eb.ref("kind") }))
        .where("kind", "=", "fern")
        .returningAll()
        .executeTakeFirstOrThrow()
      assert.deepEqual([changed.kind, changed.type, changed.label], ["fern", "male fern", "fern"])
      const merged = await sql
        .insertInto("seeds")
        .values({ plantId: oak, kind: "acorn", label: "green", seedWeight: 7 })
        .onConflict((conflict) =>
          conflict.column("kind").doUpdateSet((eb) => ({
            label: eb.ref("excluded.label"),
            seedWeight: eb("seeds.seedWeight", "+", eb.ref("excluded.seedWeight")),
          })),
        )
        .returning(["label", "seedWeight"])
        .executeTakeFirstOrThrow()
      assert.deepEqual(merged, { label: "green", seedWeight: 12 })
      await sql
        .updateTable("plants")
        .from("seeds as s")
        .set((eb) => ({ label: eb.ref("s.label"), kind: eb.ref("s.kind") }))
        .whereRef("s.plantId", "=", "plants.id")
        .execute()
      assert.deepEqual(await sql.selectFrom("plants").select(["kind", "label"]).where("id", "=", oak).execute(), [
        { kind: "acorn", label: "green" },
      ])
      await sql.deleteFrom("plants").where("type", "=", "oak").execute()
      assert.equal(await place.db.fetchValue`SELECT count(*) FROM flora WHERE kind = 'oak'`, 0)
    })

    it("are those of a part that is a query", async () => {
      const { sql } = place.db
      const inner = sql.selectFrom("plants").select(["kind", "type", "id"]).where("kind", "=", "tree")
      assert.deepEqual(
        await sql
          .selectFrom((eb) => eb.selectFrom("plants").select(["kind", "type as what"]).as("part"))
          .select(["part.kind", "what"])
          .where("part.kind", "=", "tree")
          .execute(),
        [{ kind: "tree", what: "oak" }],
      )
      // This part is written before the whole is.
      assert.deepEqual(
        await sql.selectFrom(inner.as("part")).select(["kind", "part.type"]).where("type", "=", "oak").execute(),
        oaks,
      )
      assert.deepEqual(
        await sql
          .with("trees", (db) => db.selectFrom("plants").selectAll().where("kind", "=", "tree"))
          .with("named(kindOf, typeOf)", (db) => db.selectFrom("trees").select(["kind as kindOf", "type as typeOf"]))
          .selectFrom("named")
          .innerJoin("trees as t", "t.type", "named.typeOf")
          .select(["t.kind", "type", "kindOf"])
          .execute(),
        [{ kind: "tree", type: "oak", kindOf: "tree" }],
      )
      assert.deepEqual(
        await sql
          .selectFrom("seeds")
          .select("kind")
          .where((eb) =>
            eb.exists(
              eb
                .selectFrom("plants")
                .select("plants.id")
                .whereRef("plants.id", "=", "seeds.plantId")
                .whereRef("seeds.label", "<>", "type"),
            ),
          )
          .execute(),
        [{ kind: "acorn" }],
      )
      assert.deepEqual(
        await sql
          .selectFrom("plants")
          .select(["kind", "type"])
          .where("kind", "=", "herb")
          .unionAll((eb) => eb.selectFrom("seeds").select(["kind", "label as type"]))
          .orderBy("kind")
          .execute(),
        [
          { kind: "acorn", type: "brown" },
          { kind: "herb", type: "sage" },
        ],
      )
    })

    it("give way to the names of results in orders and groups", async () => {
      const { sql } = place.db
      assert.deepEqual(
        await sql
          .selectFrom("plants")
          .select((eb) => [eb.fn("upper", ["label"]).as("kind"), "id"])
          .orderBy("kind", "desc")
          .execute()
          .then((rows) => rows.map((row) => row.kind)),
        ["NONE", "GREEN"],
      )
      // The name of the column `type` is that of a result here.
      assert.deepEqual(
        await sql
          .selectFrom("plants")
          .select((eb) => [eb.ref("label").as("kind"), "id"])
          .orderBy("type", "desc")
          .execute()
          .then((rows) => rows.map((row) => row.kind)),
        ["green", "none"],
      )
      assert.deepEqual(
        await sql
          .selectFrom("plants")
          .select((eb) => [
            "kind",
            eb.fn
              .countAll<number>()
              .over((over) => over.orderBy("kind"))
              .as("rank"),
          ])
          .orderBy("kind")
          .execute(),
        [
          { kind: "herb", rank: 1 },
          { kind: "tree", rank: 2 },
        ],
      )
      assert.deepEqual(
        await sql
          .selectFrom("seeds")
          .select((eb) => [eb.ref("label").as("text"), eb.fn.sum<number>("seedWeight").as("all")])
          .groupBy("label")
          .having("label", "=", "brown")
          .execute()
          .then((rows) => rows.map(({ text, all }) => [text, Number(all)])),
        [["brown", 5]],
      )
    })

    it("can be named in SQL text", async () => {
      const { sql } = place.db
      assert.deepEqual(
        await sql
          .selectFrom("plants as p")
          .select(raw<string>`upper(${raw.ref("p.kind")}) || ${raw.ref("type")}`.as("both"))
          .where(raw<boolean>`${raw.id("p", "kind")} = 'tree'`)
          .execute(),
        [{ both: "TREEoak" }],
      )
      const { rows } =
        await raw`SELECT ${raw.ref("plants.kind")} FROM ${raw.table("plants")} WHERE ${raw.ref("type")} = 'oak'`.execute(
          sql,
        )
      assert.deepEqual(rows, [{ kind: "tree" }])
      await refuses(raw`SELECT ${raw.ref("kind")} FROM flora`.execute(sql), {
        code: "VALIDATION",
        message: /kind could be plants\.kind or seeds\.kind/,
      })
    })
  })
})
