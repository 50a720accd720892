// One process of the checked system: reads and writes through a cache until it is told to stop, and reports what it saw.

import { setTimeout as sleep } from "node:timers/promises"
import { type Cache, openCache } from "../../../../src/cache/index.ts"
import { openDatabase, transaction } from "../../../../src/index.ts"
import type { Database } from "../../../../src/storage/index.ts"
import { Random } from "../../simulation/random.ts"
import type { WorkerOptions, WorkerReport } from "./protocol.ts"
import { declareCaches, PlainStorage, RenewedStorage, type Row, rowCount, tables, teams } from "./tables.ts"

/** Microseconds of the machine's monotonic clock, the same in every process. */
const present = (): number => Number(process.hrtime.bigint() / 1_000n)

const options = JSON.parse(process.argv[2] as string) as WorkerOptions
const random = new Random(options.seed)
const db = await openDatabase(options.databaseUrl, { tables, nPlusOne: { mode: "off" }, warn: () => undefined })
const store = db.storages({ plain: PlainStorage, renewed: RenewedStorage })
const caches = declareCaches(async (team) => ({
  plain: await store.plain.list({ where: { team } }),
  renewed: await store.renewed.list({ where: { team } }),
}))
const cache: Cache = await openCache(db as unknown as Database, {
  url: options.redisUrl,
  coherence: options.coherence,
  local: options.local,
  caches: Object.values(caches),
  warn: () => undefined,
})
let running = true
/** The last begin of a read by the version that it gave, by row. */
let seen = new Map<string, [row: string, version: number, begun: number]>()
let report = emptyReport()

function emptyReport(): WorkerReport {
  return {
    seen: [],
    acknowledged: [],
    reads: 0,
    writes: 0,
    failedReads: 0,
    failedWrites: 0,
    slowestReadUs: 0,
    counts: {},
  }
}

function saw(row: string, version: number, begun: number): void {
  const key = `${row}@${version}`
  const known = seen.get(key)
  if (known === undefined) seen.set(key, [row, version, begun])
  else known[2] = begun
}

async function readOnce(): Promise<void> {
  const begun = present()
  const chosen = random.next()
  const id = 1 + Math.floor(random.next() ** 2 * rowCount)
  const sawAll = (name: string, rows: readonly (Row | undefined)[]) => {
    for (const row of rows) if (row !== undefined) saw(`${name}:${row.id}`, row.version, begun)
  }
  if (chosen < 0.45) sawAll("plain", [await store.plain.get(id)])
  else if (chosen < 0.85) sawAll("renewed", [await store.renewed.get(id)])
  else {
    const team = await caches.team(1 + random.whole(teams))
    sawAll("plain", team.plain)
    sawAll("renewed", team.renewed)
  }
  report.reads++
  report.slowestReadUs = Math.max(report.slowestReadUs, present() - begun)
}

async function readOn(): Promise<void> {
  while (running) {
    try {
      for (let count = 0; count < 8 && running; count++) await readOnce()
    } catch {
      report.failedReads++
      await sleep(5)
    }
    await sleep(random.spread(0.5, 4))
  }
}

/** Changes rows and tells what they came to be, when that has been acknowledged. */
async function writeOnce(): Promise<void> {
  const chosen = random.next()
  const id = 1 + random.whole(rowCount)
  const changed: [row: string, version: number][] = []
  const note = (name: string, row: Row | undefined) => {
    if (row !== undefined) changed.push([`${name}:${row.id}`, row.version])
  }
  if (chosen < 0.35) note("plain", (await store.plain.increment(id, { version: 1 })) as Row)
  else if (chosen < 0.7) note("renewed", (await store.renewed.increment(id, { version: 1 })) as Row)
  else if (chosen < 0.9) {
    await transaction(async () => {
      changed.length = 0
      note("plain", (await store.plain.increment(id, { version: 1 })) as Row)
      note("renewed", (await store.renewed.increment(id, { version: 1 })) as Row)
    })
  } else {
    const team = 1 + random.whole(teams)
    await transaction(async () => {
      changed.length = 0
      await db.execute`UPDATE plain_rows SET version = version + 1 WHERE team = ${team}`
      await cache.forgetTables(tables.plain)
      for (const row of await store.plain.list({ where: { team } })) note("plain", row)
    })
  }
  const acknowledgedAt = present()
  for (const [row, version] of changed) report.acknowledged.push([row, version, acknowledgedAt])
  report.writes++
}

async function writeOn(): Promise<void> {
  while (running) {
    await sleep(random.spread(5, 400))
    try {
      if (running) await writeOnce()
    } catch {
      // It may have been committed; nothing was acknowledged.
      report.failedWrites++
    }
  }
}

function send(): void {
  for (const { counters } of Object.values(cache.stats().kinds).map((counters) => ({ counters }))) {
    for (const [name, count] of Object.entries(counters)) report.counts[name] = (report.counts[name] ?? 0) + count
  }
  report.seen = [...seen.values()]
  process.send?.(report)
  seen = new Map()
  report = emptyReport()
}

process.on("message", (message: string) => {
  if (message === "stop") running = false
})
process.on("disconnect", () => process.exit(1))
const reporting = setInterval(send, 200)
process.send?.("ready")
await Promise.all([readOn(), readOn(), readOn(), readOn(), writeOn(), writeOn()])
clearInterval(reporting)
send()
await cache.close()
await db.close()
process.disconnect?.()
