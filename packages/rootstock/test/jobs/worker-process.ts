import { setTimeout as pause } from "node:timers/promises"
import { systemClock } from "../../src/clock/index.ts"
import { openDatabase } from "../../src/index.ts"
import { handle, openJobs } from "../../src/jobs/index.ts"
import { createLogger } from "../../src/log/index.ts"
import { completeByIdAlone } from "./chaos/ablation.ts"
import { beside, blocking, deadly, recording, resting } from "./process-kinds.ts"
import { Ledger, patient, quick, tables } from "./support.ts"

// A worker as a process of its own; it tells what it begins.
const [url, ...traits] = process.argv.slice(2) as [string, ...string[]]
const db = await openDatabase(url, { tables })
const ledger = db.storage(Ledger)
const log = createLogger({ name: "jobs", destination: { write: () => undefined } })
const jobs = openJobs(db, { jobs: [recording, blocking, resting, deadly, beside], log })
if (traits.includes("ablated")) completeByIdAlone(jobs)

/** Keeps the event loop from everything else. */
const block = (milliseconds: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)

const worker = jobs.worker({
  handlers: [
    handle(recording, async ({ n }) => {
      await ledger.create({ n })
    }),
    handle(blocking, async ({ n }, { commit }) => {
      process.send?.("begun")
      block(n)
      await commit(() => ledger.create({ n }))
    }),
    handle(resting, async ({ n }, { attempt, commit }) => {
      // Who freezes it must not freeze what a worker writes at its start: on SQLite all others would wait for that.
      await pause(500)
      process.send?.("begun")
      // It is frozen here, and has no time to notice anything when it wakes up.
      if (attempt === 1) block(2_000)
      const result = commit(() => ledger.create({ n }))
      await result.then(
        () => process.send?.("committed"),
        () => process.send?.("refused"),
      )
      await result
    }),
    handle(deadly, () => process.kill(process.pid, "SIGKILL")),
    handle(beside, ({ n }, { commit }) => commit(() => ledger.create({ n }))),
  ],
  ...quick,
  // What is sent is begun because it was told, not because it was looked for.
  pollMs: 600_000,
  // It is taken for dead, and does not notice.
  ...(traits.includes("unaware") ? { heartbeatMs: 600_000, rescueMs: 600_000 } : {}),
  ...(traits.includes("patient") ? patient : {}),
})
await worker.start()
if (traits.includes("patient")) await untilStoodIn()
process.send?.("started")
// It sends by itself what it is told to.
process.on("message", async ({ kind, n }: { kind: string; n: number }) => {
  const job = jobs.definition(kind)
  if (job === undefined) throw new Error(`there is no kind ${kind}`)
  await jobs.send(job, { n })
  process.send?.("sent")
})
process.on("disconnect", async () => {
  await worker.stop()
  await db.close()
})

/** Waits until the thread beats while the event loop is blocked: a busy machine takes its time to start it. */
async function untilStoodIn(): Promise<void> {
  for (;;) {
    const start = systemClock.now().getTime()
    block(400)
    const row = await jobs.store.workers.get(worker.id as string)
    if (row !== undefined && row.seen.getTime() > start + 50) return
    await pause(20)
  }
}
