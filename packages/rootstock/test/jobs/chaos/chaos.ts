import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { setTimeout as pause } from "node:timers/promises"
import { elapsed } from "../../../src/clock/index.ts"
import { UnavailableError } from "../../../src/errors/index.ts"
import { type Database, openDatabase, transaction } from "../../../src/index.ts"
import { type Jobs, openJobs } from "../../../src/jobs/index.ts"
import { createLogger } from "../../../src/log/index.ts"
import { createSchema } from "../../../src/migrate/index.ts"
import { ifAvailable, whenAvailable } from "./available.ts"
import { atomic, Batches, committed, Ledger, tables } from "./tables.ts"
import { databaseAway } from "./worker-exit.ts"

export type ChaosOptions = {
  /** Of an empty database. */
  readonly url: string
  /** How many jobs are sent. */
  readonly jobs: number
  /** How long the chaos lasts, in seconds; what is left is done in peace. */
  readonly seconds: number
  readonly workers: number
  /** Of the random numbers that say who is killed when. */
  readonly seed: number
  /** Complete jobs by their id alone, which must be caught. */
  readonly ablated?: boolean
  /** URL of a broker by way of which the workers get their jobs. */
  readonly broker?: string
  /** What else happens now and then. */
  readonly disturbances?: readonly Disturbance[]
}

/** Something that is done to a server; not again before it has ended. */
export type Disturbance = {
  /** How likely it begins at one of the moments, about six in a second, at which it may, from 0 to 1. */
  readonly chance: number
  disturb(): Promise<void>
}

export type ChaosResult = {
  readonly sent: number
  /** Sent by workers, which were told that they are stored. */
  readonly own: number
  readonly effects: number
  /** Jobs without an effect. */
  readonly lost: number
  /** Effects beyond one a job. */
  readonly doubled: number
  /** Effects of jobs whose transaction was rolled back. */
  readonly ghosts: number
  /** Jobs that nobody did in peace. */
  readonly stuck: number
  /** Jobs that were left when the chaos was over. */
  readonly inPeace: number
  readonly dead: number
  /** Workers that are still registered after all of them have stopped. */
  readonly leftBehind: number
  readonly kills: number
  readonly freezes: number
  readonly cuts: number
  /** Workers that ended by themselves. */
  readonly crashes: number
  readonly seconds: number
}

/** Jobs are stuck when the chaos is over and none was done for so long, in milliseconds. */
const stillMs = 60_000
/** How long it may take until a process works, in milliseconds. */
const hireMs = 120_000

/** Numbers of jobs that are never committed begin here. */
const firstGhost = 1_000_000_000
/** Numbers of jobs that workers send themselves begin here, and so far apart for each process. */
const firstOwn = 2_000_000_000
const ownOfEach = 1_000_000

/** Workers as processes, which are killed and frozen at random while jobs are sent to them. */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const start = elapsed()
  await createSchema(options.url, tables)
  const name = `chaos_${options.seed}`
  await using db = await openDatabase(options.url, { tables, postgres: { applicationName: `${name}_driver` } })
  const jobs = openJobs(db, {
    jobs: [atomic, committed],
    log: createLogger({ name: "driver", level: "error", destination: process.stderr }),
  })
  const random = randomNumbers(options.seed)
  const crew = new Crew(options, name)
  const abandon = () => crew.abandon()
  process.once("exit", abandon)
  try {
    await crew.start()
    const end = elapsed() + options.seconds * 1_000
    const [sent] = await Promise.all([
      send(jobs, db.storage(Batches), options, elapsed() + options.seconds * 700, random),
      harass(crew, db, name, end, random),
      disturb(options.disturbances ?? [], end, random),
      holdSnapshots(db, end),
    ])
    await crew.comfort()
    const inPeace = await whenAvailable(() => jobs.store.jobs.count())
    const stuck = await untilDone(db, jobs)
    await untilBuried(jobs, options.workers)
    await crew.stop()
    const result = await count(db, jobs, sent, crew.acknowledged)
    const { kills, freezes, cuts, crashes } = crew
    return { ...result, stuck, inPeace, kills, freezes, cuts, crashes, seconds: Math.round(elapsed() - start) / 1_000 }
  } finally {
    process.off("exit", abandon)
    crew.abandon()
  }
}

