import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { Storage, withRequestScope } from "../../src/index.ts"
import { forEachDatabase } from "./support.ts"
import { people, tables } from "./tables.ts"

describe("the watch of repeated reads, warning", () => {
  forEachDatabase(
    tables,
    (place) => {
      it("tells of a place once, and lets it read on", async () => {
        const store = place.db.storage(Storage(people))
        const { id } = await store.create({ name: "Ann" })
        await withRequestScope(async () => {
          for (let index = 0; index < 20; index++) assert.equal((await store.get(id))?.name, "Ann")
        })
        assert.equal(place.warnings.length, 1)
        assert.match(place.warnings[0]!, /people\.get ran more than 3 times .*n-plus-one\.test\.ts:\d+.*getMany/)
      })
    },
    { nPlusOne: { mode: "warn", limit: 3 } },
  )
})
