import assert from "node:assert/strict"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { describe, it } from "node:test"
import { setTimeout as pause } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { elapsed, systemClock } from "../../src/clock/index.ts"
import { openDatabase } from "../../src/index.ts"
import { openJobs } from "../../src/jobs/index.ts"
import { createSchema } from "../../src/migrate/index.ts"
import { openScheduler, openSchedules } from "../../src/schedule/index.ts"
import { forEachEngine } from "../support/index.ts"
import { greet, remind, report, tables } from "./support/tables.ts"
import { until } from "./support/until.ts"

const program = fileURLToPath(new URL("support/scheduler-process.ts", import.meta.url))

/** How long schedulers are killed and started, in milliseconds; longer by hand. */
const runMs = Number(process.env["ROOTSTOCK_CHAOS_MS"] ?? 1_000)
const fewestKills = 3

async function startProcess(url: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [program, url], { stdio: ["ignore", "pipe", "inherit"] })
  const [line] = await once(child.stdout as NonNullable<typeof child.stdout>, "data")
  assert.match(String(line), /started/)
  return child
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  const exit = child.exitCode === null && child.signalCode === null ? once(child, "exit") : undefined
  child.kill(signal)
  await exit
  return child.exitCode
}

describe("three processes with schedulers, of which one after another is killed", () => {
  forEachEngine((engine) => {
    it("fire each time exactly once", async () => {
      await using temporary = await engine.temporaryDatabase()
      await createSchema(temporary.url, tables)
      await using db = await openDatabase(temporary.url, { tables })
      const schedules = openSchedules(openJobs(db, { jobs: [report, remind, greet] }))
      const children = await Promise.all([1, 2, 3].map(() => startProcess(temporary.url)))

      const begin = systemClock.now().getTime()
      const crons = Array.from({ length: 12 }, (_, index) => `every:${index}`)
      await schedules.addMany(
        crons.map((key) => ({
          key,
          cron: "* * * * * *",
          timeZone: "UTC",
          job: greet,
          payload: { name: key },
          misfire: { all: 1_000 },
        })),
      )
      const ones = Array.from({ length: 200 }, (_, index) => ({
        key: `one:${index}`,
        at: new Date(begin + index * 7),
        job: remind,
        payload: { eventId: index + 1 },
      }))
      await schedules.addMany(ones)

      const added = systemClock.now().getTime()

      let kills = 0
      const start = elapsed()
      const killAndStart = async (at: number): Promise<void> => {
        while (elapsed() - start < runMs || kills < fewestKills) {
          await pause(Math.random() * 300)
          await ended(children[at] as ChildProcess, "SIGKILL")
          kills++
          children[at] = await startProcess(temporary.url)
        }
      }
      await Promise.all(children.map((_, at) => killAndStart(at)))
      await until("all of one time are fired", async () => (await schedules.count({ prefix: "one:" })) === 0)
      const exits = await Promise.all(children.map((child) => ended(child, "SIGTERM")))
      assert.deepEqual(exits, [0, 0, 0], "a stopped scheduler leaves nothing that keeps its process alive")
      // What the last kill left behind is still due.
      await openScheduler(schedules).fireDue()

      const fires = await schedules.store.fires.list()
      const jobs = await schedules.jobs.store.jobs.list()
      const shown = (id: string, at: Date | null) => `${id} ${at?.toISOString()}`
      assert.deepEqual(
        jobs.map(({ id, fireAt }) => shown(id, fireAt)).sort(),
        fires.map(({ jobId, fireAt }) => shown(jobId, fireAt)).sort(),
        "one job for each fire",
      )
      const sent = jobs.map(({ payload, fireAt }) => `${JSON.stringify(payload)} ${fireAt?.toISOString()}`)
      assert.equal(new Set(sent).size, sent.length, "no job twice")
      for (const { payload, at } of ones) {
        assert(sent.includes(`${JSON.stringify({ event_id: payload.eventId })} ${at.toISOString()}`))
      }
      for (const key of crons) {
        const times = fires.filter((fire) => fire.key === key).map(({ fireAt }) => fireAt.getTime() / 1_000)
        assert(times.length >= runMs / 1_000)
        const first = Math.min(...times)
        assert.deepEqual(
          times,
          times.map((_, index) => first + index),
          "a second is missing",
        )
        assert(first > begin / 1_000 && first <= added / 1_000 + 1)
      }
    })
  })
})
