import { elapsed } from "../clock/index.ts"
import { ConfigError, SerializationError, TimeoutError, UnavailableError } from "../errors/index.ts"
import { createLogger, type Logger } from "../log/index.ts"
import type { DeclaredSchedule } from "./define.ts"
import { type Fired, fireDue } from "./fire-due.ts"
import { firstDue } from "./measures.ts"
import { realign } from "./realign.ts"
import type { Schedules } from "./schedules.ts"
import type { ScheduleRow } from "./storages.ts"
import { syncDeclared } from "./sync.ts"
import { onWake } from "./wakes.ts"

export type SchedulerOptions = {
  /** All schedules that the program declares; rows of others that were declared once are ended. */
  declared?: readonly DeclaredSchedule[]
  /** The longest time between two looks for what is due, in milliseconds, 10 to 60,000 (default 1,000). */
  pollMs?: number
  /** The most schedules that are fired in one transaction (default 100). */
  batch?: number
  /** How long the rows of fires are kept, in milliseconds (default 30 days, at least one). */
  keepMs?: number
  /** Default: one named `schedules`. */
  log?: Logger
}

/** `off` before the start and after the stop; `away` while the database does not answer. */
export type SchedulerStatus = "off" | "connected" | "away"

const dayMs = 86_400_000
const pruneEveryMs = 3_600_000
/** Rows of fires are deleted by spans of their making, so that no statement is long. */
const pruneSpanMs = 3_600_000
/** A schedule that could not be fired is left alone for so long. */
const asideMs = 60_000
/** A clock that goes back by less is not worth a look at all schedules. */
const jumpMs = 1_000
const warnEveryMs = 60_000
/** The most lines of the log on what happens to many schedules at once. */
const mostLines = 10

/** What came of a look: fires that were made, and schedules that are not due any more or set aside. */
type Outcome = { readonly fires: number; readonly settled: number }

const nothing: Outcome = { fires: 0, settled: 0 }

/**
 * Fires what is due. Any number of them may run, in one process or many: none leads, and each fire is made once.
 */
export class Scheduler {
  readonly #schedules: Schedules
  readonly #declared: readonly DeclaredSchedule[]
  readonly #pollMs: number
  readonly #batch: number
  readonly #keepMs: number
  readonly #log: Logger
  /** Keys of schedules that could not be fired, and when they are tried again, in `elapsed()`. */
  readonly #aside = new Map<string, number>()
  #status: SchedulerStatus = "off"
  #starting: Promise<void> | undefined
  #loop: Promise<void> | undefined
  #ending: Promise<void> | undefined
  #stopping = false
  #stopListening: (() => void) | undefined
  #sleep: { until: number; end: () => void } | undefined
  /** The earliest time for which it was woken while it was awake. */
  #woken = Number.POSITIVE_INFINITY
  #lastLook: { clock: number; elapsed: number } | undefined
  /** The present instant of the last look for what is due. */
  #lookedAt = new Date(0)
  #pruned = Number.NEGATIVE_INFINITY
  #warned = Number.NEGATIVE_INFINITY

  constructor(schedules: Schedules, options: SchedulerOptions = {}) {
    const { pollMs = 1_000, batch = 100, keepMs = 30 * dayMs } = options
    checkOption("pollMs", pollMs, 10, 60_000)
    checkOption("batch", batch, 1, 1_000)
    checkOption("keepMs", keepMs, dayMs, 3_650 * dayMs)
    this.#schedules = schedules
    this.#declared = options.declared ?? []
    this.#pollMs = pollMs
    this.#batch = batch
    this.#keepMs = keepMs
    this.#log = options.log ?? createLogger({ name: "schedules", clock: schedules.jobs.clock })
  }

  get status(): SchedulerStatus {
    return this.#status
  }