/** Sends jobs one by one and many at once; one transaction in ten is rolled back. @returns how many were committed */
async function send(
  jobs: Jobs,
  batches: Batches,
  { jobs: total }: ChaosOptions,
  until: number,
  random: () => number,
): Promise<number> {
  let sent = 0
  let ghosts = firstGhost
  while (sent < total) {
    const size = Math.min(total - sent, 1 + Math.floor(random() ** 3 * 60))
    const rollsBack = random() < 0.1
    const first = rollsBack ? ghosts : sent
    const numbers = Array.from({ length: size }, (_, index) => ({ n: first + index }))
    const kind = random() < 0.5 ? atomic : committed
    try {
      await transaction(async () => {
        await batches.create({ first })
        await jobs.sendMany(kind, numbers)
        // Some take their time to commit; where there is one writer, all others wait for it.
        if (random() < 0.05) await pause(random() * (jobs.engine.singleWriter ? 50 : 1_500))
        if (rollsBack) throw new RolledBack()
      })
      sent += size
    } catch (error) {
      if (!(error instanceof RolledBack) && !(error instanceof UnavailableError)) throw error
      if (rollsBack) ghosts += size
      // Nobody was told whether it was committed.
      else if (await whenAvailable(() => batches.exists({ first }))) sent += size
    }
    const left = until - elapsed()
    if (left > 0) await pause((left / (total - sent + 1)) * size)
  }
  return sent
}

class RolledBack extends Error {}

async function harass(crew: Crew, db: Database<any>, name: string, end: number, random: () => number): Promise<void> {
  const cut = cutterOf(db, name)
  // Whatever chance says, one is killed.
  crew.kill(random)
  while (elapsed() < end) {
    await pause(50 + random() * 250)
    const dice = random()
    if (dice < 0.15) crew.kill(random)
    else if (dice < 0.8 || cut === undefined) crew.freeze(random, 500 + random() * 2_500)
    else {
      crew.cuts++
      await ifAvailable(cut)
    }
  }
}

/** Disturbs servers, each at once and then now and then. */
async function disturb(disturbances: readonly Disturbance[], end: number, random: () => number): Promise<void> {
  await Promise.all(
    disturbances.map(async (one) => {
      for (await one.disturb(); elapsed() < end; await pause(50 + random() * 250)) {
        if (random() < one.chance) await one.disturb()
      }
    }),
  )
}

/** The longest that one snapshot is held, in milliseconds: a server ends transactions that are idle for too long. */
const snapshotMs = 60_000

/** Holds a snapshot of the database open all the while, so that nothing that was done can be cleaned away. */
async function holdSnapshots(db: Database<any>, end: number): Promise<void> {
  while (elapsed() < end) {
    await ifAvailable(() =>
      transaction(
        async () => {
          await db.fetch`SELECT count(*) FROM job`
          await pause(Math.min(snapshotMs, Math.max(0, end - elapsed())))
        },
        { readOnly: true, isolation: "repeatable read" },
      ),
    )
  }
}

/** Cuts the connections of the workers, as a restart of the server does; undefined where there is no server. */
function cutterOf(db: Database<any>, name: string): (() => Promise<void>) | undefined {
  if (!db.version.startsWith("PostgreSQL")) return undefined
  return async () => {
    await db.fetch`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = ${name}`
  }
}

/** Waits until no job is left, as long as they become fewer. @returns how many are left */
async function untilDone(db: Database<any>, jobs: Jobs): Promise<number> {
  for (let least = Number.POSITIVE_INFINITY, since = elapsed(); ; await pause(50)) {
    const left = await whenAvailable(() => jobs.store.jobs.count())
    if (left < least) {
      least = left
      since = elapsed()
    } else if (elapsed() - since > stillMs) {
      console.error(
        "What is stuck:",
        await db.fetch`SELECT state, worker, count(*), min(run_at), max(run_at) FROM job GROUP BY 1, 2`,
      )
      return left
    }
    if (left === 0) return 0
  }
}

/** Waits until those that live have removed the workers that died, which takes them a while. */
async function untilBuried(jobs: Jobs, living: number): Promise<void> {
  for (const end = elapsed() + stillMs; elapsed() < end; await pause(50)) {
    if ((await whenAvailable(() => jobs.store.workers.count())) <= living) return
  }
}

async function count(db: Database<typeof tables>, jobs: Jobs, sent: number, own: ReadonlySet<number>) {
  const { ledger } = db.storages({ ledger: Ledger })
  let effects = 0
  let ghosts = 0
  let beside = 0
  const done = new Set<number>()
  for await (const { n } of ledger.stream()) {
    if (n >= firstGhost && n < firstOwn) ghosts++
    else {
      effects++
      // Nobody was told of some that a worker sent before it was killed.
      if (n >= firstOwn && !own.has(n) && !done.has(n)) beside++
      done.add(n)
    }
  }
  return {
    sent,
    own: own.size,
    effects,
    lost: sent + own.size + beside - done.size,
    doubled: effects - done.size,
    ghosts,
    dead: await jobs.store.dead.count(),
    leftBehind: await jobs.store.workers.count(),
  }
}

