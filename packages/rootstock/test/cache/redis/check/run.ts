import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { elapsed } from "../../../../src/clock/index.ts"
import { openDatabase } from "../../../../src/index.ts"
import { createSchema } from "../../../../src/migrate/index.ts"
import { OwnRedis } from "../../../redis/redis-server.ts"
import { type EngineName, temporaryDatabase } from "../../../support/index.ts"
import { startTcpProxy, type TcpProxy } from "../../../support/tcp-proxy.ts"
import { Random } from "../../simulation/random.ts"
import { History, type StaleRead } from "./history.ts"
import type { WorkerOptions, WorkerReport } from "./protocol.ts"
import { PlainStorage, RenewedStorage, rowCount, tables, teams } from "./tables.ts"

export type CheckOptions = {
  readonly engine: EngineName
  readonly coherence: "strict" | "bounded" | "ttl"
  readonly seconds: number
  readonly seed: number
  /** Worker processes, from 1. */
  readonly processes: number
  /** Told about once a second how far it is. */
  readonly progress?: ((counts: CheckCounts, seconds: number) => void) | undefined
}

/** What happened, in all processes together. */
export type CheckCounts = {
  reads: number
  writes: number
  failedReads: number
  failedWrites: number
  slowestReadMs: number
  faults: Record<string, number>
  /** The counts of the caches. */
  cache: Record<string, number>
}

export type CheckResult = {
  readonly counts: CheckCounts
  readonly stale: readonly StaleRead[]
  /** Invalidations that were still recorded when all had come to rest. */
  readonly leftInOutbox: number
}

const workerFile = fileURLToPath(new URL("worker.ts", import.meta.url))

/** Faults and their weights. */
const weights = {
  "worker stopped": 24,
  "worker killed": 10,
  "redis stopped": 10,
  flushed: 14,
  "restarted empty": 3,
  "restarted as it was": 3,
  "restarted with an old snapshot": 8,
  "connections cut": 12,
  "connection hangs": 6,
  "redis unreachable for one": 6,
} as const
type Fault = keyof typeof weights

/** Runs processes of a system with a Redis server of their own, does them harm, and checks what they read. */
export async function checkCache(options: CheckOptions): Promise<CheckResult> {
  const { engine, seconds, progress } = options
  await using database = await temporaryDatabase(engine, { ownDatabase: true })
  await using redis = await OwnRedis.start()
  await prepare(database.url)
  await using system = new CheckedSystem(options, database.url, redis)
  await system.start()
  const end = elapsed() + seconds * 1_000
  const told = setInterval(() => progress?.(system.counts, seconds - (end - elapsed()) / 1_000), 1_000)
  try {
    await system.harm(end)
    await system.stop()
  } finally {
    clearInterval(told)
  }
  const { counts, history } = system
  return { counts, stale: history.staleReads(), leftInOutbox: await countOutbox(database.url) }
}

async function prepare(url: string): Promise<void> {
  await createSchema(url, tables)
  await using db = await openDatabase(url, { tables })
  const store = db.storages({ plain: PlainStorage, renewed: RenewedStorage })
  for (let id = 1; id <= rowCount; id++) {
    await store.plain.create({ team: 1 + (id % teams) })
    await store.renewed.create({ team: 1 + (id % teams) })
  }
}

async function countOutbox(url: string): Promise<number> {
  await using db = await openDatabase(url, { tables })
  return (await db.fetchValue<number>`SELECT count(*) FROM cache_outbox`) as number
}

type Worker = { child: ChildProcess; readonly proxy: TcpProxy; counts: Record<string, number>; stopped: boolean }

class CheckedSystem {
  readonly history = new History()
  readonly counts: CheckCounts = {
    reads: 0,
    writes: 0,
    failedReads: 0,
    failedWrites: 0,
    slowestReadMs: 0,
    faults: {},
    cache: {},
  }
  readonly #options: CheckOptions
  readonly #databaseUrl: string
  readonly #redis: OwnRedis
  readonly #random: Random
  readonly #workers: Worker[] = []
  /** Names of kept snapshots, the oldest first. */
  readonly #snapshots: string[] = []
  readonly #healing = new Set<Promise<void>>()
  #ending = false
  #failure: Error | undefined

  constructor(options: CheckOptions, databaseUrl: string, redis: OwnRedis) {
    this.#options = options
    this.#databaseUrl = databaseUrl
    this.#redis = redis
    this.#random = new Random(options.seed)
  }

