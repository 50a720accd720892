import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { organisation, scopedStorages, tables } from "./scope-tables.ts"
import { forEachDatabase } from "./support.ts"

const a = "00000000-0000-7000-8000-00000000000a"
const b = "00000000-0000-7000-8000-00000000000b"

describe("storages in a scope", () => {
  forEachDatabase(tables, (place) => {
    it("smoke", async () => {
      const store = place.db.storages(scopedStorages)
      await organisation.run(a, () => store.organizations.create({ name: "A" }))
      await organisation.run(b, () => store.organizations.create({ name: "B" }))
      const chat = await organisation.run(a, () => store.chats.create({ title: "x" }))
      const m = await organisation.run(a, () => store.messages.create({ chatId: chat.id, code: "c", body: "hi" }))
      await assert.rejects(
        organisation.run(b, () => store.messages.create({ chatId: chat.id, code: "d", body: "hi" })),
        { code: "FOREIGN_KEY" },
      )
      assert.equal(await organisation.run(b, () => store.messages.get(m.id)), undefined)
      assert.equal((await organisation.run(a, () => store.messages.get(m.id)))?.id, m.id)
      await organisation.run(a, () => store.messages.upsert({ id: m.id, chatId: chat.id, code: "c", body: "ho" }))
      await assert.rejects(store.chats.get(1), { code: "SCOPE" })
      assert.equal(await organisation.run(b, () => store.messages.updateMany([{ id: m.id, body: "x" }])), 0)
      assert.equal(await organisation.run(a, () => store.messages.updateMany([{ id: m.id, body: "x" }])), 1)
    })
  })
})