  /**
   * Brings the declared schedules in step and begins to fire.
   *
   * @throws DeclarationError where two schedules have one key; what the database refuses
   */
  start(): Promise<void> {
    this.#starting ??= this.#begin().catch((error: unknown) => {
      this.#starting = undefined
      throw error
    })
    return this.#starting
  }

  async #begin(): Promise<void> {
    await syncDeclared(this.#schedules, this.#declared)
    await this.#realign()
    this.#stopListening = onWake(this.#schedules.jobs.database, (due) => this.#wake(due))
    this.#status = "connected"
    this.#log.info("Started", { declared: this.#declared.length })
    this.#loop = this.#run()
  }

  /** Ends what is being fired, and then fires no more. */
  stop(): Promise<void> {
    this.#ending ??= this.#end().finally(() => {
      this.#ending = undefined
    })
    return this.#ending
  }

  async #end(): Promise<void> {
    if (this.#starting === undefined) return
    this.#stopping = true
    try {
      await this.#starting
      this.#sleep?.end()
      await this.#loop
      this.#stopListening?.()
      this.#status = "off"
      this.#log.info("Stopped")
    } finally {
      this.#starting = undefined
      this.#stopping = false
    }
  }

  /**
   * Fires all that is due at the present instant. The scheduler does it by itself; tests that move a clock call it.
   *
   * @returns how many fires were made
   */
  async fireDue(): Promise<number> {
    if (this.#hasGoneBack()) await this.#realign()
    let made = 0
    for (;;) {
      const now = this.#now()
      this.#lookedAt = now
      const first = await firstDue(this.#schedules.jobs.database)
      if (first === undefined || first > now) return made
      const rows = await this.#due(now)
      const { fires, settled } = rows.length === 0 ? nothing : await this.#fire(rows, now)
      made += fires
      // Where others took them all, they go on with the rest.
      if (settled === 0 || this.#stopping) return made
    }
  }

  /** Deletes the rows of fires, and schedules that are over, that are older than they are kept; how many. */
  async prune(): Promise<number> {
    const { schedules, fires } = this.#schedules.store
    const before = new Date(this.#now().getTime() - this.#keepMs)
    let deleted = 0
    while (!this.#stopping) {
      const [oldest] = await fires.list({ where: { at: { lt: before } }, orderBy: { at: "asc" }, limit: 1 })
      if (oldest === undefined) break
      const end = new Date(Math.min(before.getTime(), oldest.at.getTime() + pruneSpanMs))
      deleted += await fires.deleteWhere({ at: { lt: end } })
    }
    return deleted + (await schedules.deleteWhere({ source: "stored", nextAt: null, updatedAt: { lt: before } }))
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      this.#woken = Number.POSITIVE_INFINITY
      let waitMs = this.#pollMs
      try {
        await this.fireDue()
        await this.#pruneSometimes()
        waitMs = await this.#untilNext()
        this.#isConnected()
      } catch (error) {
        this.#isAway(error)
      }
      await this.#wait(waitMs)
    }
  }

  /** Milliseconds to the next look: to the next fire, but no longer than a clock that jumps may be left alone. */
  async #untilNext(): Promise<number> {
    const first = await firstDue(this.#schedules.jobs.database)
    if (first === undefined) return this.#pollMs
    // What was due and still is was set aside, or is of kinds that only other programs know.
    if (first <= this.#lookedAt) return this.#pollMs
    return Math.min(Math.max(0, first.getTime() - this.#now().getTime()), this.#pollMs)
  }

  async #wait(milliseconds: number): Promise<void> {
    const until = this.#now().getTime() + milliseconds
    if (this.#stopping || this.#woken < until) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds)
      const end = () => {
        clearTimeout(timer)
        resolve()
      }
      this.#sleep = { until, end }
    })
    this.#sleep = undefined
  }

  #wake(due: number): void {
    this.#woken = Math.min(this.#woken, due)
    if (this.#sleep !== undefined && due < this.#sleep.until) this.#sleep.end()
  }

  async #due(now: Date): Promise<ScheduleRow[]> {
    const present = elapsed()
    for (const [key, until] of this.#aside) if (until <= present) this.#aside.delete(key)
    const { jobs, store } = this.#schedules
    return store.schedules.list({
      where: {
        enabled: true,
        nextAt: { lte: now },
        kind: jobs.definitions.map(({ kind }) => kind),
        ...(this.#aside.size === 0 ? {} : { key: { not: [...this.#aside.keys()] } }),
      },
      orderBy: { nextAt: "asc" },
      limit: this.#batch,
    })
  }

  /** Fires these together; where that fails for a reason of one of them, the others fire without it. */
  async #fire(rows: readonly ScheduleRow[], now: Date): Promise<Outcome> {
    try {
      const { taken, fires, missed } = await fireDue(this.#schedules, rows, now)
      this.#tellMissed(missed)
      if (fires > 0) this.#log.debug(`Fired ${fires} times`, { schedules: taken })
      return { fires, settled: taken }
    } catch (error) {
      if (isPassing(error)) throw error
      const [only] = rows
      if (rows.length === 1 && only !== undefined) {
        this.#setAside(only.key, error)
        return { fires: 0, settled: 1 }
      }
      const half = Math.ceil(rows.length / 2)
      const first = await this.#fire(rows.slice(0, half), now)
      const second = await this.#fire(rows.slice(half), now)
      return { fires: first.fires + second.fires, settled: first.settled + second.settled }
    }
  }

  #tellMissed(missed: Fired["missed"]): void {
    for (const { key, count } of missed.slice(0, mostLines)) {
      this.#log.warning(`The schedule ${key} missed ${count} ${count === 1 ? "fire" : "fires"}`)
    }
    if (missed.length > mostLines) this.#log.warning(`${missed.length - mostLines} more schedules missed fires`)
  }

  #setAside(key: string, error: unknown): void {
    this.#aside.set(key, elapsed() + asideMs)
    this.#schedules.measures.failed()
    const count = this.#aside.size
    if (count <= mostLines) {
      this.#log.error(`The schedule ${key} cannot be fired; it is tried again in a minute`, { error })
    } else if (count === mostLines + 1) this.#log.error("More schedules cannot be fired")
  }

  /** Whether the clock went back since the last look, which a monotonic one tells. */
  #hasGoneBack(): boolean {
    const look = { clock: this.#now().getTime(), elapsed: elapsed() }
    const last = this.#lastLook
    this.#lastLook = look
    return last !== undefined && look.clock - last.clock < look.elapsed - last.elapsed - jumpMs
  }

  async #realign(): Promise<void> {
    const mended = await realign(this.#schedules, this.#now())
    if (mended.length === 0) return
    const named =
      mended.length > 5 ? `${mended.slice(0, 5).join(", ")} and ${mended.length - 5} more` : mended.join(", ")
    this.#log.warning(`The clock or a zone's rules changed; the next fires were found anew of ${named}`)
  }

  async #pruneSometimes(): Promise<void> {
    if (elapsed() - this.#pruned < pruneEveryMs) return
    this.#pruned = elapsed()
    const deleted = await this.prune()
    if (deleted > 0) this.#log.info(`Pruned ${deleted} rows of old fires`)
  }

  #isConnected(): void {
    if (this.#status === "away") this.#log.info("The database answers again")
    this.#status = "connected"
    this.#warned = Number.NEGATIVE_INFINITY
  }

  #isAway(error: unknown): void {
    this.#status = "away"
    if (elapsed() - this.#warned < warnEveryMs) return
    this.#warned = elapsed()
    this.#log.warning("Schedules cannot be looked at; it is tried again", { error })
  }

  #now(): Date {
    return this.#schedules.jobs.clock.now()
  }
}

/** Whether the same work may succeed later, whatever the schedule is. */
function isPassing(error: unknown): boolean {
  return error instanceof UnavailableError || error instanceof TimeoutError || error instanceof SerializationError
}

function checkOption(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return
  throw new ConfigError(`${name} is ${value}.`, { cure: `Give a whole number from ${least} to ${most}.` })
}

/**
 * Makes a scheduler.
 *
 * @throws ConfigError where an option is out of range
 *
 * ### Examples
 *
 * ```ts
 * const scheduler = openScheduler(schedules, { declared: [orderReports] })
 * await scheduler.start()
 * await scheduler.stop()
 * ```
 */
export function openScheduler(schedules: Schedules, options?: SchedulerOptions): Scheduler {
  return new Scheduler(schedules, options)
}
