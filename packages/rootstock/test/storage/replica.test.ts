import assert from "node:assert/strict"
import { it } from "node:test"
import { openDatabase, Storage, transaction } from "../../src/index.ts"
import { createSchema } from "../../src/migrate/index.ts"
import { identity, table, text } from "../../src/schema/index.ts"
import { requireService, temporaryDatabase } from "../support/index.ts"

const notes = table("notes", { id: identity(), content: text() })
const tables = { notes }

requireService("TEST_POSTGRES_URL", "a read replica", () => {
  // Two schemas stand for two servers: what is read shows which of them answered.
  it("answers reads outside transactions, and takes no writes", async () => {
    await using first = await temporaryDatabase("postgres")
    await using second = await temporaryDatabase("postgres")
    for (const { url } of [first, second]) await createSchema(url, tables)
    await using copy = await openDatabase(second.url, { tables })
    await copy.storages({ notes: Storage(notes) }).notes.create({ content: "from the replica" })
    await using db = await openDatabase(first.url, { tables, postgres: { replicaUrl: second.url } })
    const store = db.storages({ notes: Storage(notes) })
    const replica = db.replica.storages({ notes: Storage(notes) })
    await store.notes.create({ content: "from the first" })

    assert.deepEqual(
      (await store.notes.list()).map(({ content }) => content),
      ["from the first"],
    )
    assert.deepEqual(
      (await replica.notes.list()).map(({ content }) => content),
      ["from the replica"],
    )
    await assert.rejects(replica.notes.create({ content: "x" }), /read-only/)
    await assert.rejects(
      transaction(async () => {
        await store.notes.create({ content: "x" })
        await replica.notes.list()
      }),
      { code: "SESSION" },
    )
    assert.equal(await store.notes.count(), 1)
  })
})

it("is the database itself where no replica is named", async () => {
  await using file = await temporaryDatabase("sqlite")
  await createSchema(file.url, tables)
  await using db = await openDatabase(file.url, { tables })
  assert.equal(db.replica, db)
})
