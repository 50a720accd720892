import { setTimeout as pause } from "node:timers/promises"
import pg from "pg"
import { type Database, Storage } from "../../../packages/rootstock/src/index.ts"
import { handle, type Jobs, openJobs } from "../../../packages/rootstock/src/jobs/index.ts"
import { createLogger } from "../../../packages/rootstock/src/log/index.ts"
import { answerRequests } from "../run/requests.ts"
import { openTables, plain } from "./contestants/rootstock.ts"
import { ledger, type tables } from "./tables.ts"

/** What the bench asks of a process with a queue in which many jobs wait, or none. */
export type WaitingRequest =
  | { kind: "open"; database: string; pool: number; waiting: number; held: boolean }
  /** Works for so long, and on until there are some; milliseconds of each statement that took a whole claim. */
  | { kind: "claims"; seconds: number }
  /** Statements of a transaction without a send, and of the same with one. */
  | { kind: "statements" }
  | { kind: "close" }

/** Jobs that one claim takes. */
const claimed = 10

/** Claims of a slice from which a median says something, and the most seconds that are waited for them. */
const fewest = 10
const patience = 30

/** Jobs that are sent in one call while the table is filled. */
const portion = 10_000

let db: Database<typeof tables>
let jobs: Jobs
let filled = false
let holder: pg.Client | undefined

async function answer(request: WaitingRequest): Promise<unknown> {
  switch (request.kind) {
    case "open":
      return open(request)
    case "claims":
      globalThis.gc?.()
      return claims(request.seconds)
    case "statements":
      return statements()
    case "close":
      await holder?.end()
      return db.close()
  }
}

async function open({ database, pool, waiting, held }: Extract<WaitingRequest, { kind: "open" }>): Promise<void> {
  db = await openTables(database, pool)
  jobs = openJobs(db, { jobs: [plain], log: createLogger({ name: "jobs", level: "warning" }) })
  for (let sent = 0; sent < waiting; sent += portion) await send(Math.min(portion, waiting - sent))
  filled = waiting > 0
  if (filled) await db.execute`ANALYZE`
  if (!held) return
  holder = new pg.Client({ connectionString: database })
  await holder.connect()
  await holder.query("BEGIN ISOLATION LEVEL REPEATABLE READ")
  await holder.query("SELECT count(*) FROM job")
}

const send = (count: number) =>
  jobs.sendMany(
    plain,
    Array.from({ length: count }, (_, n) => ({ n })),
  )

/** Takes ten at a time from what waits; where nothing waits, ten are sent whenever the last ten are done. */
async function claims(seconds: number): Promise<number[]> {
  const times: number[] = []
  const off = db.on("query", ({ call, rows, milliseconds }) => {
    if (call === "jobs.claim" && rows === claimed) times.push(milliseconds)
  })
  let left = 0
  let told: () => void = () => undefined
  // From the full table too, ten end together, so that the next claim is one of ten.
  const together: (() => void)[] = []
  const release = () => {
    for (const one of together.splice(0)) one()
  }
  let over = false
  const done = async () => {
    if (filled && !over) {
      await new Promise<void>((resolve) => {
        if (together.push(resolve) === claimed) release()
      })
    }
    left -= 1
    if (left === 0) told()
  }
  const worker = jobs.worker({ concurrency: claimed, prefetch: 0, handlers: [handle(plain, done)] })
  const start = performance.now()
  const goesOn = () => {
    const worked = (performance.now() - start) / 1_000
    return worked < seconds || (times.length < fewest && worked < patience)
  }
  await worker.start()
  try {
    while (goesOn()) {
      if (filled) {
        await pause(10)
        continue
      }
      left = claimed
      const last = new Promise<void>((resolve) => {
        told = resolve
      })
      await send(claimed)
      await last
    }
  } finally {
    over = true
    release()
    await worker.stop()
    off()
  }
  if (times.length < fewest) throw new Error(`there were only ${times.length} claims of ${claimed} jobs`)
  return times
}

async function statements(): Promise<{ without: string[]; with: string[] }> {
  const entries = db.storage(Storage(ledger))
  const counted = async (work: () => Promise<unknown>): Promise<string[]> => {
    const calls: string[] = []
    const off = db.on("query", ({ call }) => calls.push(call))
    await db.transaction(work)
    off()
    return calls
  }
  const write = () => entries.create({ n: 1 })
  return {
    without: await counted(write),
    with: await counted(async () => {
      await write()
      await jobs.send(plain, { n: 1 })
    }),
  }
}

answerRequests<WaitingRequest>(answer)