/** The processes of the workers. One that is killed is replaced. */
class Crew {
  kills = 0
  freezes = 0
  cuts = 0
  crashes = 0
  /** Numbers of jobs that workers sent and know to be stored. */
  readonly acknowledged = new Set<number>()
  #hired = 0
  #abandoned = false
  readonly #options: ChaosOptions
  readonly #name: string
  readonly #members = new Set<ChildProcess>()
  /** Those of them that have started. */
  readonly #working = new Set<ChildProcess>()
  readonly #hiring = new Set<Promise<void>>()
  readonly #thaws = new Map<ChildProcess, NodeJS.Timeout>()

  constructor(options: ChaosOptions, name: string) {
    this.#options = options
    this.#name = name
  }

  async start(): Promise<void> {
    await Promise.all(Array.from({ length: this.#options.workers }, () => this.#hire()))
  }

  /** Has a process begin to work, however long the database is away. */
  async #hire(): Promise<void> {
    for (const end = elapsed() + hireMs; !this.#abandoned; await pause(100)) {
      const code = await this.#tryToHire()
      if (code === undefined) return
      if (code !== databaseAway || elapsed() > end) throw new Error(`a worker did not start: it ended with ${code}`)
    }
  }

  /** @returns with what it ended where it did not start */
  async #tryToHire(): Promise<number | string | undefined> {
    const { url, ablated, broker = "database:" } = this.#options
    const program = new URL("./worker-process.ts", import.meta.url)
    const own = String(firstOwn + this.#hired++ * ownOfEach)
    const parameters = [url, this.#name, ablated === true ? "ablated" : "fenced", broker, own]
    const member = fork(program, parameters, { execArgv: [] })
    this.#members.add(member)
    member.on("message", (message) => {
      if (Array.isArray(message)) for (const n of message) this.acknowledged.add(n)
    })
    member.once("exit", () => {
      this.#members.delete(member)
      if (this.#working.delete(member)) this.#crashed()
    })
    await Promise.race([once(member, "message"), once(member, "exit")])
    if (!this.#members.has(member)) return member.exitCode ?? member.signalCode ?? "nothing"
    this.#working.add(member)
    return undefined
  }

  /** One of those that worked has ended by itself. */
  #crashed(): void {
    this.crashes++
    this.#replace()
  }

  #replace(): void {
    const hired = this.#hire().finally(() => this.#hiring.delete(hired))
    this.#hiring.add(hired)
  }

  /** One of those that work; undefined where it is the last, since somebody has to take over the jobs of the others. */
  #somebody(random: () => number): ChildProcess | undefined {
    const working = [...this.#working].filter((member) => !this.#thaws.has(member))
    return working.length < 2 ? undefined : working[Math.floor(random() * working.length)]
  }

  kill(random: () => number): void {
    const member = this.#somebody(random)
    if (member === undefined) return
    this.kills++
    this.#working.delete(member)
    member.kill("SIGKILL")
    this.#replace()
  }

  freeze(random: () => number, milliseconds: number): void {
    const member = this.#somebody(random)
    if (member === undefined) return
    this.freezes++
    member.kill("SIGSTOP")
    const timer = setTimeout(() => this.#thaw(member), milliseconds)
    this.#thaws.set(member, timer)
  }

  #thaw(member: ChildProcess): void {
    if (!this.#thaws.has(member)) return
    clearTimeout(this.#thaws.get(member))
    this.#thaws.delete(member)
    member.kill("SIGCONT")
  }

  /** Everybody lives again. */
  async comfort(): Promise<void> {
    for (const member of [...this.#thaws.keys()]) this.#thaw(member)
    await Promise.all(this.#hiring)
    for (const member of this.#members) member.send("enough")
  }

  async stop(): Promise<void> {
    this.#working.clear()
    await Promise.all(
      Array.from(this.#members, async (member) => {
        const exit = once(member, "exit")
        member.kill("SIGTERM")
        await exit
      }),
    )
  }

  /** Leaves no process behind. */
  abandon(): void {
    this.#abandoned = true
    this.#working.clear()
    for (const member of [...this.#thaws.keys()]) this.#thaw(member)
    for (const member of this.#members) member.kill("SIGKILL")
  }
}

/** Random numbers from 0 to 1 that are the same for the same seed: https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
export function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let value = Math.imul(state ^ (state >>> 15), 1 | state)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296
  }
}
