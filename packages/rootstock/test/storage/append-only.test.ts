import assert from "node:assert/strict"
import { it } from "node:test"
import { Storage } from "../../src/index.ts"
import { identity, integer, table, text } from "../../src/schema/index.ts"
import { forEachDatabase, refuses } from "./support.ts"

const boxes = table("boxes", { id: identity(), label: text() })
const moves = table(
  "moves",
  { id: identity(), boxId: integer().references(() => boxes.id, { onDelete: "cascade" }), to: text() },
  { appendOnly: { parent: "boxId" } },
)

forEachDatabase({ boxes, moves }, (place) => {
  it("refuses changes of an append-only table alike, and lets its rows go with their parent", async () => {
    const store = place.db.storages({ boxes: Storage(boxes), moves: Storage(moves) })
    const box = await store.boxes.create({ label: "a" })
    const move = await store.moves.create({ boxId: box.id, to: "shelf" })
    const refused = { code: "CHECK", table: "moves", constraint: "moves_append_only" }
    await refuses(store.moves.update(move.id, { to: "floor" }), refused)
    await refuses(store.moves.delete(move.id), refused)
    assert.equal(await store.moves.count(), 1)
    await store.boxes.delete(box.id)
    assert.equal(await store.moves.count(), 0)
  })
})
