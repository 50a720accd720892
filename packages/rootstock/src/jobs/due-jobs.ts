import { AsyncLocalStorage } from "node:async_hooks"
import { elapsed } from "../clock/index.ts"
import { type Claim, Floors, mostAtOnce } from "./claim.ts"
import { Doubt } from "./doubt.ts"
import type { Hand, Offer } from "./hands.ts"
import type { Jobs } from "./jobs.ts"
import type { NewJob } from "./send.ts"
import type { Identity, Source, Taker } from "./source.ts"
import type { TakenJob } from "./taken.ts"
import { queueTopic, wakesOf } from "./wakes.ts"

export type DueJobsOptions = {
  readonly jobs: Jobs
  readonly queue: string
  readonly claim: Claim
  readonly pollMs: number
  /** Lets jobs wait again that were taken in this name, and of which nobody here was told. */
  readonly giveBackUnknown: (identity: Identity, queue: string, taker: Taker) => Promise<void>
}

/** What is sent in this process may be begun before what has waited for so long, in milliseconds, and not longer. */
const freshMs = 250
/** Who has more room than this has short jobs, of which some more in hand do no harm. */
const smallRoom = 100

/**
 * Takes the jobs of one queue that wait in the database and are due; while none does, those that are sent in this process are
 * its own from the start.
 */
export class DueJobs implements Source, Hand {
  readonly #options: DueJobsOptions
  readonly #inOwnContext = AsyncLocalStorage.snapshot()
  readonly #floors = new Floors()
  #identity: Identity | undefined
  #taker: Taker | undefined
  #looking: Promise<void> | undefined
  /** Somebody sent a job, or may have, since the last look began. */
  #news = false
  /** Nothing is left to be taken, as far as is known. */
  #dry = false
  /** The last claim left nothing that waits for long: who sends in this process need not stand in line. */
  #caughtUp = false
  /** As many as the claim may take that is under way. */
  #asked = 0
  readonly #doubt = new Doubt(() => this.#inOwnContext(() => this.#lookAgain()))
  /** Being stored as the worker's own, by id. */
  readonly #coming = new Set<string>()
  /** Settle when what is coming has come, or not. */
  readonly #offers = new Set<Promise<void>>()
  /** Nothing is offered until then, by the monotonic clock. */
  #closedUntil = 0
  #poll: NodeJS.Timeout | undefined
  #due: { timer: NodeJS.Timeout; at: number } | undefined
  #stops: (() => unknown)[] = []

  constructor(options: DueJobsOptions) {
    this.#options = options
  }

  async start(identity: Identity, taker: Taker): Promise<void> {
    const { jobs, queue, pollMs } = this.#options
    this.#identity = identity
    this.#taker = taker
    this.#stops.push(jobs.hands.open(queue, this))
    this.#stops.push(wakesOf(jobs.engine).listen(queue, (due) => this.#inOwnContext(() => this.#wake(due))))
    this.#poll = setInterval(() => this.#inOwnContext(() => this.#pollNow()), pollMs)
    this.#stops.push(
      await jobs.engine.signals.listen(queueTopic(queue), () => this.#inOwnContext(() => void this.#peek())),
    )
    this.look()
  }

  lose(): void {
    this.#identity = undefined
    this.#caughtUp = false
  }

  resume(identity: Identity): void {
    this.#identity = identity
    this.#dry = false
    this.look()
  }

