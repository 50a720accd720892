import { AsyncLocalStorage } from "node:async_hooks"
import { setTimeout as pause } from "node:timers/promises"
import { elapsed } from "../clock/index.ts"
import { ConfigError } from "../errors/index.ts"
import type { Field } from "../fields/index.ts"
import { type Claim, Floors } from "./claim.ts"
import type { Commits } from "./commits.ts"
import type { BatchCompletion } from "./completions.ts"
import { defineJob, type JobHandler } from "./define.ts"
import { JobInterruptedError, PermanentError } from "./errors.ts"
import type { Holdings } from "./holdings.ts"
import type { Jobs } from "./jobs.ts"
import type { Outcomes } from "./outcomes.ts"
import { type Attempt, Run } from "./run.ts"
import type { TakenJob } from "./taken.ts"
import { queueTopic, wakesOf } from "./wakes.ts"

/** As what a worker holds jobs, until it is taken for dead. */
export type Identity = {
  readonly id: string
  readonly outcomes: Outcomes
}

export type QueueServiceOptions = {
  readonly jobs: Jobs
  readonly queue: string
  readonly handlers: ReadonlyMap<string, JobHandler>
  readonly commits: Commits
  readonly claim: Claim
  readonly completion: BatchCompletion
  readonly holdings: Holdings
  /** The most jobs that are done at a time. */
  readonly concurrency: number
  /** The most jobs that are taken ahead. */
  readonly prefetch: number
  readonly pollMs: number
}

/** Jobs are taken ahead for about so long, in milliseconds: enough to keep busy, and not to keep from other workers. */
const aheadMs = 50
/** The most jobs of one claim. */
const mostAtOnce = 1_000
/** Pauses between the tries to write down an outcome while the database is away, in milliseconds. */
const firstPauseMs = 100
const longestPauseMs = 5_000

/** Takes the jobs of one queue and has them done. */
export class QueueService {
  readonly #options: QueueServiceOptions
  readonly #inOwnContext = AsyncLocalStorage.snapshot()
  readonly #floors = new Floors()
  #identity: Identity | undefined
  /** Taken, and not begun. */
  #ready: TakenJob[] = []
  readonly #running = new Map<string, Run>()
  /** Done, and not yet written down as such. */
  #returned: TakenJob[] = []
  #flush: Promise<void> | undefined
  #looking: Promise<void> | undefined
  /** Somebody sent a job, or may have, since the last look began. */
  #news = false
  /** Nothing is left to be taken, as far as is known. */
  #dry = false
  /** A claim failed, so that jobs may be held that nobody here knows. */
  #doubtful = false
  #poll: NodeJS.Timeout | undefined
  #due: { timer: NodeJS.Timeout; at: number } | undefined
  /** Moving average of how long an attempt takes, in milliseconds; undefined before the first. */
  #meanMs: number | undefined
  #stops: (() => unknown)[] = []
  #idle: (() => void) | undefined

  constructor(options: QueueServiceOptions) {
    this.#options = options
  }

  /** Listens, and begins to look. */
  async start(identity: Identity): Promise<void> {
    const { jobs, queue, pollMs } = this.#options
    this.#identity = identity
    this.#stops.push(wakesOf(jobs.engine).listen(queue, (due) => this.#inOwnContext(() => this.#wake(due))))
    this.#poll = setInterval(() => this.#inOwnContext(() => this.#pollNow()), pollMs)
    this.#stops.push(
      await jobs.engine.signals.listen(queueTopic(queue), () => this.#inOwnContext(() => void this.#peek())),
    )
    this.#look()
  }

  /** The worker was taken for dead: what it holds is another's. */
  lose(): void {
    this.#identity = undefined
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
    this.#look()
  }

