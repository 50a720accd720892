import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import { transaction } from "rootstock"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import { notifyDeliver } from "../jobs/definitions.ts"
import type { Notice } from "../notifications/notice.ts"
import { makeOrganization } from "./fixtures.ts"
import { openAssistants, type TestAssistants } from "./support.ts"

forEachEngine((engine) => {
  describe(`telling people of something, ${engine.name}`, () => {
    let assistants: TestAssistants
    let userId: string
    let keys = 0

    before(async () => {
      assistants = await openAssistants(engine)
      userId = (await makeOrganization(assistants)).id
    })
    after(() => assistants[Symbol.asyncDispose]())

    const notice = (more: Partial<Notice> = {}): Notice => ({
      userId,
      dedupeKey: `test:${++keys}`,
      type: "system",
      title: "Title",
      content: null,
      ...more,
    })
    const sent = async (dedupeKey: string) => {
      const rows = await assistants.jobs.store.jobs.list({ where: { kind: notifyDeliver.kind } })
      return rows.map(({ payload }) => payload as Record<string, any>).filter((one) => one["dedupe_key"] === dedupeKey)
    }

    it("sends one job for a notice, however many send it at the same moment", async () => {
      const one = notice()
      const first = await Promise.all([1, 2, 3, 4].map(() => assistants.services.notifier.notify(one)))
      assert.deepEqual(first.filter(Boolean), [true])
      assert.equal((await sent(one.dedupeKey)).length, 1)
      assert.equal(await assistants.services.notifier.notify(one), false)
    })

    it("tells nobody of what was rolled back, and then of what is tried again", async () => {
      const one = notice()
      const rolledBack = transaction(async () => {
        await assistants.services.notifier.notify(one)
        throw new Error("no")
      })
      await assert.rejects(rolledBack, /no/)
      assert.deepEqual(await sent(one.dedupeKey), [])
      assert.equal(await assistants.services.notifier.notify(one), true)
      assert.equal((await sent(one.dedupeKey)).length, 1)
    })

    it("cuts what is too long, never through a character", async () => {
      const one = notice({ title: "🌱".repeat(200), content: "x".repeat(20_000) })
      await assistants.services.notifier.notify(one)
      const [job] = await sent(one.dedupeKey)
      assert.deepEqual([job?.["title"].length, job?.["content"].length], [255, 16_000])
      assert.ok(job?.["title"].isWellFormed())
    })

    it("takes a key of 160 characters", async () => {
      assert.equal(await assistants.services.notifier.notify(notice({ dedupeKey: "k".repeat(160) })), true)
    })
  })
})