  async stop(): Promise<void> {
    clearInterval(this.#poll)
    this.#poll = undefined
    clearTimeout(this.#due?.timer)
    this.#due = undefined
    for (const stop of this.#stops.splice(0)) await stop()
    await this.#looking
    await Promise.all(this.#offers)
    this.#doubt.end()
  }

  offer(jobs: readonly NewJob[]): Offer | undefined {
    const [identity, taker] = [this.#identity, this.#taker]
    if (identity === undefined || taker === undefined || !this.#mayOffer) return undefined
    if (this.#free(taker) < jobs.length) return undefined
    if (!jobs.every(({ definition }) => taker.handles?.(definition.kind) !== false)) return undefined
    for (const { id } of jobs) this.#coming.add(id)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#offers.add(promise)
    const end = () => {
      for (const { id } of jobs) this.#coming.delete(id)
      this.#offers.delete(promise)
      resolve()
    }
    return {
      state: this.#options.claim.state,
      worker: identity.id,
      accept: (taken) => {
        end()
        // Otherwise they are given back with all that the worker has.
        if (this.#identity === identity && !this.#stopped) this.#inOwnContext(() => taker.accept(taken))
      },
      decline: (why) => {
        end()
        if (why === "closed") this.#closedUntil = elapsed() + this.#options.pollMs
      },
      doubt: () => {
        end()
        this.#doubt.raise()
        this.#inOwnContext(() => this.#lookAgain())
      },
    }
  }

  /** Room for what is sent in this process. */
  #free(taker: Taker): number {
    const room = taker.room()
    const capacity = taker.capacity?.() ?? room
    // What is in hand, or may be claimed at this moment, will be done by the time that these are stored.
    if (capacity > smallRoom) return Math.min(room, capacity - this.#coming.size)
    // Where something may wait, it is left a share.
    const share = this.#dry ? capacity : Math.floor(capacity / 2)
    return Math.min(room - this.#asked, share - this.#coming.size)
  }

  get #mayOffer(): boolean {
    return this.#caughtUp && !this.#doubt.open && !this.#stopped && elapsed() >= this.#closedUntil
  }

  look(): void {
    const wanted = !this.#dry && this.#identity !== undefined && !this.#stopped && this.#limit() > 0
    if (this.#looking !== undefined || !wanted) return
    this.#looking = this.#takeAll().finally(() => {
      this.#looking = undefined
      // For news and room that came while the last claim was being answered.
      this.look()
    })
  }

  /** Jobs may be held that nobody here knows. */
  doubt(): void {
    this.#doubt.raise()
  }

  get #stopped(): boolean {
    return this.#poll === undefined
  }

  /** How many jobs a claim may take. */
  #limit(): number {
    const taker = this.#taker
    const room = taker?.room() ?? 0
    const capacity = taker?.capacity?.() ?? room
    const left = room - this.#coming.size
    // However many are sent in this process, others have their turn.
    const share = room > 0 && capacity > smallRoom ? Math.ceil(capacity / 4) : 0
    return Math.min(mostAtOnce, Math.max(left, share))
  }

  #wake(due: number): void {
    this.#floors.lower(due)
    if (due > this.#options.jobs.clock.now().getTime()) this.#lookAt(due)
    else this.#lookAgain()
  }

  #lookAgain(): void {
    this.#dry = false
    this.#news = true
    this.look()
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
      // A timer may ring a little before its time.
      this.#wake(due)
    }, wait)
    this.#due = { timer, at: due }
  }

  #pollNow(): void {
    this.#floors.reset()
    if (this.#doubt.open) this.#lookAgain()
    else if (this.#dry) void this.#peek()
    else this.look()
  }

  /** A look that takes nothing, for when there may be nothing: on SQLite a claim would wait for the writer. */
  async #peek(): Promise<void> {
    const { jobs, claim, queue } = this.#options
    if (!this.#dry || this.#looking !== undefined) {
      this.#floors.stepBack(jobs.clock.now().getTime())
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

  async #takeAll(): Promise<void> {
    const { jobs, queue } = this.#options
    try {
      if (this.#doubt.open) await this.#giveBackUnknown()
      while (!this.#dry && this.#identity !== undefined && !this.#stopped) {
        const limit = this.#limit()
        if (limit <= 0) return
        this.#news = false
        const begun = this.#options.jobs.clock.now().getTime()
        const taken = await this.#take(this.#identity, limit)
        const all = taken.length < limit
        this.#caughtUp = all || taken.every(({ runAt }) => begun - runAt.getTime() < freshMs)
        if (all && !this.#news) this.#dry = true
        if (taken.length > 0) this.#taker?.accept(taken)
      }
    } catch (error) {
      // It is tried again with each poll, so it is not told each time.
      jobs.log[this.#doubt.open ? "debug" : "warning"](`Jobs of the queue ${queue} cannot be taken`, { error })
      this.#doubt.raise()
      this.#dry = true
    }
  }

  async #take(identity: Identity, limit: number): Promise<readonly TakenJob[]> {
    const { jobs, claim, queue } = this.#options
    const present = jobs.clock.now()
    const { query, values } = claim.take(queue, present, limit, identity.id, this.#floors)
    this.#asked = limit
    const taken = await jobs.backend.all(query, values).finally(() => {
      this.#asked = 0
    })
    if (this.#identity !== identity) return []
    taken.sort(byUrgency)
    this.#floors.raise(taken, taken.length < limit, present.getTime())
    return taken
  }

  async #giveBackUnknown(): Promise<void> {
    const { queue, giveBackUnknown } = this.#options
    const taker = this.#taker
    if (this.#identity === undefined || taker === undefined) return
    const identity = this.#identity
    // Nothing more is offered meanwhile, and what was coming may have come.
    await this.#doubt.clear(async () => {
      await Promise.all(this.#offers)
      await giveBackUnknown(identity, queue, taker)
    })
    this.#dry = false
  }
}

function byUrgency(left: TakenJob, right: TakenJob): number {
  return left.lane - right.lane || left.runAt.getTime() - right.runAt.getTime() || (left.id < right.id ? -1 : 1)
}
