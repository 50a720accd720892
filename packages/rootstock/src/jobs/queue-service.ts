import { setTimeout as pause } from "node:timers/promises"
import { elapsed } from "../clock/index.ts"
import { ConfigError } from "../errors/index.ts"
import type { Field } from "../fields/index.ts"
import type { Commits } from "./commits.ts"
import type { BatchCompletion } from "./completions.ts"
import { defineJob, type JobHandler } from "./define.ts"
import { JobInterruptedError, PermanentError, RetryAfterError } from "./errors.ts"
import type { Holdings } from "./holdings.ts"
import type { Jobs } from "./jobs.ts"
import type { KindMeasures } from "./measures.ts"
import { type Attempt, Run } from "./run.ts"
import type { Identity, Source, Taker } from "./source.ts"
import type { TakenJob } from "./taken.ts"

export type QueueServiceOptions = {
  readonly jobs: Jobs
  readonly queue: string
  readonly handlers: ReadonlyMap<string, JobHandler>
  readonly commits: Commits
  readonly source: Source
  readonly completion: BatchCompletion
  readonly holdings: Holdings
  /** The most jobs that are done at a time. */
  readonly concurrency: number
  /** The most jobs that are taken ahead. */
  readonly prefetch: number
}

/** Jobs are taken ahead for about so long, in milliseconds: enough to keep busy, and not to keep from other workers. */
const aheadMs = 50
/** Attempts are begun for so long, in milliseconds, before something else has its turn. */
const turnMs = 10
/** Pauses between the tries to write down an outcome while the database is away, in milliseconds. */
const firstPauseMs = 100
const longestPauseMs = 5_000

/** An attempt that is under way. */
type Begun = {
  readonly run: Run
  readonly handling: JobHandler
  readonly identity: Identity
  readonly measured: KindMeasures
  /** By the monotonic clock. */
  readonly start: number
}

/** Has the jobs of one queue done. */
export class QueueService implements Taker {
  readonly #options: QueueServiceOptions
  /** Some kind of the queue is. */
  readonly #transactional: boolean
  #identity: Identity | undefined
  /** Taken, and not begun. */
  #ready: TakenJob[] = []
  readonly #running = new Map<string, Run>()
  /** Done, and not yet written down as such. */
  #returned: TakenJob[] = []
  /** Done, and being written down. */
  #flushed: readonly TakenJob[] = []
  #flush: Promise<void> | undefined
  #stopped = false
  #looksSoon = false
  #beginsSoon = false
  /** Moving average of how long an attempt takes, in milliseconds; undefined before the first. */
  #meanMs: number | undefined
  #idle: (() => void) | undefined

  constructor(options: QueueServiceOptions) {
    this.#options = options
    const { queue, handlers } = options
    this.#transactional = [...handlers.values()].some(({ job }) => job.queue === queue && job.transactional)
  }

  async start(identity: Identity): Promise<void> {
    this.#identity = identity
    await this.#options.source.start(identity, this)
  }

