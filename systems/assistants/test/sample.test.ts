import assert from "node:assert/strict"
import { after, before, it } from "node:test"
import { ConflictError } from "rootstock"
import { Passwords } from "rootstock/shared"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import { assistants } from "../index.ts"
import { samplePassword, samplePasswordHash } from "../sample/data.ts"
import { tenant } from "../tenancy.ts"
import { expectAnswer } from "./fixtures.ts"
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
    assert.deepEqual(counts, { organizations: 2, roles: 4, users: 8, chats: 11, messages: 30, calendar_events: 3 })
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

  it("has events whose schedules fire them when they are due", async () => {
    const events = await tenant.unbounded(() => app.stores.calendar.list({ orderBy: { nextTriggerAt: "asc" } }))
    // The clock stands at 15:00 of a Wednesday in Moscow.
    assert.deepEqual(
      events.map(({ title, eventType, nextTriggerAt }) => [title, eventType, nextTriggerAt?.toISOString()]),
      [
        ["Call the printers", "one_time", "2026-03-12T08:00:00.000Z"],
        ["Invoice of the printers", "one_time", "2026-03-13T09:00:00.000Z"],
        ["Weekly stand-up", "recurring", "2026-03-16T07:00:00.000Z"],
      ],
    )
    for (const { id, nextTriggerAt } of events) {
      assert.deepEqual((await app.schedules.get(`calendar:${id}`))?.nextAt, nextTriggerAt)
    }
  })

  it("lets its people sign in with the password that the page names", async () => {
    assert.equal(await new Passwords().verify(samplePassword, samplePasswordHash), true)
    const { user } = await expectAnswer(app, 200, "POST", "/auth/login", {
      email: "anna@polar-star.example",
      password: samplePassword,
    })
    assert.deepEqual([user.username, user.is_admin], ["anna", true])
  })

  it("refuses a database that has rows", async () => {
    await assert.rejects(assistants.loadSample(app.database, app.context), ConflictError)
  })
})
