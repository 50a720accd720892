import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { Storage } from "../../src/index.ts"
import { choice, identity, integer, json, table, text } from "../../src/schema/index.ts"
import { forEachDatabase, refuses } from "./support.ts"

const parcels = table("parcels", {
  content: text(),
  weight: integer().nullable(),
  facts: json<object>().nullable(),
  id: identity(),
})
const signs = table("signs", { note: text().default("n"), kind: choice("a", "b").primaryKey() })

describe("rows asked for at once by a key that is not the first column", () => {
  forEachDatabase({ parcels, signs }, (place) => {
    const open = () => place.db.storages({ parcels: Storage(parcels), signs: Storage(signs) })

    it("are found", async () => {
      const store = open()
      const made = await store.parcels.createMany([
        { content: "x", facts: { a: [1] } },
        { content: "y", weight: 3 },
      ])
      assert.deepEqual(await Promise.all(made.map(({ id }) => store.parcels.get(id))), made)
      const kinds = await store.signs.createMany([{ kind: "a" }, { kind: "b", note: "m" }])
      assert.deepEqual(await Promise.all(kinds.map(({ kind }) => store.signs.get(kind))), kinds)
    })

    it("do not suffer from one among them that cannot be read", async () => {
      const { parcels: store } = open()
      const [good, bad] = await store.createMany([{ content: "good" }, { content: "bad" }])
      await place.db.execute`UPDATE parcels SET weight = 9007199254740993 WHERE content = 'bad'`
      const [row, failure] = await Promise.allSettled([store.get(good!.id), store.get(bad!.id)])
      assert.deepEqual(row, { status: "fulfilled", value: good })
      await refuses(failure.status === "rejected" ? Promise.reject(failure.reason) : Promise.resolve(), {
        code: "VALIDATION",
        message: "A stored integer is beyond 2^53.",
      })
      await refuses(store.get(bad!.id), { code: "VALIDATION", message: "A stored integer is beyond 2^53." })
    })
  })
})
