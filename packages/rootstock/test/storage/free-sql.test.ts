import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { Storage, transaction } from "../../src/index.ts"
import { forEachDatabase, refuses } from "./support.ts"
import { labels, people, tables } from "./tables.ts"

describe("free SQL", () => {
  forEachDatabase(tables, (place) => {
    const open = () => place.db.storage(Storage(people))
    const fill = () =>
      open().createMany([
        {
          name: "Ann",
          email: "a@x",
          score: "1.5",
          total: 2n ** 62n,
          tags: ["x", "y"],
          facts: { b: [1], a: null },
          bornAt: new Date("1990-01-01T00:00:00Z"),
        },
        { name: "Bob", isActive: false, weight: 0.5 },
      ])

    it("gives the rows of a table as its storage does", async () => {
      const rows = await fill()
      assert.deepEqual(await place.db.fetch`SELECT * FROM people ORDER BY id`, rows)
      assert.deepEqual(await place.db.fetchRow`SELECT * FROM people ORDER BY id DESC`, rows[1])
      assert.equal(await place.db.fetchRow`SELECT * FROM people WHERE name = ${"nobody"}`, undefined)
      assert.deepEqual(await place.db.fetch`SELECT p.team_id, p.is_active AS active FROM people AS p ORDER BY p.id`, [
        { teamId: null, active: true },
        { teamId: null, active: false },
      ])
    })

    it("gives computed values with names in camelCase", async () => {
      await fill()
      assert.deepEqual(
        await place.db
          .fetch`SELECT count(*) AS row_count, min(name) AS first_name, 1 + 1 AS two, NULL AS no_value FROM people`,
        [{ rowCount: 2, firstName: "Ann", two: 2, noValue: null }],
      )
      assert.equal(await place.db.fetchValue`SELECT count(*) FROM people`, 2)
      assert.equal(await place.db.fetchValue`SELECT sum(level) FROM people`, 2)
      assert.equal(await place.db.fetchValue`SELECT total FROM people ORDER BY id`, 2n ** 62n)
      assert.equal(await place.db.fetchValue`SELECT name FROM people WHERE id = ${-1}`, undefined)
      await refuses(place.db.fetchValue`SELECT 9007199254740993`, { code: "VALIDATION", message: /beyond 2\^53/ })
    })

    it("binds every value, and gives the count of changes", async () => {
      const [ann, bob] = await fill()
      const evil = "'; DELETE FROM people; --"
      assert.equal(await place.db.execute`UPDATE people SET name = ${evil} WHERE id = ${ann!.id}`, 1)
      assert.equal((await open().getOrFail(ann!.id)).name, evil)
      assert.equal(
        await place.db
          .execute`UPDATE people SET is_active = ${true}, born_at = ${new Date("2001-02-03T04:05:06.007Z")}, email = ${null}, total = ${5n}`,
        2,
      )
      const changed = await open().getOrFail(bob!.id)
      assert.deepEqual(
        [changed.isActive, changed.bornAt, changed.email, changed.total],
        [true, new Date("2001-02-03T04:05:06.007Z"), null, 5n],
      )
      assert.equal(await place.db.execute`DELETE FROM people WHERE name = ${evil}`, 1)
      assert.equal(await place.db.execute`DELETE FROM people WHERE name = ${evil}`, 0)
      assert.deepEqual(await place.db.fetch`INSERT INTO labels (name) VALUES (${"x"}) RETURNING name`, [{ name: "x" }])
      await refuses(() => place.db.fetch("SELECT 1" as never), { code: "VALIDATION", message: /tagged template/ })
      await refuses(() => place.db.fetch(["SELECT 1"] as never), { code: "VALIDATION", message: /tagged template/ })
    })

    it("speaks Kysely by the keys of tables and columns", async () => {
      const [ann, bob] = await fill()
      const { sql } = place.db
      assert.deepEqual(
        await sql.selectFrom("people").select(["id", "isActive", "tags"]).where("isActive", "=", true).execute(),
        [{ id: ann!.id, isActive: true, tags: ["x", "y"] }],
      )
      const updated = await sql
        .updateTable("people")
        .set({ level: 7, isActive: true })
        .where("id", "=", bob!.id)
        .executeTakeFirst()
      assert.equal(updated.numUpdatedRows, 1n)
      assert.equal((await open().getOrFail(bob!.id)).level, 7)
      const made = await sql.insertInto("labels").values({ name: "y" }).returning(["name"]).executeTakeFirstOrThrow()
      assert.deepEqual(made, { name: "y" })
      const joined = await sql
        .selectFrom("people as p")
        .leftJoin("teams as t", "t.id", "p.teamId")
        .select(["p.name as personName", "t.name as teamName"])
        .orderBy("p.id")
        .execute()
      assert.deepEqual(joined, [
        { personName: "Ann", teamName: null },
        { personName: "Bob", teamName: null },
      ])
      const deleted = await sql.deleteFrom("people").executeTakeFirst()
      assert.equal(deleted.numDeletedRows, 2n)
      await refuses(
        sql.transaction().execute(async () => 1),
        { code: "SESSION", cure: /transaction\(…\)/ },
      )
    })

    it("runs all statements of one text, or none", async () => {
      const { db } = place
      await db.execute`INSERT INTO labels (name) VALUES ('a;'); -- the second
        INSERT INTO labels (name) VALUES ('b'), ('c');`
      assert.equal(await db.fetchValue`SELECT count(*) FROM labels`, 3)
      await assert.rejects(db.execute`INSERT INTO labels (name) VALUES ('d'); INSERT INTO labels (name) VALUES ('a;')`)
      assert.equal(await db.fetchValue`SELECT count(*) FROM labels`, 3)
      assert.deepEqual(await db.fetch`SELECT 1 AS x; SELECT name FROM labels WHERE name = 'b'`, [{ name: "b" }])
      await refuses(db.execute`INSERT INTO labels (name) VALUES (${"d"}); DELETE FROM labels`, { code: "QUERY" })
      assert.equal(await db.fetchValue`SELECT count(*) FROM labels`, 3)
    })

    it("neither begins nor ends a transaction", async () => {
      const { db } = place
      const store = db.storages({ labels: Storage(labels) })
      await refuses(db.execute`BEGIN`, { code: "SESSION", message: "db.execute was given BEGIN." })
      await refuses(db.execute`/* x */ SAVEPOINT a`, { code: "SESSION" })
      await refuses(db.execute`DELETE FROM labels; BEGIN`, { code: "SESSION" })
      const beside = [1, 2].map((number) => store.labels.create({ name: `beside ${number}` }))
      // PostgreSQL commits it as it stands there; what was written beside it is written once on both.
      await db.execute`DELETE FROM people; COMMIT`.catch(() => undefined)
      assert.equal((await Promise.all(beside)).length, 2)
      assert.equal(await db.execute`DELETE FROM labels`, 2)
      await store.labels.create({ name: "kept" })
      assert.equal(await db.fetchValue`SELECT count(*) FROM labels`, 1)
      for (const end of [() => db.execute`COMMIT`, () => db.execute`ROLLBACK`]) {
        await assert.rejects(
          transaction(async () => {
            await store.labels.create({ name: "undone" })
            await refuses(end(), { code: "SESSION" })
            throw new Error("mine")
          }),
          { message: "mine" },
        )
      }
      await assert.rejects(
        transaction(async () => {
          await refuses(db.execute`DELETE FROM people; COMMIT`, { code: "SESSION" })
          await refuses(store.labels.create({ name: "outside" }), { code: "SESSION" })
        }),
      )
      assert.equal(await db.fetchValue`SELECT count(*) FROM labels`, 1)
    })

    it("runs in the ambient transaction", async () => {
      await fill()
      await assert.rejects(
        transaction(async () => {
          await place.db.execute`DELETE FROM people`
          await place.db.sql.insertInto("labels").values({ name: "gone" }).execute()
          assert.equal(await place.db.fetchValue`SELECT count(*) FROM people`, 0)
          assert.equal(await place.db.fetchValue`SELECT count(*) FROM labels`, 1)
          throw new Error("undone")
        }),
        /undone/,
      )
      assert.equal(await place.db.fetchValue`SELECT count(*) FROM people`, 2)
      assert.equal(await place.db.fetchValue`SELECT count(*) FROM labels`, 0)
    })
  })
})
