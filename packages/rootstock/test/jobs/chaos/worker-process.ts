import { setTimeout as pause } from "node:timers/promises"
import { TimeoutError, UnavailableError } from "../../../src/errors/index.ts"
import { openDatabase } from "../../../src/index.ts"
import { handle, openJobs } from "../../../src/jobs/index.ts"
import { openBroker } from "../../../src/jobs/rabbitmq/index.ts"
import { createLogger } from "../../../src/log/index.ts"
import { completeByIdAlone } from "./ablation.ts"
import { atomic, committed, Ledger, tables } from "./tables.ts"
import { databaseAway } from "./worker-exit.ts"

// A worker as a process of its own, to be killed and stopped.
const [url, name, ablated, brokerUrl, own] = process.argv.slice(2) as [string, string, string, string, string]
// What it warns of is what the chaos does to it.
const log = createLogger({ name: "worker", destination: { write: () => undefined } })
process.on("uncaughtException", (error) => {
  if (!started && error instanceof UnavailableError) process.exit(databaseAway)
  console.error("A worker ends:", error)
  process.exit(1)
})
// Without those who started it, nobody ends it.
process.on("disconnect", () => process.exit())
let started = false
const db = await openDatabase(url, { tables, warn: () => undefined, postgres: { applicationName: name } })
const { ledger } = db.storages({ ledger: Ledger })
const jobs = openJobs(db, { jobs: [atomic, committed], log })
if (ablated === "ablated") completeByIdAlone(jobs)

const broker = openBroker(jobs, { url: brokerUrl, name, pollMs: 200, lostMs: 1_000 })
broker.start()

const failsSometimes = () => {
  if (Math.random() < 0.02) throw new Error("one of those that happen")
}

const worker = jobs.worker({
  handlers: [
    handle(atomic, async ({ n }, { attempt }) => {
      await ledger.create({ n, attempt, pid: process.pid })
      if (Math.random() < 0.05) await pause(Math.random() * 5)
      failsSometimes()
    }),
    handle(committed, async ({ n }, { attempt, commit }) => {
      await pause(Math.random() * 150)
      await commit(async () => {
        await ledger.create({ n, attempt, pid: process.pid })
        failsSometimes()
      })
      failsSometimes()
    }),
  ],
  broker,
  concurrency: 16,
  heartbeatMs: 150,
  lostAfterMs: 700,
  rescueMs: 200,
  pollMs: 200,
  patienceMs: 2_000,
})
await worker.start()
started = true
process.send?.("started")

// What it sends itself while it has nothing else to do is its own from the start. It tells the numbers that are stored.
let enough = false
process.on("message", (message) => {
  enough ||= message === "enough"
})
async function sendOwn(): Promise<void> {
  for (let next = Number(own); !enough && !stopping; await pause(Math.random() * 100)) {
    const numbers = Array.from({ length: 1 + Math.floor(Math.random() * 8) }, () => next++)
    const kind = Math.random() < 0.5 ? atomic : committed
    try {
      if (Math.random() < 0.5) {
        await jobs.sendMany(
          kind,
          numbers.map((n) => ({ n })),
        )
      } else await Promise.all(numbers.map((n) => jobs.send(kind, { n })))
      process.send?.(numbers)
    } catch (error) {
      if (!(error instanceof UnavailableError) && !(error instanceof TimeoutError)) throw error
    }
  }
}
let stopping = false
void sendOwn()
const stop = async () => {
  const again = stopping
  stopping = true
  await worker.stop({ now: again })
  if (again) return
  await broker.stop()
  await db.close()
  process.disconnect?.()
}
process.on("SIGTERM", () => void stop())
