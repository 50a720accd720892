import { setTimeout as pause } from "node:timers/promises"
import { openDatabase, Storage } from "../../../packages/rootstock/src/index.ts"
import { answerRequests } from "../run/requests.ts"
import { openBullMq } from "./contestants/bullmq.ts"
import { openByHand } from "./contestants/by-hand.ts"
import { openGraphileWorker } from "./contestants/graphile-worker.ts"
import { openPgBoss } from "./contestants/pg-boss.ts"
import { openRootstock } from "./contestants/rootstock.ts"
import type { JobContestant, JobPlaces, JobSetting, OpenJobs } from "./contract.ts"
import type { Library } from "./libraries.ts"
import { ledger } from "./tables.ts"

/** What the bench asks of a process with a queue and its worker. */
export type RatesRequest =
  | { kind: "open"; library: Library; places: JobPlaces; setting: Omit<JobSetting, "done"> }
  /**
   * Callers that send `batch` jobs at a time for so long, and wait while `ahead` are sent and not done; until the last one
   * is completed.
   */
  | { kind: "rate"; seconds: number; callers: number; batch: number; ahead: number }
  /** A job every `everyMs`; what each took from the call to the end of its transaction, in milliseconds. */
  | { kind: "latency"; seconds: number; everyMs: number }
  | { kind: "close" }

export interface Rate {
  jobs: number
  /** From the first call to the last completion. */
  seconds: number
}

const contestants: Record<Library, OpenJobs> = {
  raw: openByHand,
  rootstock: openRootstock,
  "graphile-worker": openGraphileWorker,
  "pg-boss": openPgBoss,
  bullmq: openBullMq,
}

/** After so many milliseconds without a completion something is wrong. */
const patienceMs = 30_000

let contestant: JobContestant
let inLedger: () => Promise<number>
let closeLedger: () => Promise<void>
let effects = false
let sent = 0
let completed = 0
let onDone: (n: number) => void = () => undefined

async function answer(request: RatesRequest): Promise<unknown> {
  switch (request.kind) {
    case "open":
      return open(request)
    case "rate":
      globalThis.gc?.()
      return rate(request)
    case "latency":
      globalThis.gc?.()
      return latency(request.seconds, request.everyMs)
    case "close":
      await contestant.close()
      return closeLedger()
  }
}

async function open({ library, places, setting }: Extract<RatesRequest, { kind: "open" }>) {
  effects = setting.effects
  contestant = await contestants[library](places, {
    ...setting,
    done(n) {
      completed += 1
      onDone(n)
    },
  })
  const db = await openDatabase(places.database, { tables: { ledger }, postgres: { pool: { size: 1, overflow: 0 } } })
  const entries = db.storage(Storage(ledger))
  inLedger = () => entries.count()
  closeLedger = () => db.close()
  return { form: contestant.form, packages: contestant.packages }
}

async function rate({ seconds, callers, batch, ahead }: Extract<RatesRequest, { kind: "rate" }>): Promise<Rate> {
  const before = sent
  const start = performance.now()
  const end = start + seconds * 1_000
  const caller = async (): Promise<void> => {
    while (performance.now() < end) {
      if (sent - completed >= ahead) {
        await pause(1)
        continue
      }
      const first = sent
      sent += batch
      if (batch === 1) await contestant.send(first)
      else await contestant.sendMany(Array.from({ length: batch }, (_, index) => first + index))
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  await allCompleted()
  const took = (performance.now() - start) / 1_000
  await checkEffects()
  return { jobs: sent - before, seconds: took }
}

async function allCompleted(): Promise<void> {
  let last = completed
  let lastAt = performance.now()
  while (completed < sent) {
    await pause(1)
    if (completed !== last) {
      last = completed
      lastAt = performance.now()
    } else if (performance.now() - lastAt > patienceMs) throw new Error(`${completed} of ${sent} jobs were done`)
  }
  while ((await contestant.waiting()) > 0) {
    await pause(1)
    if (performance.now() - lastAt > patienceMs) throw new Error("jobs were done and are not completed")
  }
}

/** Each job was done once, and its effect is there. */
async function checkEffects(): Promise<void> {
  if (completed !== sent) throw new Error(`${sent} jobs were sent and ${completed} done`)
  const count = effects ? await inLedger() : sent
  if (count !== sent) throw new Error(`${sent} jobs were sent and ${count} had their effect`)
}

async function latency(seconds: number, everyMs: number): Promise<number[]> {
  const started = new Map<number, number>()
  const latencies: number[] = []
  onDone = (n) => {
    latencies.push(performance.now() - (started.get(n) as number))
  }
  const sends: Promise<unknown>[] = []
  const start = performance.now()
  const count = Math.round((seconds * 1_000) / everyMs)
  for (let index = 0; index < count; index++) {
    const wait = start + index * everyMs - performance.now()
    if (wait > 0) await pause(wait)
    const n = sent++
    started.set(n, performance.now())
    sends.push(contestant.send(n))
  }
  await Promise.all(sends)
  await allCompleted()
  onDone = () => undefined
  await checkEffects()
  return latencies
}

answerRequests<RatesRequest>(answer)
