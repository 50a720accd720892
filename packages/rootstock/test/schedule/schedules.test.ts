import assert from "node:assert/strict"
import { beforeEach, describe, it } from "node:test"
import { transaction } from "../../src/index.ts"
import { prometheusText } from "../../src/metrics/index.ts"
import { defineSchedule, type NewSchedule } from "../../src/schedule/index.ts"
import { refuses } from "../storage/support.ts"
import { forEachPlace, start } from "./support/place.ts"
import { greet, remind, report } from "./support/tables.ts"

const hourMs = 3_600_000
const dayMs = 24 * hourMs

const hourly = { cron: "0 * * * *", timeZone: "UTC", job: report, payload: {} } as const
const moscow = { cron: "0 9 * * *", timeZone: "Europe/Moscow", job: greet, payload: { name: "Ann" } } as const

describe("schedules", () => {
  forEachPlace((place) => {
    const { clock } = place
    beforeEach(() => clock.set(start))

    it("are shown as they were made", async () => {
      const made = await place.schedules.add("greeting", { ...moscow, misfire: { all: 3 }, graceMs: 500 })
      const { createdAt, updatedAt, rev, ...rest } = made
      assert.deepEqual(rest, {
        key: "greeting",
        source: "stored",
        state: "active",
        cron: "0 9 * * *",
        timeZone: "Europe/Moscow",
        at: null,
        queue: "notices",
        kind: "greet",
        payload: { name: "Ann" },
        misfire: { all: 3 },
        graceMs: 500,
        nextAt: new Date("2026-01-01T06:00:00Z"),
        lastAt: null,
      })
      assert.deepEqual([createdAt, updatedAt, rev], [new Date(start), new Date(start), Date.parse(start)])
      assert.deepEqual(await place.schedules.get("greeting"), made)
      assert.equal(await place.schedules.get("other"), undefined)

      const at = new Date("2026-03-01T10:00:00.5Z")
      const once = await place.schedules.add("once", { at, kind: "remind", payload: { event_id: 4 } })
      assert.deepEqual([once.at, once.nextAt, once.cron, once.timeZone], [at, at, null, null])
      assert.deepEqual([once.misfire, once.graceMs], ["once", 60_000])
    })

    it("are refused with a second of the same key, and what makes no sense", async () => {
      await place.schedules.add("a", hourly)
      await refuses(place.schedules.add("a", hourly), { code: "UNIQUE" })
      const wrong: [key: string, input: object][] = [
        ["with space", hourly],
        ["", hourly],
        ["x".repeat(201), hourly],
        ["b", { ...hourly, cron: "61 * * * *" }],
        ["b", { ...hourly, timeZone: "Mars/Olympus" }],
        ["b", { ...hourly, timeZone: undefined }],
        ["b", { ...hourly, at: new Date(start) }],
        ["b", { ...hourly, cron: undefined }],
        ["b", { at: new Date(Number.NaN), job: report, payload: {} }],
        ["b", { ...hourly, misfire: "never" }],
        ["b", { ...hourly, misfire: { all: 0 } }],
        ["b", { ...hourly, misfire: { all: 1_001 } }],
        ["b", { ...hourly, graceMs: -1 }],
        ["b", { ...hourly, graceMs: 1.5 }],
        ["b", { ...hourly, graceMs: 31 * dayMs }],
        ["b", { ...hourly, job: remind, payload: { eventId: 0 } }],
        ["b", { cron: "@daily", timeZone: "UTC", kind: "report", payload: { more: 1 } }],
        ["b", { cron: "@daily", timeZone: "UTC", kind: "nobody", payload: {} }],
        ["b", { cron: "@daily", timeZone: "UTC", kind: "remind", payload: { event_id: 0 } }],
      ]
      for (const [key, input] of wrong) {
        await refuses(
          place.schedules.add(key, input as NewSchedule).then(
            () => assert.fail(`taken: ${JSON.stringify(input)}`),
            (error) => Promise.reject(error),
          ),
          { code: "VALIDATION" },
        )
      }
      assert.equal(await place.schedules.count(), 1)
    })

    it("are part of the transaction that they are made in", async () => {
      await assert.rejects(
        transaction(async () => {
          await place.schedules.add("a", hourly)
          await place.schedules.put("b", hourly)
          throw new RangeError("no")
        }),
        RangeError,
      )
      assert.equal(await place.schedules.count(), 0)
    })

    it("take a changed timing from the present on, and the rest at once", async () => {
      const made = await place.schedules.add("a", moscow)
      clock.set("2026-01-01T12:00:00Z")
      const later = await place.schedules.change("a", { cron: "30 18 * * *" })
      assert.deepEqual(later.nextAt, new Date("2026-01-01T15:30:00Z"))
      assert.equal(later.rev, made.rev + 1)
      const elsewhere = await place.schedules.change("a", { timeZone: "Asia/Tokyo" })
      assert.deepEqual(elsewhere.nextAt, new Date("2026-01-02T09:30:00Z"))
      const other = await place.schedules.change("a", {
        kind: "remind",
        payload: { event_id: 5 },
        misfire: "skip",
        graceMs: 0,
      })
      assert.deepEqual(
        [other.kind, other.payload, other.misfire, other.graceMs, other.nextAt, other.cron],
        ["remind", { event_id: 5 }, "skip", 0, elsewhere.nextAt, "30 18 * * *"],
      )
      const once = await place.schedules.change("a", { at: new Date("2026-02-01T00:00:00Z") })
      assert.deepEqual([once.cron, once.timeZone, once.nextAt], [null, null, new Date("2026-02-01T00:00:00Z")])
      const again = await place.schedules.change("a", { cron: "@daily", timeZone: "UTC" })
      assert.deepEqual(again.nextAt, new Date("2026-01-02T00:00:00Z"))
    })

    it("refuse changes that do not fit, and keep what they were", async () => {
      const made = await place.schedules.add("a", moscow)
      await refuses(place.schedules.change("b", {}), { code: "NOT_FOUND" })
      await refuses(place.schedules.change("a", { cron: "nonsense" }), { code: "VALIDATION" })
      await refuses(place.schedules.change("a", { kind: "remind" }), { code: "VALIDATION" })
      await refuses(place.schedules.change("a", { payload: null }), { code: "VALIDATION" })
      await refuses(place.schedules.change("a", { graceMs: 1 }, { rev: made.rev - 1 }), { code: "CONFLICT" })
      const once = { at: new Date(start), job: report, payload: {} }
      await place.schedules.add("once", once)
      await refuses(place.schedules.change("once", { cron: "@daily" }), { code: "VALIDATION" })
      assert.deepEqual(await place.schedules.get("a"), made)
      assert.equal((await place.schedules.change("a", { graceMs: 1 }, { rev: made.rev })).graceMs, 1)
    })

    it("are effective at the next look of a scheduler that runs already", async () => {
      const scheduler = place.scheduler()
      await place.schedules.add("a", hourly)
      clock.set("2026-01-01T00:59:00Z")
      await scheduler.fireDue()
      await place.schedules.change("a", { cron: "30 * * * *" })
      clock.set("2026-01-01T01:29:00Z")
      assert.equal(await scheduler.fireDue(), 0)
      clock.set("2026-01-01T01:30:00Z")
      assert.equal(await scheduler.fireDue(), 1)
      await place.schedules.remove("a")
      clock.advance(dayMs)
      assert.equal(await scheduler.fireDue(), 0)
    })

    it("do not fire while they are paused, and go on with their next time", async () => {
      const scheduler = place.scheduler()
      await place.schedules.add("a", { ...hourly, misfire: { all: 100 } })
      await place.schedules.add("once", { at: new Date("2026-01-01T02:00:00Z"), job: remind, payload: { eventId: 1 } })
      assert.equal((await place.schedules.pause("a")).state, "paused")
      await place.schedules.pause("once")
      clock.set("2026-01-01T05:30:00Z")
      assert.equal(await scheduler.fireDue(), 0)
      assert.deepEqual(
        (await place.schedules.next("a", 2)).map(({ local }) => local),
        ["2026-01-01T06:00:00+00:00", "2026-01-01T07:00:00+00:00"],
      )
      const resumed = await place.schedules.resume("a")
      assert.deepEqual([resumed.state, resumed.nextAt], ["active", new Date("2026-01-01T06:00:00Z")])
      assert.deepEqual(await place.schedules.resume("a"), resumed)
      await place.schedules.resume("once")
      assert.equal(await scheduler.fireDue(), 1)
      await refuses(place.schedules.pause("nobody"), { code: "NOT_FOUND" })
      await refuses(place.schedules.resume("nobody"), { code: "NOT_FOUND" })
    })

    it("are put in the place of others, while what is due by the same timing stays due", async () => {
      const first = await place.schedules.put("a", hourly)
      clock.set("2026-01-01T01:30:00Z")
      const same = await place.schedules.put("a", { ...hourly, job: greet, payload: { name: "Bob" } })
      assert.deepEqual(same.nextAt, new Date("2026-01-01T01:00:00Z"))
      assert.deepEqual([same.kind, same.payload, same.rev], ["greet", { name: "Bob" }, first.rev + 1])
      await place.schedules.pause("a")
      const other = await place.schedules.put("a", { ...hourly, cron: "15 * * * *" })
      assert.deepEqual([other.nextAt, other.state], [new Date("2026-01-01T02:15:00Z"), "paused"])
      const at = new Date("2026-01-05T00:00:00Z")
      const once = await place.schedules.put("a", { at, job: remind, payload: { eventId: 1 } })
      assert.deepEqual([once.nextAt, once.cron], [at, null])
      assert.equal(await place.schedules.count(), 1)
    })

    it("are removed one by one and many at once", async () => {
      const at = new Date("2026-02-01T00:00:00Z")
      const keys = Array.from({ length: 1_200 }, (_, index) => `r:${index}`)
      await place.schedules.addMany(keys.map((key) => ({ key, at, job: remind, payload: { eventId: 1 } })))
      assert.equal(await place.schedules.remove("r:0"), true)
      assert.equal(await place.schedules.remove("r:0"), false)
      assert.equal(await place.schedules.removeMany(keys.slice(0, 1_000)), 999)
      assert.equal(await place.schedules.removeMany([]), 0)
      assert.equal(await place.schedules.count(), 200)
    })

    it("of many that are added, none is made where one does not fit", async () => {
      const at = new Date("2026-02-01T00:00:00Z")
      const entry = (key: string) => ({ key, at, job: remind, payload: { eventId: 1 } })
      await place.schedules.add("b", hourly)
      await refuses(place.schedules.addMany([entry("a"), entry("b")]), { code: "UNIQUE" })
      await refuses(place.schedules.addMany([entry("a"), entry("not a key")]), { code: "VALIDATION" })
      await place.schedules.addMany([])
      assert.equal(await place.schedules.count(), 1)
    })

    it("that are declared in code are not changed or removed, but paused, run and resumed", async () => {
      const scheduler = place.scheduler({ declared: [defineSchedule("code", hourly)] })
      await scheduler.start()
      await scheduler.stop()
      for (const refused of [
        () => place.schedules.change("code", { graceMs: 1 }),
        () => place.schedules.put("code", hourly),
        () => place.schedules.remove("code"),
        () => place.schedules.removeMany(["other", "code"]),
      ]) {
        const error = await refuses(refused, { code: "VALIDATION" })
        assert.match(error.message, /declared in code/)
      }
      await place.schedules.pause("code")
      await place.schedules.runNow("code")
      assert.equal((await place.schedules.resume("code")).state, "active")
    })

    it("are listed by key, page by page and filtered", async () => {
      const scheduler = place.scheduler({ declared: [defineSchedule("nightly", hourly)] })
      await scheduler.start()
      await scheduler.stop()
      for (const key of ["a_b", "aXb", "c1", "c2", "c3"]) await place.schedules.add(key, moscow)
      await place.schedules.add("missed", { at: new Date("2025-01-01"), job: report, payload: {}, misfire: "skip" })
      await place.scheduler().fireDue()
      await place.schedules.pause("c2")
      const keys = async (...options: Parameters<typeof place.schedules.list>) =>
        (await place.schedules.list(...options)).schedules.map(({ key }) => key)
      assert.deepEqual(await keys(), ["aXb", "a_b", "c1", "c2", "c3", "missed", "nightly"])
      const first = await place.schedules.list({ limit: 4 })
      assert.deepEqual(await keys({ limit: 4, cursor: first.next }), ["c3", "missed", "nightly"])
      assert.deepEqual(await keys({ prefix: "a_" }), ["a_b"])
      assert.deepEqual(await keys({ state: "paused" }), ["c2"])
      assert.deepEqual(await keys({ state: "ended" }), ["missed"])
      assert.deepEqual(await keys({ state: "active", source: "code" }), ["nightly"])
      assert.deepEqual(await keys({ kind: "greet", prefix: "c" }), ["c1", "c2", "c3"])
      assert.equal(await place.schedules.count({ state: "active" }), 5)
    })

    it("tell their next fires across a clock change", async () => {
      clock.set("2026-10-23T12:00:00Z")
      await place.schedules.add("a", { ...hourly, cron: "30 2 * * *", timeZone: "Europe/Berlin" })
      assert.deepEqual(
        (await place.schedules.next("a", 3)).map(({ at, local }) => `${at.toISOString()} ${local}`),
        [
          "2026-10-24T00:30:00.000Z 2026-10-24T02:30:00+02:00",
          "2026-10-25T00:30:00.000Z 2026-10-25T02:30:00+02:00",
          "2026-10-26T01:30:00.000Z 2026-10-26T02:30:00+01:00",
        ],
      )
      assert.equal((await place.schedules.next("a")).length, 10)
      assert.deepEqual(
        place.schedules.preview({ cron: "30 2 * * *", timeZone: "Europe/Berlin" }, 3),
        await place.schedules.next("a", 3),
      )
      await refuses(place.schedules.next("b"), { code: "NOT_FOUND" })
      await refuses(place.schedules.next("a", 0), { code: "VALIDATION" })
      assert.throws(() => place.schedules.preview({ cron: "x", timeZone: "UTC" }), { code: "VALIDATION" })
    })

    it("run at once by hand, beside their times", async () => {
      await place.schedules.add("a", hourly)
      clock.set("2026-01-01T00:30:00.123Z")
      const id = await place.schedules.runNow("a")
      assert.equal(await place.schedules.runNow("a"), id)
      const job = await place.schedules.jobs.store.jobs.get(id)
      assert.deepEqual(job?.fireAt, new Date("2026-01-01T00:30:00.123Z"))
      clock.set("2026-01-01T01:00:00Z")
      await place.schedules.runNow("a")
      assert.equal(await place.scheduler().fireDue(), 0, "somebody fired this very time by hand")
      assert.deepEqual(
        (await place.schedules.fires("a")).map(({ cause, fireAt }) => `${cause} ${fireAt.toISOString()}`),
        ["hand 2026-01-01T01:00:00.000Z", "hand 2026-01-01T00:30:00.123Z"],
      )
      assert.equal((await place.schedules.fires("a", { limit: 1, before: new Date("2026-01-01T01:00:00Z") })).length, 1)
      assert.equal((await place.sent()).length, 2)
      await refuses(place.schedules.runNow("b"), { code: "NOT_FOUND" })
    })

    it("tell what they missed, and replay it, each time once", async () => {
      const scheduler = place.scheduler()
      await place.schedules.add("a", { ...hourly, misfire: "skip" })
      for (const hour of ["01", "02"]) {
        clock.set(`2026-01-01T${hour}:00:00Z`)
        await scheduler.fireDue()
      }
      clock.set("2026-01-01T05:30:00Z")
      await scheduler.fireDue()
      const range = { from: new Date(start), to: new Date("2026-01-02T00:00:00Z") }
      const shown = (times: readonly Date[]) => times.map((time) => time.toISOString().slice(11, 16))
      assert.deepEqual(shown(await place.schedules.missed("a", range)), ["00:00", "03:00", "04:00", "05:00"])
      const part = { from: new Date("2026-01-01T03:00:00Z"), to: new Date("2026-01-01T05:00:00Z") }
      assert.deepEqual(
        (await place.schedules.replay("a", part)).map(({ fireAt, cause }) => `${cause} ${fireAt.toISOString()}`),
        ["replay 2026-01-01T03:00:00.000Z", "replay 2026-01-01T04:00:00.000Z"],
      )
      assert.deepEqual(await place.schedules.replay("a", part), [])
      assert.deepEqual(shown(await place.schedules.missed("a", range)), ["00:00", "05:00"])
      assert.deepEqual(await place.times(), ["01-01T01:00", "01-01T02:00", "01-01T03:00", "01-01T04:00"])
      clock.set("2026-03-01T00:00:00Z")
      await refuses(place.schedules.missed("a", { from: new Date(start), to: new Date("2026-03-01T00:00:00Z") }), {
        code: "VALIDATION",
      })
      await refuses(place.schedules.missed("b", range), { code: "NOT_FOUND" })
    })

    it("measure fires, lateness, what was missed, and how many there are", async () => {
      await place.schedules.add("a", { ...hourly, misfire: "skip", graceMs: hourMs })
      await place.schedules.add("b", hourly)
      await place.schedules.pause("b")
      clock.set("2026-01-01T01:00:30Z")
      const due = prometheusText(await place.schedules.metrics())
      assert.match(due, /^schedule_overdue_seconds 30$/m)
      assert.match(due, /^schedules\{source="stored",state="active"\} 1$/m)
      assert.match(due, /^schedules\{source="stored",state="paused"\} 1$/m)
      const before = await numbers()
      await place.scheduler().fireDue()
      clock.set("2026-01-01T05:10:00Z")
      await place.scheduler().fireDue()
      await place.schedules.runNow("b")
      const after = await numbers()
      const grown = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0)
      assert.equal(grown('schedule_fires_total{cause="due"}'), 2)
      assert.equal(grown('schedule_fires_total{cause="hand"}'), 1)
      assert.equal(grown("schedule_missed_fires_total"), 3)
      assert.equal(grown("schedule_fire_lateness_seconds_count"), 2)
      assert.equal(grown("schedule_fire_lateness_seconds_sum"), 30 + 600)
      assert.equal(after.get("schedule_overdue_seconds"), 0)
    })

    const numbers = async () =>
      new Map(
        prometheusText(await place.schedules.metrics())
          .split("\n")
          .map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
      )
  })
})

describe("defineSchedule", () => {
  it("refuses what makes no sense, where it is declared", () => {
    for (const wrong of [
      () => defineSchedule("no key", hourly),
      () => defineSchedule("a", { ...hourly, cron: "0 0 30 2 *" }),
      () => defineSchedule("a", { ...hourly, timeZone: "Nowhere" }),
      () => defineSchedule("a", { ...moscow, payload: { name: "" } }),
      () => defineSchedule("a", { ...hourly, misfire: { all: 2.5 } }),
    ]) {
      assert.throws(wrong, { code: "DECLARATION" })
    }
  })
})
