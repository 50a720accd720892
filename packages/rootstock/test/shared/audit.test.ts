import assert from "node:assert/strict"
import { it } from "node:test"
import { openDatabase, transaction } from "../../src/index.ts"
import { withRequestId } from "../../src/log/index.ts"
import { createSchema } from "../../src/migrate/index.ts"
import { AuditStorage, actAs, sharedTables } from "../../src/shared/index.ts"
import { forEachEngine } from "../support/index.ts"

forEachEngine((engine) => {
  it("records who changed what under which request, masks secrets, and is never changed again", async () => {
    await using place = await engine.temporaryDatabase()
    await createSchema(place.url, sharedTables)
    await using database = await openDatabase(place.url, { tables: sharedTables })
    const audit = database.storage(AuditStorage)
    const before = {
      id: 7,
      passwordHash: "old",
      apiToken: null,
      tokenBudget: 1_000,
      madeAt: new Date("2026-03-11T12:00:00Z"),
      parts: [{ secretKey: "s" }],
    }
    await withRequestId("request-1", () =>
      actAs({ kind: "api_key", id: "key-1" }, () =>
        audit.record({
          action: "users.update",
          entity: "users",
          entityId: 7,
          before,
          after: { ...before, passwordHash: "new" },
        }),
      ),
    )
    await audit.record({ action: "users.sweep", entity: "users", entityId: "all" })
    const [first, second] = await audit.list()
    const json = {
      id: 7,
      password_hash: "***",
      api_token: null,
      token_budget: 1_000,
      made_at: "2026-03-11T12:00:00.000Z",
      parts: [{ secret_key: "***" }],
    }
    assert.deepEqual(
      [first?.actorKind, first?.actorId, first?.entityId, first?.requestId],
      ["api_key", "key-1", "7", "request-1"],
    )
    assert.deepEqual([first?.before, first?.after], [json, json])
    assert.deepEqual(
      [second?.actorKind, second?.actorId, second?.before, second?.requestId],
      ["system", null, null, null],
    )
    await assert.rejects(audit.update(first!.id, { action: "nothing" }))
    await assert.rejects(audit.delete(first!.id))
  })

  it("goes with the transaction of the change", async () => {
    await using place = await engine.temporaryDatabase()
    await createSchema(place.url, sharedTables)
    await using database = await openDatabase(place.url, { tables: sharedTables })
    const audit = database.storage(AuditStorage)
    const failing = transaction(async () => {
      await audit.record({ action: "a", entity: "b", entityId: 1 })
      throw new Error("rolled back")
    })
    await assert.rejects(failing, /rolled back/)
    assert.equal(await audit.count(), 0)
  })
})
