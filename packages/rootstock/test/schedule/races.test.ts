import assert from "node:assert/strict"
import { describe, it } from "node:test"
import fc from "fast-check"
import { manualClock } from "../../src/clock/index.ts"
import { openDatabase, type RootstockError } from "../../src/index.ts"
import { openJobs } from "../../src/jobs/index.ts"
import { createLogger } from "../../src/log/index.ts"
import { createSchema } from "../../src/migrate/index.ts"
import { defineSchedule, firesAfter, openScheduler, openSchedules, parseCron } from "../../src/schedule/index.ts"
import { type Engine, forEachEngine } from "../support/index.ts"
import { remind, report, tables } from "./support/tables.ts"

const minuteMs = 60_000
const start = "2026-01-01T00:00:00Z"

/** Three opened databases on one place, each with its schedules and its scheduler, and one clock for all. */
async function threeOf(engine: Engine) {
  const temporary = await engine.temporaryDatabase()
  await createSchema(temporary.url, tables)
  const clock = manualClock(start)
  const members = await Promise.all(
    [1, 2, 3].map(async () => {
      const db = await openDatabase(temporary.url, { tables, clock })
      const schedules = openSchedules(openJobs(db, { jobs: [report, remind] }))
      return { db, schedules, scheduler: openScheduler(schedules, { batch: 7, log: silent }) }
    }),
  )
  return {
    clock,
    members,
    async [Symbol.asyncDispose]() {
      for (const { db } of members) await db.close()
      await temporary.dispose()
    },
  }
}

const silent = createLogger({ name: "schedules", destination: { write: () => undefined } })

describe("three schedulers at once", () => {
  forEachEngine((engine) => {
    it("make each fire exactly once", async () => {
      await using three = await threeOf(engine)
      const [first] = three.members
      assert(first)
      const crons = ["* * * * *", "*/2 * * * *", "1-59/2 * * * *", "*/5 * * * *"]
      const entries = crons.flatMap((cron, at) =>
        Array.from({ length: 5 }, (_, index) => ({
          key: `cron:${at}:${index}`,
          cron,
          timeZone: "UTC",
          job: report,
          payload: {},
        })),
      )
      await first.schedules.addMany(entries)
      const ones = Array.from({ length: 60 }, (_, index) => ({
        key: `one:${index}`,
        at: new Date(Date.parse(start) + (index % 20) * 30_000),
        job: remind,
        payload: { eventId: index + 1 },
      }))
      await first.schedules.addMany(ones)
      let made = 0
      for (let minute = 0; minute < 20; minute++) {
        three.clock.advance(minuteMs)
        const counts = await Promise.all(three.members.map(({ scheduler }) => scheduler.fireDue()))
        made += counts.reduce((sum, one) => sum + one, 0)
      }
      const fires = await first.schedules.store.fires.list()
      const expected = entries.flatMap(({ key, cron }) => {
        const times: string[] = []
        for (const time of firesAfter(parseCron(cron), "UTC", new Date(start))) {
          if (time > three.clock.now()) break
          times.push(`${key} ${time.toISOString()}`)
        }
        return times
      })
      expected.push(...ones.map(({ key, at }) => `${key} ${at.toISOString()}`))
      const found = fires.map(({ key, fireAt }) => `${key} ${fireAt.toISOString()}`)
      assert.deepEqual(found.sort(), expected.sort())
      assert.equal(made, expected.length)
      const jobs = await first.schedules.jobs.store.jobs.list()
      const shown = (one: { id: string; fireAt: Date | null }) => `${one.id} ${one.fireAt?.toISOString()}`
      assert.deepEqual(jobs.map(shown).sort(), fires.map((fire) => shown({ ...fire, id: fire.jobId })).sort())
    })

    it("declare the same schedules, and make one row of each", async () => {
      await using three = await threeOf(engine)
      const declared = ["a", "b", "c"].map((key) =>
        defineSchedule(key, { cron: "@hourly", timeZone: "UTC", job: report, payload: {} }),
      )
      const schedulers = three.members.map(({ schedules }) => openScheduler(schedules, { declared, log: silent }))
      await Promise.all(schedulers.map((scheduler) => scheduler.start()))
      await Promise.all(schedulers.map((scheduler) => scheduler.stop()))
      const listed = await three.members[0]?.schedules.list()
      assert.deepEqual(
        listed?.schedules.map(({ key, source, state }) => `${key} ${source} ${state}`),
        ["a code active", "b code active", "c code active"],
      )
    })

    it("hold to one job for each fire, whatever people do meanwhile", async () => {
      await using three = await threeOf(engine)
      const { clock, members } = three
      const keys = ["a", "b", "c"]
      const key = fc.constantFrom(...keys)
      const member = fc.constantFrom(...members)
      const input = fc.constantFrom("* * * * *", "*/3 * * * *").map((cron) => {
        return { cron, timeZone: "UTC", job: report, payload: {}, misfire: { all: 5 }, graceMs: 0 } as const
      })
      const step = fc.oneof(
        { weight: 6, arbitrary: fc.record({ member, what: fc.constant("fire" as const) }) },
        {
          weight: 3,
          arbitrary: fc.record({ what: fc.constant("time" as const), minutes: fc.integer({ min: -3, max: 6 }) }),
        },
        fc.record({ member, key, input, what: fc.constantFrom("add" as const, "put" as const) }),
        fc.record({
          member,
          key,
          what: fc.constantFrom(
            "run" as const,
            "replay" as const,
            "pause" as const,
            "resume" as const,
            "remove" as const,
            "at" as const,
          ),
        }),
      )
      type Step = typeof step extends fc.Arbitrary<infer S> ? S : never
      const doStep = async (one: Step): Promise<unknown> => {
        const now = clock.now()
        if (one.what === "time") return clock.advance(one.minutes * minuteMs)
        const { schedules, scheduler } = one.member
        if (one.what === "fire") return scheduler.fireDue()
        if (one.what === "add") return schedules.add(one.key, one.input)
        if (one.what === "put") return schedules.put(one.key, one.input)
        if (one.what === "run") return schedules.runNow(one.key)
        if (one.what === "pause") return schedules.pause(one.key)
        if (one.what === "resume") return schedules.resume(one.key)
        if (one.what === "remove") return schedules.remove(one.key)
        if (one.what === "at") return schedules.change(one.key, { at: new Date(now.getTime() + minuteMs) })
        return schedules.replay(one.key, { from: new Date(now.getTime() - 10 * minuteMs), to: now })
      }
      const allowed = new Set(["NOT_FOUND", "UNIQUE"])
      const store = members[0]?.schedules.store
      const jobs = members[0]?.schedules.jobs.store.jobs
      assert(store && jobs)
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(step, { minLength: 1, maxLength: 5 }), { maxLength: 12 }),
          async (rounds) => {
            clock.set(start)
            for (const round of rounds) {
              const outcomes = await Promise.allSettled(round.map(doStep))
              for (const outcome of outcomes) {
                if (outcome.status === "rejected" && !allowed.has((outcome.reason as RootstockError).code))
                  throw outcome.reason
              }
            }
            const fires = await store.fires.list()
            const shown = (id: string, at: Date | null) => `${id} ${at?.toISOString()}`
            assert.deepEqual(
              (await jobs.list()).map(({ id, fireAt }) => shown(id, fireAt)).sort(),
              fires.map(({ jobId, fireAt }) => shown(jobId, fireAt)).sort(),
            )
            await jobs.deleteWhere({})
            await store.fires.deleteWhere({})
            await store.schedules.deleteWhere({})
          },
        ),
        { numRuns: 40 },
      )
    })
  })
})
