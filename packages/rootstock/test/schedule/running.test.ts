import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { systemClock } from "../../src/clock/index.ts"
import { openDatabase } from "../../src/index.ts"
import { handle, jobTables, openJobs } from "../../src/jobs/index.ts"
import { createLogger } from "../../src/log/index.ts"
import { createSchema, schemaStatements } from "../../src/migrate/index.ts"
import { defineSchedule, openScheduler, openSchedules, type SchedulerOptions } from "../../src/schedule/index.ts"
import { plainSql } from "../storage/sql.ts"
import { type Engine, forEachEngine } from "../support/index.ts"
import { remind, report, tables } from "./support/tables.ts"
import { until } from "./support/until.ts"

/** An opened database with schedules on the machine's clock. */
async function openPlace(engine: Engine, options: SchedulerOptions) {
  const temporary = await engine.temporaryDatabase()
  await createSchema(temporary.url, tables)
  const db = await openDatabase(temporary.url, { tables })
  const schedules = openSchedules(openJobs(db, { jobs: [report, remind] }))
  const lines: string[] = []
  const log = createLogger({ name: "schedules", format: "json", destination: { write: (line) => lines.push(line) } })
  const scheduler = openScheduler(schedules, { log, ...options })
  return {
    url: temporary.url,
    db,
    schedules,
    scheduler,
    lines,
    jobs: () => schedules.jobs.store.jobs.list(),
    async [Symbol.asyncDispose]() {
      await scheduler.stop()
      await db.close()
      await temporary.dispose()
    },
  }
}

const soon = (milliseconds: number) => new Date(systemClock.now().getTime() + milliseconds)

const silent = createLogger({ name: "schedules", destination: { write: () => undefined } })

describe("a running scheduler", () => {
  forEachEngine((engine) => {
    it("wakes for what comes due, and for what is made while it sleeps", async () => {
      await using place = await openPlace(engine, { pollMs: 60_000 })
      await place.schedules.add("first", { at: soon(150), job: remind, payload: { eventId: 1 } })
      await place.schedules.add("later", { at: soon(3_600_000), job: remind, payload: { eventId: 9 } })
      await place.scheduler.start()
      assert.equal(place.scheduler.status, "connected")
      await until("the first is fired", async () => (await place.jobs()).length === 1)
      await place.schedules.add("second", { at: soon(100), job: remind, payload: { eventId: 2 } })
      await until("the second is fired", async () => (await place.jobs()).length === 2)
      await place.schedules.change("later", { at: soon(50) })
      await until("the changed one is fired", async () => (await place.jobs()).length === 3)
      for (const { fireAt, createdAt } of await place.jobs()) {
        assert(fireAt && createdAt >= fireAt, "no job is sent before its time")
      }
    })

    it("hands the handler the time that it fires for, and how late it is", async () => {
      await using place = await openPlace(engine, {})
      const told = Promise.withResolvers<{ payload: { eventId: number }; fireAt: Date; lateMs: number }>()
      const handler = handle(remind, (payload, { fireAt, lateMs }) => told.resolve({ payload, fireAt, lateMs }))
      const worker = place.schedules.jobs.worker({ handlers: [handler] })
      await worker.start()
      try {
        await place.scheduler.start()
        const at = soon(-5_000)
        await place.schedules.add("late", { at, job: remind, payload: { eventId: 7 } })
        const { payload, fireAt, lateMs } = await told.promise
        assert.deepEqual([payload, fireAt], [{ eventId: 7 }, at])
        assert(lateMs >= 5_000 && lateMs < 60_000)
      } finally {
        await worker.stop()
      }
    })

    it("sees by itself what other processes make and change", async () => {
      await using place = await openPlace(engine, { pollMs: 40 })
      await place.scheduler.start()
      const other = await openDatabase(place.url, { tables })
      try {
        const theirs = openSchedules(openJobs(other, { jobs: [remind] }))
        await theirs.add("theirs", { at: soon(3_600_000), job: remind, payload: { eventId: 1 } })
        await theirs.change("theirs", { at: soon(-1) })
        await until("it is fired", async () => (await place.jobs()).length === 1)
      } finally {
        await other.close()
      }
    })

    it("fires again once the database answers again, and says so", async () => {
      await using place = await openPlace(engine, { pollMs: 20 })
      await place.scheduler.start()
      await place.schedules.add("a", { at: soon(3_600_000), job: remind, payload: { eventId: 1 } })
      await place.db.execute`ALTER TABLE schedule RENAME TO gone`
      await until("it is away", () => place.scheduler.status === "away")
      await place.db.execute`ALTER TABLE gone RENAME TO schedule`
      await place.schedules.change("a", { at: soon(0) })
      await until("it is fired", async () => (await place.jobs()).length === 1)
      await until("it is connected", () => place.scheduler.status === "connected")
      assert.equal(place.lines.filter((line) => line.includes("cannot be looked at")).length, 1)
      assert(place.lines.some((line) => line.includes("answers again")))
    })

    it("may be started and stopped again and again, and fires nothing while it is stopped", async () => {
      await using place = await openPlace(engine, { pollMs: 10 })
      assert.equal(place.scheduler.status, "off")
      await place.scheduler.stop()
      await Promise.all([place.scheduler.start(), place.scheduler.start()])
      await Promise.all([place.scheduler.stop(), place.scheduler.stop()])
      assert.equal(place.scheduler.status, "off")
      await place.schedules.add("a", { at: soon(0), job: remind, payload: { eventId: 1 } })
      const statements: string[] = []
      const quiet = place.db.on("query", ({ sql }) => statements.push(sql))
      await new Promise((resolve) => setTimeout(resolve, 60))
      quiet()
      assert.deepEqual(statements, [])
      void place.scheduler.start()
      await place.scheduler.stop()
      assert.equal(place.scheduler.status, "off")
      await place.scheduler.start()
      await until("it is fired", async () => (await place.jobs()).length === 1)
    })

    it("does not start with declarations that contradict each other, and may then be started anew", async () => {
      const twin = defineSchedule("a", { cron: "@daily", timeZone: "UTC", job: report, payload: {} })
      await using place = await openPlace(engine, { declared: [twin, { ...twin }] })
      await assert.rejects(place.scheduler.start(), { code: "DECLARATION" })
      assert.equal(place.scheduler.status, "off")
      await place.scheduler.stop()
      await assert.rejects(place.scheduler.start(), { code: "DECLARATION" })
    })
  })

  it("leaves no timer behind", async () => {
    await using db = await openDatabase("sqlite::memory:", { tables })
    for (const statement of schemaStatements("sqlite", tables)) await db.execute(plainSql(statement))
    const scheduler = openScheduler(openSchedules(openJobs(db, { jobs: [] })), { pollMs: 60_000, log: silent })
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length
    const before = timers()
    await scheduler.start()
    await until("it sleeps", () => timers() > before)
    await scheduler.stop()
    assert.equal(timers(), before)
  })

  it("is refused with options that make no sense", async () => {
    await using db = await openDatabase("sqlite::memory:", { tables })
    const schedules = openSchedules(openJobs(db, { jobs: [] }))
    for (const options of [
      { pollMs: 9 },
      { pollMs: 2 ** 31 },
      { batch: 0 },
      { keepMs: 1_000 },
      { pollMs: Number.NaN },
    ]) {
      assert.throws(() => openScheduler(schedules, options), { code: "CONFIG" })
    }
  })

  it("is refused on a database without the tables", async () => {
    await using db = await openDatabase("sqlite::memory:", { tables: jobTables })
    assert.throws(() => openSchedules(openJobs(db, { jobs: [] })), { code: "CONFIG" })
  })
})
