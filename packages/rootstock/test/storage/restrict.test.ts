import assert from "node:assert/strict"
import { it } from "node:test"
import { Storage, transaction } from "../../src/index.ts"
import { identity, integer, table, text } from "../../src/schema/index.ts"
import { forEachDatabase, refuses } from "./support.ts"

const nodes = table("nodes", {
  id: identity(),
  label: text(),
  parentId: integer().nullable().references("id", { as: "parent", many: "children" }),
})
const leaves = table("leaves", {
  id: identity(),
  nodeId: integer().references(() => nodes.id, { deferrable: true }),
})

forEachDatabase({ nodes, leaves }, (place) => {
  it("restricts a delete by what references the row when the statement ends", async () => {
    const store = place.db.storage(Storage(nodes))
    const root = await store.create({ label: "root" })
    await store.create({ label: "twig", parentId: root.id })
    await refuses(store.delete(root.id), { code: "FOREIGN_KEY", columns: ["parentId"] })
    assert.equal(await store.deleteWhere({ label: { in: ["root", "twig"] } }), 2)
  })

  it("restricts it at once where the reference itself may wait for the commit", async () => {
    const store = place.db.storage(Storage(nodes))
    const root = await store.create({ label: "root" })
    await place.db.storage(Storage(leaves)).create({ nodeId: root.id })
    await refuses(
      transaction(async () => {
        await store.delete(root.id)
        assert.fail("the delete itself must be refused")
      }),
      { code: "FOREIGN_KEY" },
    )
  })
})
