import assert from "node:assert/strict"
import { describe, it } from "node:test"
import fc from "fast-check"
import pg from "pg"
import { Storage } from "../../src/index.ts"
import { identity, index, integer, json, list, table, text } from "../../src/schema/index.ts"
import { query as queryFile } from "../migrate/support.ts"
import { forEachDatabase } from "./support.ts"

const columns = { tags: list(text()).default([]), counts: list(integer()).default([]), facts: json().nullable() }
const plain = table("plain", { id: identity(), ...columns })
const indexed = table("indexed", { id: identity(), ...columns }, (t) => [
  index(t.tags).contains(),
  index(t.counts).contains(),
  index(t.facts).contains(),
])
/** The key is of two columns. */
const paired = table(
  "paired",
  { left: integer().primaryKey(), right: text().primaryKey(), tags: columns.tags, facts: columns.facts },
  (t) => [index(t.tags).contains(), index(t.facts).contains()],
)
const tables = { plain, indexed, paired }

const scalar = fc.constantFrom<unknown>(0, 1, 1.5, -3, 1e21, true, false, null, "", "x", "true", "null", "1", "x.y")
const { document } = fc.letrec((tie) => ({
  document: fc.oneof({ maxDepth: 3, depthSize: "small" }, scalar, tie("object"), tie("array")),
  object: fc.dictionary(fc.constantFrom("a", "b", "c.d", 'e"f', "g[0]"), tie("document"), { maxKeys: 3 }),
  array: fc.array(tie("document"), { maxLength: 3 }),
}))
const texts = fc.array(fc.constantFrom("", "x", "X", 'y"z', "NULL", "\\", "ж"), { maxLength: 4 })
const counts = fc.array(fc.constantFrom(0, 1, -1, Number.MAX_SAFE_INTEGER), { maxLength: 4 })
const rowsOf = fc.array(
  fc.record({ tags: texts, counts, facts: fc.option(document as fc.Arbitrary<unknown>, { nil: null }) }),
  { minLength: 20, maxLength: 20 },
)

/** Every part of a document, and itself. */
function partsOf(value: unknown): unknown[] {
  if (typeof value !== "object" || value === null) return [value]
  const items = Object.values(value)
  const inside = items.flatMap(partsOf)
  const within = Array.isArray(value)
    ? inside.map((part) => [part])
    : Object.entries(value).flatMap(([key, item]) => partsOf(item).map((part) => ({ [key]: part })))
  return [value, ...inside, ...within]
}

describe("contains indexes", () => {
  forEachDatabase(tables, (place) => {
    const open = () => place.db.storages({ plain: Storage(plain), indexed: Storage(indexed), paired: Storage(paired) })

    it("find the same rows as a look at each", async () => {
      const store = open()
      await fc.assert(
        fc.asyncProperty(
          rowsOf,
          rowsOf,
          fc.array(document as fc.Arbitrary<unknown>, { maxLength: 5 }),
          async (rows, later, others) => {
            for (const one of [store.plain, store.indexed]) {
              await one.deleteWhere({})
              const made = await one.createMany(rows)
              // Updates and deletes must reach the index too.
              await one.updateMany(made.slice(0, 10).map(({ id }, at) => ({ id, ...later[at]! })))
              await one.deleteWhere({ id: made.slice(8, 12).map(({ id }) => id) })
            }
            await store.paired.deleteWhere({})
            const kept = await store.indexed.list({ orderBy: { id: "asc" } })
            await store.paired.createMany(
              kept.map(({ tags, facts }, at) => ({ left: at >> 1, right: String(at & 1), tags, facts })),
            )
            const places = (found: readonly { id: number }[], all: readonly { id: number }[]) =>
              found.map(({ id }) => all.findIndex((row) => row.id === id))
            const everything = await store.plain.list({ orderBy: { id: "asc" } })
            const compare = async (where: Parameters<typeof store.plain.list>[0]) => {
              const expected = places(await store.plain.list(where), everything)
              assert.deepEqual(places(await store.indexed.list(where as never), kept), expected, JSON.stringify(where))
              if (JSON.stringify(where).includes("counts")) return
              const found = await store.paired.list({ ...(where as object), orderBy: { left: "asc", right: "asc" } })
              assert.deepEqual(
                found.map(({ left, right }) => left * 2 + Number(right)),
                expected,
                JSON.stringify(where),
              )
            }
            const parts = [...rows, ...later]
              .slice(5, 15)
              .flatMap(({ facts }) => (facts === null ? [] : partsOf(facts)))
            for (const part of new Map([...parts, ...others, {}, []].map((one) => [JSON.stringify(one), one])).values())
              if (part !== null) await compare({ where: { facts: { has: part } }, orderBy: { id: "asc" } })
            for (const tag of ["", "x", "ж", "none"])
              await compare({ where: { tags: { has: tag } }, orderBy: { id: "asc" } })
            for (const count of [0, -1, Number.MAX_SAFE_INTEGER])
              await compare({ where: { counts: { has: count } }, orderBy: { id: "asc" } })
          },
        ),
        { numRuns: 5 },
      )
    })

    it("are what the engines find the rows by", async (t) => {
      const { url, db } = place
      if (url === undefined) return t.skip("what a file does, memory does")
      const store = open()
      await store.indexed.createMany(Array.from({ length: 200 }, (_, at) => ({ tags: [`t${at}`], facts: { at } })))
      const statements: string[] = []
      const stop = db.on("query", ({ sql }) => statements.push(sql))
      assert.equal((await store.indexed.list({ where: { tags: { has: "t7" } } })).length, 1)
      assert.equal((await store.indexed.list({ where: { facts: { has: { at: 7 } } } })).length, 1)
      stop()
      const [byTag, byFact] = await Promise.all(statements.map((sql) => planOf(url, sql)))
      if (url.startsWith("sqlite:")) {
        assert.match(byTag!, /SEARCH .* USING INTEGER PRIMARY KEY \(rowid=\?\)/)
        assert.match(byTag!, /SEARCH indexed_tags_items USING PRIMARY KEY \(item=\?\)/)
        assert.match(byFact!, /SEARCH .* USING INTEGER PRIMARY KEY \(rowid=\?\)/)
        assert.match(byFact!, /SEARCH indexed_facts_items USING PRIMARY KEY \(path=\? AND value=\?\)/)
        return
      }
      assert.match(byTag!, /Bitmap Index Scan on indexed_tags_index/)
      assert.match(byFact!, /Bitmap Index Scan on indexed_facts_index/)
    })
  })
})

/** The plan of a statement, whatever its values. */
async function planOf(url: string, sql: string): Promise<string> {
  if (url.startsWith("sqlite:")) {
    return (await queryFile(url, `EXPLAIN QUERY PLAN ${sql.replace(/rootstock_json_contains/g, "max")}`))
      .map(({ detail }) => detail)
      .join("\n")
  }
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(`SET search_path = ${new URL(url).searchParams.get("schema")}`)
    // A table of a few rows would be read whole.
    await client.query("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan")
    await client.query(`PREPARE explained AS ${sql}`)
    const { rows } = await client.query("EXPLAIN EXECUTE explained(NULL)")
    return rows.map((line) => line["QUERY PLAN"]).join("\n")
  } finally {
    await client.end()
  }
}
