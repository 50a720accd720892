import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { manualClock } from "../../src/clock/index.ts"
import { defineJob, handle } from "../../src/jobs/index.ts"
import { uuidv7 } from "../../src/schema/index.ts"
import { forEachJobs, numbered, until } from "./support.ts"

const plain = defineJob("plain", { queue: "work", payload: numbered })
const present = "2026-01-31T09:00:00.000Z"
const daysAgo = (days: number) => new Date(Date.parse(present) - days * 86_400_000)

describe("old history", () => {
  const clock = manualClock(present)
  forEachJobs((place) => {
    it("is removed by a worker, also where there is more than a portion of it; the rest stays", async () => {
      const jobs = place.open([plain])
      const { dead, errors, inbox } = jobs.store
      const facts = { queue: "work", kind: "plain", lane: 2, attempt: 1, maxAttempts: 1, payload: {} } as const
      const ages = [...Array.from({ length: 1_500 }, () => 11), 9, 0]
      await dead.createMany(
        ages.map((age) => ({ ...facts, reason: "permanent" as const, createdAt: daysAgo(age), diedAt: daysAgo(age) })),
      )
      await errors.createMany([21, 19].map((age) => ({ jobId: uuidv7(), attempt: 1, error: "no", at: daysAgo(age) })))
      await inbox.createMany([31, 29].map((age) => ({ consumer: "a", messageId: String(age), at: daysAgo(age) })))
      await place.work(jobs, [handle(plain, () => undefined)], { keepDays: { dead: 10, errors: 20, inbox: 30 } })
      await until(async () => (await inbox.count()) === 1, "it is removed")
      assert.deepEqual(
        (await dead.list({ orderBy: { diedAt: "asc" } })).map(({ diedAt }) => diedAt),
        [daysAgo(9), daysAgo(0)],
      )
      assert.deepEqual(
        (await errors.list()).map(({ at }) => at),
        [daysAgo(19)],
      )
    })
  }, clock)
})