  async start(): Promise<void> {
    for (let index = 0; index < this.#options.processes; index++) {
      const proxy = await startTcpProxy(this.#redis.url)
      const worker: Worker = { proxy, counts: {}, stopped: false, child: undefined as unknown as ChildProcess }
      this.#workers.push(worker)
      await this.#run(worker)
    }
  }

  async #run(worker: Worker): Promise<void> {
    const options: WorkerOptions = {
      databaseUrl: this.#databaseUrl,
      redisUrl: worker.proxy.url,
      coherence: this.#options.coherence,
      // Now and then a process keeps nothing in its memory.
      local: this.#random.chance(0.8),
      seed: this.#random.whole(2 ** 31),
    }
    const child = fork(workerFile, [JSON.stringify(options)], { stdio: ["ignore", "inherit", "inherit", "ipc"] })
    worker.child = child
    worker.counts = {}
    child.on("message", (message: WorkerReport | "ready") => {
      if (message !== "ready") this.#record(worker, message)
    })
    child.on("exit", (code) => {
      if (!this.#ending && code !== null && code !== 0) this.#failure ??= new Error(`a worker ended with code ${code}`)
    })
    await Promise.race([once(child, "message"), once(child, "exit")])
  }

  #record(worker: Worker, report: WorkerReport): void {
    const { counts, history } = this
    for (const [row, version, begun] of report.seen) history.saw(row, version, begun)
    for (const [row, version, time] of report.acknowledged) history.acknowledge(row, version, time)
    counts.reads += report.reads
    counts.writes += report.writes
    counts.failedReads += report.failedReads
    counts.failedWrites += report.failedWrites
    counts.slowestReadMs = Math.max(counts.slowestReadMs, report.slowestReadUs / 1_000)
    for (const [name, count] of Object.entries(report.counts)) {
      counts.cache[name] = (counts.cache[name] ?? 0) + count - (worker.counts[name] ?? 0)
    }
    worker.counts = report.counts
  }

  /** Causes faults until the end, some of them side by side. */
  async harm(end: number): Promise<void> {
    const random = this.#random
    while (elapsed() < end) {
      await sleep(Math.min(random.spread(200, 5_000), Math.max(0, end - elapsed())))
      if (this.#failure !== undefined) throw this.#failure
      if (elapsed() >= end) break
      if (random.chance(0.4)) await this.#keepSnapshot()
      const fault = this.#pick()
      this.counts.faults[fault] = (this.counts.faults[fault] ?? 0) + 1
      await this.#cause(fault)
      // Until the cache is trusted again there is little to be broken.
      if (fault.startsWith("restarted")) await sleep(Math.min(2_500, Math.max(0, end - elapsed())))
    }
    await Promise.all(this.#healing)
  }

  #pick(): Fault {
    const entries = Object.entries(weights) as [Fault, number][]
    let left = this.#random.next() * entries.reduce((sum, [, weight]) => sum + weight, 0)
    for (const [fault, weight] of entries) {
      left -= weight
      if (left < 0) return fault
    }
    return "flushed"
  }

  async #keepSnapshot(): Promise<void> {
    const name = `snapshot-${this.#snapshots.length}`
    await this.#redis.keep(name)
    this.#snapshots.push(name)
  }

  async #cause(fault: Fault): Promise<void> {
    const random = this.#random
    const worker = random.pick(this.#workers)
    switch (fault) {
      case "worker stopped":
        if (worker.stopped) break
        worker.stopped = true
        worker.child.kill("SIGSTOP")
        this.#heal(random.spread(10, 3_500), () => {
          worker.stopped = false
          worker.child.kill("SIGCONT")
        })
        break
      case "worker killed":
        await this.#kill(worker)
        await this.#run(worker)
        break
      case "redis stopped":
        this.#redis.signal("SIGSTOP")
        await sleep(random.spread(10, 1_500))
        this.#redis.signal("SIGCONT")
        break
      case "flushed":
        await this.#redis.command("FLUSHALL")
        break
      case "restarted empty":
        await this.#redis.restart()
        break
      case "restarted as it was":
        await this.#keepSnapshot()
        await this.#redis.restart(this.#snapshots.at(-1))
        break
      case "restarted with an old snapshot":
        await this.#redis.restart(this.#snapshots.length === 0 ? undefined : random.pick(this.#snapshots.slice(-4)))
        break
      case "connections cut":
        for (const { proxy } of this.#workers) if (random.chance(0.5)) proxy.cut()
        break
      case "connection hangs":
        worker.proxy.hang()
        this.#heal(random.spread(20, 4_000), () => worker.proxy.restore())
        break
      case "redis unreachable for one":
        worker.proxy.away()
        this.#heal(random.spread(20, 4_000), () => worker.proxy.restore())
    }
  }

  async #kill(worker: Worker): Promise<void> {
    const { child } = worker
    worker.stopped = false
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, "exit")
    child.kill("SIGKILL")
    await ended
  }

  #heal(milliseconds: number, work: () => void): void {
    const healing = sleep(milliseconds).then(() => {
      work()
      this.#healing.delete(healing)
    })
    this.#healing.add(healing)
  }

  /** Lets all come to rest, then ends the workers and takes their last reports. */
  async stop(): Promise<void> {
    for (const { proxy } of this.#workers) proxy.restore()
    await sleep(3_000)
    this.#ending = true
    for (const { child } of this.#workers) child.send("stop")
    await Promise.all(
      this.#workers.map(({ child }) =>
        child.exitCode === null && child.signalCode === null ? once(child, "exit") : undefined,
      ),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending = true
    for (const worker of this.#workers) {
      await this.#kill(worker)
      await worker.proxy[Symbol.asyncDispose]()
    }
  }
}
