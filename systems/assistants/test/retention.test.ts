import assert from "node:assert/strict"
import { it } from "node:test"
import { uuidv7 } from "rootstock/schema"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import { Retention } from "../services/retention.ts"
import { tenant } from "../tenancy.ts"
import { makeOrganization } from "./fixtures.ts"
import { openAssistants } from "./support.ts"

const day = 24 * 3_600_000

forEachEngine((engine) => {
  it("removes what is over, in portions, and nothing else", async () => {
    await using app = await openAssistants(engine)
    const first = await makeOrganization(app)
    const second = await makeOrganization(app)
    const { stores, clock } = app
    const ago = (ms: number) => new Date(clock.now().getTime() - ms)
    const count = 7
    await tenant.unbounded(async () => {
      for (const { id: userId, orgId } of [first, second]) {
        const chat = await tenant.run(orgId, () => stores.chats.getMainChat(userId))
        const chatId = chat?.id as string
        for (let seq = 1; seq <= count; seq++) {
          const event = { chatId, kind: "created", messageId: uuidv7() } as const
          await stores.chatEvents.create({ ...event, seq, createdAt: ago(7 * day + seq) })
          await stores.chatEvents.create({ ...event, seq: 100 + seq, createdAt: ago(7 * day - seq) })
          const logged = { userId, channelType: "in_app", status: "sent" } as const
          await stores.notificationLog.create({ ...logged, dedupeKey: `old:${seq}`, createdAt: ago(180 * day + seq) })
          await stores.notificationLog.create({ ...logged, dedupeKey: `new:${seq}`, createdAt: ago(180 * day - seq) })
          for (const [name, expiresAt] of [
            ["old", ago(seq - 1)],
            ["new", ago(-seq)],
          ] as const) {
            const tokenHash = `${name}:${userId}:${seq}`
            await stores.refreshTokens.create({ tokenHash, userId, family: uuidv7(), expiresAt })
            await stores.linkTokens.create({ tokenHash, subjectId: userId, purpose: "test", expiresAt })
          }
        }
      }
    })
    await new Retention({ database: app.database, clock, log: app.context.log }, { portion: 3 }).run()
    await tenant.unbounded(async () => {
      const seqs = (await stores.chatEvents.list()).map(({ seq }) => seq)
      assert.deepEqual([seqs.length, seqs.every((seq) => seq > 100)], [2 * count, true])
      const keys = (await stores.notificationLog.list()).map(({ dedupeKey }) => dedupeKey ?? "")
      assert.deepEqual([keys.length, keys.every((key) => key.startsWith("new:"))], [2 * count, true])
      // Beside those of the two who are signed in.
      const refresh = (await stores.refreshTokens.list()).map(({ tokenHash }) => tokenHash)
      assert.deepEqual([refresh.length, refresh.some((key) => key.startsWith("old:"))], [2 * count + 2, false])
      const links = (await stores.linkTokens.list()).map(({ tokenHash }) => tokenHash)
      assert.deepEqual([links.length, links.every((key) => key.startsWith("new:"))], [2 * count, true])
    })
  })

  it("is done day by day", async () => {
    await using app = await openAssistants(engine)
    const admin = await makeOrganization(app)
    const logged = { userId: admin.id, channelType: "in_app", status: "sent" } as const
    await tenant.run(admin.orgId, () => app.stores.notificationLog.create(logged))
    // Its schedules are stored, and fire when this test says so.
    await app.scheduler.start()
    await app.scheduler.stop()
    app.clock.advance(181 * day)
    await app.scheduler.fireDue()
    await app.work()
    assert.equal(await tenant.unbounded(() => app.stores.notificationLog.count()), 0)
  })
})
