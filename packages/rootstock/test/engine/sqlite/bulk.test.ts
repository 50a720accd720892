import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { openDatabase, Storage } from "../../../src/index.ts"
import { createSchema } from "../../../src/migrate/index.ts"
import { identity, integer, table } from "../../../src/schema/index.ts"
import { temporaryDatabase } from "../../support/index.ts"

const points = table("points", { id: identity(), x: integer(), y: integer().default(0) })

describe("bulk writes of any number of rows", () => {
  it("need few different statements, and keep their order", async () => {
    await using place = await temporaryDatabase("sqlite")
    await createSchema(place.url, { points })
    await using db = await openDatabase(place.url, { tables: { points } })
    const store = db.storage(Storage(points))
    const statements = new Set<string>()
    db.on("query", ({ sql }) => void statements.add(sql))
    let next = 0
    for (let count = 1; count <= 400; count += 3) {
      const rows = await store.createMany(Array.from({ length: count }, () => ({ x: next++ })))
      assert.deepEqual(
        rows.map(({ x }) => x),
        Array.from({ length: count }, (_, index) => next - count + index),
      )
      assert.equal(await store.updateMany(rows.map(({ id, x }) => ({ id, y: -x }))), count)
    }
    assert.equal(await store.count({ y: { gt: 0 } }), 0)
    assert.ok(statements.size < 60, `${statements.size} statements`)
  })
})
