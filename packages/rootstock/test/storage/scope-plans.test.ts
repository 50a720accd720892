import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { organisation, plainStorages, scopedStorages, tables } from "./scope-tables.ts"
import { plainSql } from "./sql.ts"
import { forEachDatabase } from "./support.ts"

const orgs = Array.from({ length: 10 }, (_, at) => `00000000-0000-7000-8000-00000000001${at}`)

describe("statements of storages in a scope", () => {
  forEachDatabase(tables, (place) => {
    it("read the newest page of a chat by its index, and the parent by its key", async () => {
      const { db } = place
      const plain = db.storages(plainStorages)
      await plain.organizations.createMany(orgs.map((id) => ({ id, name: id })))
      await plain.chats.createMany(
        Array.from({ length: 20 }, (_, at) => ({ id: at + 1, orgId: orgs[at % 10] as string, title: `${at}` })),
      )
      await plain.messages.createMany(
        Array.from({ length: 8_000 }, (_, at) => ({ chatId: 1 + (at % 20), code: `${at}`, body: "x".repeat(100) })),
        { returning: false },
      )
      await db.execute`ANALYZE`
      let statement = ""
      const stop = db.on("query", ({ sql }) => {
        statement = sql
      })
      await organisation.run(orgs[0] as string, () =>
        db.storages(scopedStorages).messages.list({ where: { chatId: 1 }, orderBy: { createdAt: "desc" }, limit: 50 }),
      )
      stop()
      const values = ["1", `'${orgs[0]}'`, "50"]
      const filled = statement.replace(/[?$](\d+)/g, (_, place) => values[Number(place) - 1] as string)
      const isSqlite = db.version.startsWith("SQLite")
      const how = isSqlite ? "EXPLAIN QUERY PLAN" : "EXPLAIN"
      const plan = (await db.fetch(plainSql(`${how} ${filled}`))).map((row) => Object.values(row).join(" ")).join("\n")
      assert.match(plan, /messages_chat_id_created_at_index/)
      // The index gives the order, too: only rows of one time are sorted by their keys.
      assert.match(plan, isSqlite ? /SEARCH messages/ : /Presorted Key: messages.created_at/)
      assert.doesNotMatch(plan, /(seq )?scan (on )?messages/i)
    })
  })
})