  /** Takes nothing more. @returns the jobs that were taken and not begun, to be given back */
  async quiesce(): Promise<readonly TakenJob[]> {
    clearInterval(this.#poll)
    this.#poll = undefined
    clearTimeout(this.#due?.timer)
    this.#due = undefined
    for (const stop of this.#stops.splice(0)) await stop()
    await this.#looking
    return this.#ready.splice(0)
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
      if (held.get(id) === attempt || this.#running.get(id) !== run) continue
      run.interrupt(
        new JobInterruptedError(`The job ${id} (${kind}) was taken away while it ran.`, {
          cure: "Nothing is to be done: somebody cancelled, deleted or moved it.",
        }),
      )
    }
  }

  get #stopped(): boolean {
    return this.#poll === undefined
  }

  #wake(due: number): void {
    this.#floors.lower(due)
    if (due > this.#options.jobs.clock.now().getTime()) this.#lookAt(due)
    else this.#lookAgain()
  }

  #lookAgain(): void {
    this.#dry = false
    this.#news = true
    this.#look()
  }

  /** Sets the alarm to an instant, unless it rings before. */
  #lookAt(due: number): void {
    if (this.#stopped || (this.#due !== undefined && this.#due.at <= due)) return
    clearTimeout(this.#due?.timer)
    const wait = Math.max(1, due - this.#options.jobs.clock.now().getTime())
    // What is farther away is found by a look before it is due.
    if (wait > 2 * this.#options.pollMs) {
      this.#due = undefined
      return
    }
    const timer = setTimeout(() => {
      this.#due = undefined
      this.#lookAgain()
    }, wait)
    this.#due = { timer, at: due }
  }

  #pollNow(): void {
    this.#floors.reset()
    if (this.#dry) void this.#peek()
    else this.#look()
  }

  /** A look that takes nothing, for when there may be nothing: on SQLite a claim would wait for the writer. */
  async #peek(): Promise<void> {
    const { jobs, claim, queue } = this.#options
    if (!this.#dry || this.#looking !== undefined) {
      this.#news = true
      return
    }
    try {
      const { query, values } = claim.next(queue)
      const next = await jobs.backend.first(query, values)
      if (next === undefined || next === null || this.#stopped) return
      if (next.getTime() > jobs.clock.now().getTime()) this.#lookAt(next.getTime())
      else {
        this.#floors.lower(next.getTime())
        this.#lookAgain()
      }
    } catch (error) {
      jobs.log.debug(`The queue ${queue} cannot be looked at`, { error })
    }
  }

  #look(): void {
    if (this.#looking !== undefined || this.#identity === undefined || this.#stopped || this.#room() <= 0) return
    this.#looking = this.#takeAll().finally(() => {
      this.#looking = undefined
      // News that came while the last claim was being answered.
      if (this.#news && !this.#dry) this.#look()
    })
  }

  /** How many more jobs are wanted. */
  #room(): number {
    return this.#options.concurrency + this.#ahead() - this.#running.size - this.#ready.length
  }

  #ahead(): number {
    const { concurrency, prefetch } = this.#options
    if (this.#meanMs === undefined) return 0
    return Math.min(prefetch, Math.floor((concurrency * aheadMs) / Math.max(this.#meanMs, 0.05)))
  }

  async #takeAll(): Promise<void> {
    const { jobs, queue } = this.#options
    try {
      if (this.#doubtful) await this.#giveBackUnknown()
      while (!this.#dry && this.#identity !== undefined && !this.#stopped) {
        const limit = Math.min(this.#room(), mostAtOnce)
        if (limit <= 0) return
        this.#news = false
        const taken = await this.#take(this.#identity, limit)
        if (taken.length < limit && !this.#news) this.#dry = true
        this.#begin()
        // A few at a time are not worth a claim while others are at hand.
        if (this.#ready.length > this.#ahead() / 2) return
      }
    } catch (error) {
      this.#doubtful = true
      this.#dry = true
      jobs.log.warning(`Jobs of the queue ${queue} cannot be taken`, { error })
    }
  }

  async #take(identity: Identity, limit: number): Promise<readonly TakenJob[]> {
    const { jobs, claim, queue } = this.#options
    const present = jobs.clock.now()
    const { query, values } = claim.take(queue, present, limit, identity.id, this.#floors)
    const taken = await jobs.backend.all(query, values)
    if (this.#identity !== identity) return []
    taken.sort(byUrgency)
    this.#floors.raise(taken, taken.length < limit, present.getTime())
    this.#ready.push(...taken)
    return taken
  }

  /** Jobs whose claim was made and not answered wait again. */
  async #giveBackUnknown(): Promise<void> {
    const { holdings, queue } = this.#options
    const identity = this.#identity
    if (identity === undefined) return
    const held = await holdings.of(identity.id, queue)
    for (const { id } of [...this.#ready, ...this.#returned]) held.delete(id)
    for (const id of this.#running.keys()) held.delete(id)
    await holdings.giveBack(identity.id, [...held.keys()])
    this.#doubtful = false
    this.#dry = false
  }

  #begin(): void {
    while (this.#ready.length > 0 && this.#running.size < this.#options.concurrency && this.#identity !== undefined) {
      void this.#perform(this.#ready.shift() as TakenJob, this.#identity)
    }
  }

  async #perform(job: TakenJob, identity: Identity): Promise<void> {
    const { jobs, commits, handlers } = this.#options
    const present = jobs.clock.now()
    const handling = handlers.get(job.kind) ?? unknownKind(job.kind)
    const complete = () => identity.outcomes.complete(job)
    const run = new Run({ job, handling, complete, commits, present })
    const measured = jobs.measures.of(job)
    this.#running.set(job.id, run)
    const start = elapsed()
    measured.wait.observe(Math.max(0, present.getTime() - job.runAt.getTime()) / 1_000)
    const attempt = await run.perform()
    const duration = elapsed() - start
    measured.run.observe(duration / 1_000)
    this.#meanMs = this.#meanMs === undefined ? duration : this.#meanMs * 0.95 + duration * 0.05
    if (attempt.kind === "completed") {
      measured.completed++
      if (attempt.error !== undefined) {
        jobs.log.error(`The handler of ${job.kind} failed after it had committed`, {
          job_id: job.id,
          error: attempt.error,
        })
      }
    } else if (this.#identity === identity) await this.#settle(job, handling, attempt, identity)
    this.#ended(job, run)
  }

  #ended(job: TakenJob, run: Run): void {
    if (this.#running.get(job.id) === run) this.#running.delete(job.id)
    if (this.#stopped) {
      if (this.#running.size === 0) this.#idle?.()
      return
    }
    this.#begin()
    if (!this.#dry && this.#ready.length <= this.#ahead() / 2) this.#look()
  }

  async #settle(job: TakenJob, handling: JobHandler, attempt: Attempt, identity: Identity): Promise<void> {
    const { jobs } = this.#options
    const measured = jobs.measures.of(job)
    switch (attempt.kind) {
      case "returned":
        this.#returned.push(job)
        this.#flushSoon()
        return
      case "fenced out":
        measured.fencedOut++
        jobs.log.warning(`The job ${job.id} (${job.kind}) was another's when it was to be completed`, {
          attempt: job.attempt,
        })
        return
      case "failed":
        await this.#persist(identity, () => this.#fail(job, handling, attempt.error, identity))
        return
      default:
        // It is given back with all that its worker holds, or was taken away.
        return
    }
  }

  async #fail(job: TakenJob, handling: JobHandler, error: unknown, { outcomes }: Identity): Promise<void> {
    const { jobs, queue } = this.#options
    const measured = jobs.measures.of(job)
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
    const delay = handling.job.backoff(attempt, jobs.random())
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
      })
  }

  async #flushAll(): Promise<void> {
    while (this.#returned.length > 0) {
      const identity = this.#identity
      if (identity === undefined) {
        this.#returned = []
        return
      }
      const batch = this.#returned
      await this.#persist(identity, async () => {
        const stood = await this.#options.completion.complete(batch, identity.id)
        for (const job of batch) {
          const measured = this.#options.jobs.measures.of(job)
          if (stood.has(job.id)) measured.completed++
          else measured.fencedOut++
        }
      })
      this.#returned = this.#returned.slice(batch.length)
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

function byUrgency(left: TakenJob, right: TakenJob): number {
  return left.lane - right.lane || left.runAt.getTime() - right.runAt.getTime() || (left.id < right.id ? -1 : 1)
}
