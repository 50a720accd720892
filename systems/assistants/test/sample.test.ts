import assert from "node:assert/strict"
import { after, before, it } from "node:test"
import { ConflictError } from "rootstock"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import { assistants } from "../index.ts"
import { tenant } from "../tenancy.ts"
import { openAssistants, type TestAssistants } from "./support.ts"

forEachEngine((engine) => {
  let app: TestAssistants
  let counts: Readonly<Record<string, number>>
  before(async () => {
    app = await openAssistants(engine)
    counts = await assistants.loadSample(app.database, app.context)
  })
  after(() => app[Symbol.asyncDispose]())

  it("loads two organisations with their people, roles, chats and answers that await review", async () => {
    assert.deepEqual(
      { ...counts, calendar_events: 0 },
      {
        organizations: 2,
        roles: 4,
        users: 8,
        chats: 6,
        messages: 30,
        calendar_events: 0,
      },
    )
    const { stores } = app
    await tenant.unbounded(async () => {
      assert.equal(await stores.messages.count(), 30)
      assert.equal(await stores.messages.count({ aiReview: "pending" }), 5)
      const users = await stores.users.list()
      assert.equal(users.length, 8)
      assert.equal(await stores.chats.count({ type: "main" }), 8)
      assert.equal(await stores.channels.count({ channelType: "in_app", isVerified: true }), 8)
      for (const message of await stores.messages.list({ where: { senderType: "ai_role" } })) {
        assert.notEqual(message.runId, null)
        assert.notEqual(message.replyToId, null)
      }
      for (const chat of await stores.chats.list()) {
        assert.equal(await stores.chatEvents.count({ chatId: chat.id }), chat.lastSeq)
      }
    })
  })

  it("refuses a database that has rows", async () => {
    await assert.rejects(assistants.loadSample(app.database, app.context), ConflictError)
  })
})
