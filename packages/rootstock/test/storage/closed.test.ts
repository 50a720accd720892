import assert from "node:assert/strict"
import { it } from "node:test"
import { openDatabase, Storage, transaction } from "../../src/index.ts"
import { createSchema } from "../../src/migrate/index.ts"
import { identity, table, text } from "../../src/schema/index.ts"
import { forEachEngine } from "../support/index.ts"

const notes = table("notes", { id: identity(), content: text() })

forEachEngine((engine) => {
  it("says that it is closed, whatever is called", async () => {
    await using place = await engine.temporaryDatabase()
    await createSchema(place.url, { notes })
    const db = await openDatabase(place.url, { tables: { notes } })
    const store = db.storages({ notes: Storage(notes) })
    await db.close()
    await db.close()

    const closed = { code: "UNAVAILABLE", message: "The database is closed." }
    await assert.rejects(store.notes.get(1), closed)
    await assert.rejects(store.notes.list(), closed)
    await assert.rejects(store.notes.create({ content: "x" }), closed)
    await assert.rejects(
      transaction(() => store.notes.count()),
      closed,
    )
    await assert.rejects(db.ping(), closed)
  })
})
