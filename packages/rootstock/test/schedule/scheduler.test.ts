import assert from "node:assert/strict"
import { beforeEach, describe, it } from "node:test"
import { objectOf } from "../../src/fields/index.ts"
import { transaction } from "../../src/index.ts"
import { defineJob, openJobs } from "../../src/jobs/index.ts"
// What the scheduler does by itself is no part of the public face.
import { fireDue } from "../../src/schedule/fire-due.ts"
import { type DeclaredSchedule, defineSchedule, openScheduler, openSchedules } from "../../src/schedule/index.ts"
import { refuses } from "../storage/support.ts"
import { forEachPlace, start } from "./support/place.ts"
import { greet, remind, report } from "./support/tables.ts"

const hourMs = 3_600_000
const dayMs = 24 * hourMs

const hourly = { cron: "0 * * * *", timeZone: "UTC", job: report, payload: {} } as const
const daily = { cron: "0 0 * * *", timeZone: "UTC", job: report, payload: {} } as const

describe("a scheduler", () => {
  forEachPlace((place) => {
    const { clock } = place
    beforeEach(() => {
      clock.set(start)
      place.lines.length = 0
    })

    it("sends one job at the time, with that time, and none before", async () => {
      const scheduler = place.scheduler()
      await place.schedules.add("greeting", {
        cron: "30 9 * * *",
        timeZone: "Europe/Moscow",
        job: greet,
        payload: { name: "Ann" },
      })
      clock.set("2026-01-01T06:29:59.999Z")
      assert.equal(await scheduler.fireDue(), 0)
      clock.set("2026-01-01T06:30:00Z")
      assert.equal(await scheduler.fireDue(), 1)
      assert.equal(await scheduler.fireDue(), 0)
      assert.deepEqual(await place.sent(), [
        { kind: "greet", fireAt: "2026-01-01T06:30:00.000Z", payload: { name: "Ann" } },
      ])
      const schedule = await place.schedules.get("greeting")
      assert.equal(schedule?.nextAt?.toISOString(), "2026-01-02T06:30:00.000Z")
      assert.equal(schedule?.lastAt?.toISOString(), "2026-01-01T06:30:00.000Z")
      const [fire] = await place.schedules.fires("greeting")
      assert.equal(fire?.cause, "due")
      assert(await place.schedules.jobs.store.jobs.get(fire?.jobId ?? ""))
    })

    it("fires for as long as time goes on, each time once", async () => {
      const scheduler = place.scheduler()
      await place.schedules.add("hourly", hourly)
      for (let minute = 0; minute < 60 * 6; minute += 7) {
        clock.advance(7 * 60_000)
        await scheduler.fireDue()
      }
      assert.deepEqual(await place.times(), [
        "01-01T01:00",
        "01-01T02:00",
        "01-01T03:00",
        "01-01T04:00",
        "01-01T05:00",
        "01-01T06:00",
      ])
    })

    it("fires a schedule of one instant once, which is gone then", async () => {
      const scheduler = place.scheduler()
      await place.schedules.add("calendar:7", {
        at: new Date("2026-01-01T10:00:00.250Z"),
        job: remind,
        payload: { eventId: 7 },
      })
      clock.set("2026-01-01T10:00:00.249Z")
      assert.equal(await scheduler.fireDue(), 0)
      clock.advance(1)
      assert.equal(await scheduler.fireDue(), 1)
      clock.advance(dayMs)
      assert.equal(await scheduler.fireDue(), 0)
      assert.deepEqual(await place.sent(), [
        { kind: "remind", fireAt: "2026-01-01T10:00:00.250Z", payload: { event_id: 7 } },
      ])
      assert.equal(await place.schedules.get("calendar:7"), undefined)
      assert.equal((await place.schedules.fires("calendar:7")).length, 1)
    })

    it("does not fire a time anew that has fired, also where its schedule was made again", async () => {
      const scheduler = place.scheduler()
      const once = { at: new Date("2026-01-01T10:00:00Z"), job: remind, payload: { eventId: 7 } }
      await place.schedules.add("calendar:7", once)
      clock.set("2026-01-01T10:00:00Z")
      await scheduler.fireDue()
      await place.schedules.add("calendar:7", once)
      assert.equal(await scheduler.fireDue(), 0)
      assert.equal((await place.sent()).length, 1)
      assert.equal(await place.schedules.get("calendar:7"), undefined)
    })

    it("fires thousands that are due at one instant", async () => {
      const scheduler = place.scheduler()
      const at = new Date("2026-01-01T09:00:00Z")
      await place.schedules.addMany(
        Array.from({ length: 2_500 }, (_, index) => ({
          key: `r:${index}`,
          at,
          job: remind,
          payload: { eventId: index + 1 },
        })),
      )
      clock.set(at)
      assert.equal(await scheduler.fireDue(), 2_500)
      const sent = await place.sent()
      assert.equal(new Set(sent.map(({ payload }) => JSON.stringify(payload))).size, 2_500)
      assert.equal(await place.schedules.count(), 0)
    })

    describe("after a downtime", () => {
      const missed = async () => {
        const metrics = await place.schedules.metrics()
        const metric = metrics.find(({ name }) => name === "schedule_missed_fires_total")
        const [sample] = metric?.samples ?? []
        assert(sample && "value" in sample)
        return sample.value
      }

      it("skips what is later than the grace, and goes on in step", async () => {
        const before = await missed()
        await place.schedules.add("s", { ...hourly, misfire: "skip", graceMs: 10 * 60_000 })
        clock.set("2026-01-01T05:20:00Z")
        assert.equal(await place.scheduler().fireDue(), 0)
        assert.equal((await missed()) - before, 5)
        clock.set("2026-01-01T06:10:00Z")
        assert.equal(await place.scheduler().fireDue(), 1)
        clock.set("2026-01-01T08:05:00Z")
        assert.equal(await place.scheduler().fireDue(), 1)
        assert.deepEqual(await place.times(), ["01-01T06:00", "01-01T08:00"])
        assert.equal((await missed()) - before, 6)
        assert(place.lines.some((line) => line.includes("The schedule s missed 5 fires")))
      })

      it("fires once for all that were missed, at the latest time, and goes on in step", async () => {
        const before = await missed()
        await place.schedules.add("s", { ...hourly, misfire: "once" })
        clock.set("2026-01-01T05:20:00Z")
        assert.equal(await place.scheduler().fireDue(), 1)
        clock.set("2026-01-01T06:00:00Z")
        assert.equal(await place.scheduler().fireDue(), 1)
        assert.deepEqual(await place.times(), ["01-01T05:00", "01-01T06:00"])
        assert.equal((await missed()) - before, 4)
      })

      it("fires each that was missed, up to the number given, and the latest ones", async () => {
        const before = await missed()
        await place.schedules.add("s", { ...daily, misfire: { all: 31 } })
        clock.set("2026-01-04T10:00:00Z")
        assert.equal(await place.scheduler().fireDue(), 3)
        assert.deepEqual(await place.times(), ["01-02T00:00", "01-03T00:00", "01-04T00:00"])
        clock.set("2026-02-13T00:00:00Z")
        assert.equal(await place.scheduler().fireDue(), 31)
        const times = await place.times()
        assert.equal(times.length, 34)
        assert.deepEqual([times[3], times.at(-1)], ["01-14T00:00", "02-13T00:00"])
        assert.equal((await missed()) - before, 9)
        assert.equal((await place.schedules.get("s"))?.nextAt?.toISOString(), "2026-02-14T00:00:00.000Z")
      })

      it("fires a schedule of one instant late, or keeps it as missed where it is to skip", async () => {
        const at = new Date("2026-01-01T10:00:00Z")
        await place.schedules.add("late", { at, job: remind, payload: { eventId: 1 } })
        await place.schedules.add("skipped", { at, job: remind, payload: { eventId: 2 }, misfire: "skip" })
        clock.set("2026-01-03T00:00:00Z")
        assert.equal(await place.scheduler().fireDue(), 1)
        assert.deepEqual(
          (await place.sent()).map(({ payload }) => payload),
          [{ event_id: 1 }],
        )
        assert.equal((await place.schedules.get("skipped"))?.state, "ended")
        const range = { from: new Date(start), to: new Date("2026-01-03T00:00:00Z") }
        assert.deepEqual(await place.schedules.missed("skipped", range), [at])
        assert.equal((await place.schedules.replay("skipped", range)).length, 1)
      })

      it("makes up for so many that they take several looks", async () => {
        await place.schedules.add("s", { ...hourly, cron: "* * * * *", graceMs: 2 * dayMs })
        clock.set("2026-01-02T00:00:00Z")
        assert.equal(await place.scheduler().fireDue(), 1_440)
        assert.equal(new Set(await place.times()).size, 1_440)
      })
    })

    describe("whose clock jumps", () => {
      it("fires no time twice where the clock goes back", async () => {
        const scheduler = place.scheduler()
        await place.schedules.add("hourly", hourly)
        clock.set("2026-01-01T05:00:00Z")
        await scheduler.fireDue()
        clock.set("2026-01-01T04:10:00Z")
        for (let step = 0; step < 20; step++) {
          clock.advance(10 * 60_000)
          await scheduler.fireDue()
        }
        assert.deepEqual(await place.times(), ["01-01T05:00", "01-01T06:00", "01-01T07:00"])
      })

      it("takes a jump forwards as a downtime", async () => {
        const scheduler = place.scheduler()
        await place.schedules.add("a", { ...hourly, misfire: { all: 100 } })
        await place.schedules.add("b", { ...hourly, job: greet, payload: { name: "b" } })
        clock.set("2026-01-01T03:30:00Z")
        assert.equal(await scheduler.fireDue(), 4)
      })

      it("goes on at the next time that has not fired, where the clock was a year ahead", async () => {
        const scheduler = place.scheduler()
        await place.schedules.add("daily", daily)
        clock.set("2027-01-01T08:00:00Z")
        assert.equal(await scheduler.fireDue(), 1)
        clock.set("2026-01-01T08:00:00Z")
        assert.equal(await scheduler.fireDue(), 0)
        assert.equal((await place.schedules.get("daily"))?.nextAt?.toISOString(), "2026-01-02T00:00:00.000Z")
        clock.set("2026-01-02T00:00:00Z")
        assert.equal(await scheduler.fireDue(), 1)
        assert(place.lines.some((line) => line.includes("daily")))
      })

      it("fires no time twice that a clock a week ahead fired one by one", async () => {
        await place.schedules.add("daily", { ...daily, misfire: { all: 31 } })
        clock.set("2026-01-08T08:00:00Z")
        assert.equal(await place.scheduler().fireDue(), 7)
        clock.set("2026-01-01T08:00:00Z")
        const scheduler = place.scheduler()
        await scheduler.start()
        await scheduler.stop()
        assert.equal((await place.schedules.get("daily"))?.nextAt?.toISOString(), "2026-01-09T00:00:00.000Z")
        for (let day = 0; day < 9; day++) {
          clock.advance(dayMs)
          await scheduler.fireDue()
        }
        const times = await place.times()
        assert.equal(new Set(times).size, times.length)
        assert.equal(times.length, 9)
      })
    })

    it("mends at its start a next fire that the zone's rules have left behind", async () => {
      await place.schedules.add("daily", daily)
      await place.schedules.store.schedules.update("daily", { nextAt: new Date("2026-01-02T01:00:00Z") })
      const scheduler = place.scheduler()
      await scheduler.start()
      await scheduler.stop()
      assert.equal((await place.schedules.get("daily"))?.nextAt?.toISOString(), "2026-01-02T00:00:00.000Z")
    })

    describe("that read what is due", () => {
      const daily2 = { ...daily, job: greet, payload: { name: "new" } }
      const changes: [title: string, change: () => Promise<unknown>][] = [
        ["was fired by another", () => place.scheduler().fireDue()],
        ["was paused", () => place.schedules.pause("a")],
        ["was removed", () => place.schedules.remove("a")],
        ["was changed", () => place.schedules.change("a", { payload: { name: "new" } })],
        ["was put anew", () => place.schedules.put("a", daily2)],
        [
          "was removed, and made again for the same time",
          async () => {
            await place.schedules.remove("a")
            await place.schedules.add("a", daily2)
            await place.schedules.store.schedules.update("a", { nextAt: new Date("2026-01-02T00:00:00Z") })
          },
        ],
      ]
      for (const [title, change] of changes) {
        it(`takes nothing of what ${title} since`, async () => {
          await place.schedules.add("a", { ...daily, job: greet, payload: { name: "old" } })
          clock.set("2026-01-02T00:00:00Z")
          const rows = await place.schedules.store.schedules.list()
          await change()
          const before = await place.sent()
          assert.deepEqual(await fireDue(place.schedules, rows, clock.now()), { taken: 0, fires: 0, missed: [] })
          assert.deepEqual(await place.sent(), before)
        })
      }

      it("takes nothing of a fire of one instant that was moved since", async () => {
        const at = new Date("2026-01-02T00:00:00Z")
        await place.schedules.add("a", { at, job: remind, payload: { eventId: 1 } })
        clock.set(at)
        const rows = await place.schedules.store.schedules.list()
        await place.schedules.change("a", { at: new Date("2026-01-03T00:00:00Z") })
        assert.deepEqual(await fireDue(place.schedules, rows, clock.now()), { taken: 0, fires: 0, missed: [] })
        assert.equal((await place.schedules.get("a"))?.state, "active")
      })
    })

    describe("with declared schedules", () => {
      const started = async (...declared: DeclaredSchedule[]) => {
        const scheduler = place.scheduler({ declared })
        await scheduler.start()
        await scheduler.stop()
        return scheduler
      }

      it("keeps their rows in step with their declarations, and keeps what is due", async () => {
        await started(defineSchedule("reports", { ...daily, misfire: { all: 31 } }))
        const first = await place.schedules.get("reports")
        assert.equal(first?.source, "code")
        assert.deepEqual(first?.misfire, { all: 31 })
        clock.set("2026-01-05T12:00:00Z")
        const again = place.scheduler({ declared: [defineSchedule("reports", { ...daily, misfire: { all: 31 } })] })
        await again.start()
        await again.stop()
        await again.fireDue()
        assert.equal((await place.times()).length, 4)
        const kept = await place.schedules.get("reports")
        assert.equal(kept?.rev, first?.rev)

        await started(
          defineSchedule("reports", { ...daily, cron: "0 3 * * *", timeZone: "Europe/Moscow", graceMs: 1_000 }),
        )
        const changed = await place.schedules.get("reports")
        assert.equal(changed?.nextAt?.toISOString(), "2026-01-06T00:00:00.000Z")
        assert.equal(changed?.graceMs, 1_000)
        assert.equal(changed?.misfire, "once")
        assert(changed && kept && changed.rev > kept.rev)
      })

      it("keeps a due time where only something else than the timing changes", async () => {
        await started(defineSchedule("greeting", { ...daily, job: greet, payload: { name: "Ann" } }))
        clock.set("2026-01-02T00:00:00Z")
        const scheduler = place.scheduler({
          declared: [defineSchedule("greeting", { ...daily, job: greet, payload: { name: "Bob" } })],
        })
        await scheduler.start()
        await scheduler.stop()
        await scheduler.fireDue()
        assert.deepEqual(await place.sent(), [
          { kind: "greet", fireAt: "2026-01-02T00:00:00.000Z", payload: { name: "Bob" } },
        ])
      })

      it("ends those that are no longer declared, and takes them up again", async () => {
        await started(defineSchedule("a", daily), defineSchedule("b", daily))
        await started(defineSchedule("a", daily))
        assert.equal((await place.schedules.get("b"))?.state, "ended")
        clock.set("2026-01-03T12:00:00Z")
        await place.scheduler().fireDue()
        assert.deepEqual(await place.times(), ["01-03T00:00"])
        await started(defineSchedule("a", daily), defineSchedule("b", daily))
        assert.equal((await place.schedules.get("b"))?.nextAt?.toISOString(), "2026-01-04T00:00:00.000Z")
        await started()
        assert.equal(await place.schedules.remove("b"), true)
      })

      it("leaves one paused that somebody paused, over restarts and changes", async () => {
        await started(defineSchedule("a", daily))
        await place.schedules.pause("a")
        await started(defineSchedule("a", hourly))
        assert.equal((await place.schedules.get("a"))?.state, "paused")
        clock.advance(dayMs)
        assert.equal(await place.scheduler().fireDue(), 0)
        await place.schedules.resume("a")
        clock.advance(hourMs)
        assert.equal(await place.scheduler().fireDue(), 1)
      })

      it("refuses two of one key, a key that a stored one has, and an unknown kind", async () => {
        await refuses(started(defineSchedule("a", daily), defineSchedule("a", hourly)), { code: "DECLARATION" })
        await place.schedules.add("stored", daily)
        await refuses(started(defineSchedule("stored", daily)), { code: "DECLARATION" })
        const other = defineJob("other", { queue: "q", payload: objectOf("Other", {}) })
        await refuses(started(defineSchedule("b", { ...daily, job: other })), { code: "DECLARATION" })
      })
    })

    describe("that meets a schedule which cannot be fired", () => {
      it("fires the others, says so once, and tries that one again later", async () => {
        const at = new Date("2026-01-01T01:00:00Z")
        for (let index = 0; index < 5; index++) {
          await place.schedules.add(`r:${index}`, { at, job: remind, payload: { eventId: index + 1 } })
        }
        await place.schedules.store.schedules.update("r:2", { payload: { nonsense: true } })
        await place.schedules.add("bad-zone", hourly)
        await place.schedules.store.schedules.update("bad-zone", { timeZone: "Nowhere/City" })
        clock.set(at)
        const scheduler = place.scheduler()
        assert.equal(await scheduler.fireDue(), 4)
        assert.equal(await scheduler.fireDue(), 0)
        const errors = place.lines.filter((line) => line.includes('"ERROR"'))
        assert.equal(errors.length, 2)
        assert(errors.some((line) => line.includes("r:2")) && errors.some((line) => line.includes("bad-zone")))
        await place.schedules.change("r:2", { payload: { event_id: 3 } })
        assert.equal(await place.scheduler().fireDue(), 1)
      })

      it("writes few lines where many cannot be fired, and fires what is behind them", async () => {
        const at = new Date("2026-01-01T01:00:00Z")
        const entries = Array.from({ length: 40 }, (_, index) => ({
          key: `r:${index}`,
          at,
          job: remind,
          payload: { eventId: 1 },
        }))
        await place.schedules.addMany(entries)
        await place.schedules.store.schedules.updateWhere({}, { payload: { nonsense: true } })
        await place.schedules.add("z", { at: new Date("2026-01-01T01:00:01Z"), job: remind, payload: { eventId: 1 } })
        clock.set("2026-01-01T02:00:00Z")
        assert.equal(await place.scheduler({ batch: 8 }).fireDue(), 1)
        assert.equal(place.lines.filter((line) => line.includes('"ERROR"')).length, 11)
        place.lines.length = 0
        await place.schedules.store.schedules.updateWhere({}, { payload: { event_id: 1 }, misfire: "skip" })
        assert.equal(await place.scheduler().fireDue(), 0)
        assert.equal(place.lines.filter((line) => line.includes("missed")).length, 11)
      })

      it("leaves jobs of kinds that it does not know to programs that do", async () => {
        const foreign = defineJob("foreign", { queue: "q", payload: objectOf("Foreign", {}) })
        const theirs = openSchedules(openJobs(place.db, { jobs: [foreign] }))
        await theirs.add("theirs", { ...hourly, job: foreign })
        await place.schedules.add("ours", hourly)
        clock.advance(hourMs)
        assert.equal(await place.scheduler().fireDue(), 1)
        assert.equal(await openScheduler(theirs).fireDue(), 1)
        assert.equal((await place.sent()).length, 2)
      })
    })

    it("fires nothing of a transaction that rolls back", async () => {
      await refuses(
        transaction(async () => {
          await place.schedules.add("a", hourly)
          throw new RangeError("no")
        }),
        { name: "RangeError" },
      ).catch(() => undefined)
      clock.advance(hourMs)
      assert.equal(await place.scheduler().fireDue(), 0)
    })

    it("deletes the rows of fires, and schedules that are over, when they are old", async () => {
      const scheduler = place.scheduler({ keepMs: dayMs })
      await place.schedules.add("hourly", hourly)
      await place.schedules.add("missed", {
        at: new Date("2026-01-01T01:00:00Z"),
        job: remind,
        payload: { eventId: 1 },
        misfire: "skip",
      })
      for (let hour = 0; hour < 30; hour++) {
        clock.advance(hourMs)
        if (hour > 1) await scheduler.fireDue()
      }
      assert.equal((await place.schedules.fires("hourly")).length, 28)
      // Made from 3 o'clock on; at 6 o'clock of the next day those of 3, 4 and 5 o'clock are older than a day.
      assert.equal(await scheduler.prune(), 3 + 1)
      assert.equal((await place.schedules.fires("hourly")).length, 25)
      assert.equal(await place.schedules.get("missed"), undefined)
      assert.equal(await scheduler.prune(), 0)
    })
  })
})