  /** The worker was taken for dead: what it holds is another's. */
  lose(): void {
    this.#identity = undefined
    this.#options.source.lose()
    this.#ready = []
    this.#returned = []
    const lost = new JobInterruptedError("The worker was taken for dead.", {
      cure: "Look for what kept the process from running: its jobs are done by others.",
    })
    for (const run of this.#running.values()) run.interrupt(lost)
  }

  /** The worker goes on as another one. */
  resume(identity: Identity): void {
    this.#identity = identity
    this.#options.source.resume(identity)
  }

  /** Begins nothing more from here on. */
  halt(): void {
    this.#stopped = true
  }

  /** Takes nothing more. @returns the jobs that were taken and not begun, to be given back */
  async quiesce(): Promise<readonly TakenJob[]> {
    this.halt()
    await this.#options.source.stop()
    const unbegun = this.#ready.splice(0)
    for (const job of unbegun) this.#options.source.settled?.(job)
    return unbegun
  }

  /** Resolves when nothing runs and all that was done is written down. */
  async drain(): Promise<void> {
    while (this.#running.size > 0 || this.#returned.length > 0 || this.#flush !== undefined) {
      if (this.#flush !== undefined) await this.#flush
      else if (this.#running.size > 0) {
        await new Promise<void>((resolve) => {
          this.#idle = resolve
        })
      } else this.#flushSoon()
    }
  }

  /** Interrupts what runs. */
  interrupt(error: JobInterruptedError): void {
    for (const run of this.#running.values()) run.interrupt(error)
  }

  /** Gives up what could not be written down. */
  abandon(): void {
    this.#identity = undefined
  }

  /** Interrupts those that run but are held no longer: somebody took them away. */
  async dropLost(): Promise<void> {
    const identity = this.#identity
    if (identity === undefined || this.#running.size === 0) return
    const before = [...this.#running.values()]
    const held = await this.#options.holdings.of(identity.id)
    for (const run of before) {
      const { id, attempt, kind } = run.job
      if (held.get(id) === attempt || this.#running.get(id) !== run || run.completing) continue
      run.interrupt(
        new JobInterruptedError(`The job ${id} (${kind}) was taken away while it ran.`, {
          cure: "Nothing is to be done: somebody cancelled, deleted or moved it.",
        }),
      )
    }
  }

  /** A few at a time are not worth a claim while others are at hand. */
  room(): number {
    const places = this.#places(this.#transactional)
    const ahead = this.#ahead(places)
    if (this.#ready.length > ahead / 2) return 0
    return places + ahead - this.#running.size - this.#ready.length
  }

  capacity(): number {
    const places = this.#places(this.#transactional)
    return places + this.#ahead(places)
  }

  accept(jobs: readonly TakenJob[]): void {
    this.#ready.push(...jobs)
    // Behind the source's next claim, which is answered meanwhile.
    process.nextTick(() => this.#begin())
  }

  has(id: string): boolean {
    const isIt = (job: TakenJob) => job.id === id
    return this.#running.has(id) || [this.#ready, this.#returned, this.#flushed].some((jobs) => jobs.some(isIt))
  }

  handles(kind: string): boolean {
    return this.#options.handlers.has(kind)
  }

  /** How many may be begun and not done: those that only wait for one commit are not done at the same time. */
  #places(transactional: boolean): number {
    const { concurrency, commits } = this.#options
    return transactional ? Math.max(concurrency, commits.together) : concurrency
  }

  #ahead(places: number): number {
    if (this.#meanMs === undefined) return 0
    return Math.min(this.#options.prefetch, Math.floor((places * aheadMs) / Math.max(this.#meanMs, 0.05)))
  }

  /** Handlers that return at once are not to keep everything else from running. */
  #begin(): void {
    const until = elapsed() + turnMs
    while (this.#ready.length > 0 && this.#identity !== undefined && !this.#stopped) {
      const { kind } = this.#ready[0] as TakenJob
      const handling = this.#options.handlers.get(kind) ?? unknownKind(kind)
      if (this.#running.size >= this.#places(handling.job.transactional)) return
      if (this.#perform(this.#ready.shift() as TakenJob, handling, this.#identity) > until) {
        this.#beginSoon()
        return
      }
    }
  }

  #beginSoon(): void {
    if (this.#beginsSoon) return
    this.#beginsSoon = true
    setImmediate(() => {
      this.#beginsSoon = false
      this.#begin()
    })
  }

  /** @returns the monotonic time at which its handler returned, or gave a promise */
  #perform(job: TakenJob, handling: JobHandler, identity: Identity): number {
    const { jobs, commits } = this.#options
    const present = jobs.clock.now()
    const complete = () => identity.outcomes.complete(job)
    const run = new Run({ job, handling, complete, commits, present })
    const measured = jobs.measures.of(job)
    measured.wait.observe(Math.max(0, present.getTime() - job.runAt.getTime()) / 1_000)
    const start = elapsed()
    const attempt = run.perform()
    const now = elapsed()
    if (attempt instanceof Promise) {
      this.#running.set(job.id, run)
      void this.#performed({ run, handling, identity, measured, start }, attempt)
    } else {
      this.#measure(measured, now - start)
      this.#complete(job)
      this.#lookSoon()
    }
    return now
  }

  #complete(job: TakenJob): void {
    this.#returned.push(job)
    this.#options.source.returned?.(job)
    this.#flushSoon()
  }

  #measure(measured: KindMeasures, duration: number): void {
    measured.run.observe(duration / 1_000)
    this.#meanMs = this.#meanMs === undefined ? duration : this.#meanMs * 0.95 + duration * 0.05
  }

  async #performed(begun: Begun, coming: Promise<Attempt>): Promise<void> {
    const { run, identity, measured, start } = begun
    const { job } = run
    const attempt = await coming
    this.#measure(measured, elapsed() - start)
    if (attempt.kind === "completed") {
      measured.completed++
      if (attempt.error !== undefined) {
        this.#options.jobs.log.error(`The handler of ${job.kind} failed after it had committed`, {
          job_id: job.id,
          error: attempt.error,
        })
      }
    } else if (this.#identity === identity) await this.#settle(begun, attempt)
    if (attempt.kind !== "returned") this.#options.source.settled?.(job)
    this.#ended(job, run)
  }

  #ended(job: TakenJob, run: Run): void {
    if (this.#running.get(job.id) === run) this.#running.delete(job.id)
    if (this.#stopped) {
      if (this.#running.size === 0) this.#idle?.()
      return
    }
    this.#begin()
    if (this.#ready.length > 0) this.#options.source.look()
    else this.#lookSoon()
  }

  /** Several may end in one turn: their places are filled by one claim. */
  #lookSoon(): void {
    if (this.#looksSoon) return
    this.#looksSoon = true
    process.nextTick(() => {
      this.#looksSoon = false
      this.#options.source.look()
    })
  }

  async #settle(begun: Begun, attempt: Attempt): Promise<void> {
    const { jobs } = this.#options
    const { identity, measured } = begun
    const { job } = begun.run
    switch (attempt.kind) {
      case "returned":
        this.#complete(job)
        return
      case "fenced out":
        measured.fencedOut++
        jobs.log.warning(`The job ${job.id} (${job.kind}) was another's when it was to be completed`, {
          attempt: job.attempt,
        })
        return
      case "failed":
        await this.#persist(identity, () => this.#fail(begun, attempt.error))
        return
      default:
        // It is given back with all that its worker holds, or was taken away.
        return
    }
  }

  async #fail({ run, handling, identity, measured }: Begun, error: unknown): Promise<void> {
    const { jobs, queue } = this.#options
    const { outcomes } = identity
    const { job } = run
    const { id, kind, attempt, maxAttempts } = job
    const fields = { job_id: id, attempt, error }
    const permanent = error instanceof PermanentError
    if (permanent || attempt >= maxAttempts) {
      if (!(await outcomes.bury(job, error, permanent ? "permanent" : "attempts"))) measured.fencedOut++
      else {
        measured.dead++
        jobs.log.error(`The job ${id} (${kind}) is dead after ${attempt} attempts`, fields)
      }
      return
    }
    const usual = handling.job.backoff(attempt, jobs.random())
    const delay = error instanceof RetryAfterError ? Math.max(usual, error.delayMs) : usual
    const runAt = new Date(jobs.clock.now().getTime() + delay)
    if (!(await outcomes.retry(job, error, runAt))) measured.fencedOut++
    else {
      measured.retried++
      jobs.log.warning(`Attempt ${attempt} at the job ${id} (${kind}) failed`, fields)
      jobs.wake(queue, runAt.getTime())
    }
  }

  #flushSoon(): void {
    if (this.#flush !== undefined) return
    this.#flush = new Promise<void>((resolve) => {
      setImmediate(resolve)
    })
      .then(() => this.#flushAll())
      .finally(() => {
        this.#flush = undefined
        // One that returned behind the last look, while the flush was ending.
        if (this.#returned.length > 0) this.#flushSoon()
      })
  }

  async #flushAll(): Promise<void> {
    while (this.#returned.length > 0) {
      const identity = this.#identity
      const batch = this.#returned
      this.#returned = []
      if (identity === undefined) return
      this.#flushed = batch
      await this.#persist(identity, async () => {
        for (const { jobs, stood } of await this.#options.completion.complete(batch, identity.id)) {
          const measured = this.#options.jobs.measures.of(jobs[0] as TakenJob)
          measured.completed += stood
          measured.fencedOut += jobs.length - stood
        }
      })
      this.#flushed = []
      for (const job of batch) this.#options.source.settled?.(job)
    }
  }

  /** Writes an outcome down, however long the database is away, as long as the worker is who it was. */
  async #persist(identity: Identity, write: () => Promise<void>): Promise<void> {
    for (let wait = firstPauseMs; this.#identity === identity; wait = Math.min(wait * 2, longestPauseMs)) {
      try {
        await write()
        return
      } catch (error) {
        this.#options.jobs.log.warning(`The outcome of jobs of ${this.#options.queue} cannot be written`, { error })
        await pause(wait)
      }
    }
  }
}

/** Another version of the program may know it: it is tried again as if its handler had failed. */
function unknownKind(kind: string): JobHandler {
  const handler = () => {
    throw new ConfigError(`There is no handler for the kind of job ${kind} in this worker.`, {
      cure: "Give the worker one, or let a program that has one work on the queue.",
    })
  }
  return { job: defineJob(kind, { queue: "unknown", payload: anything }), handler }
}

const anything: Field<unknown, false> = { schema: {}, optional: false }
