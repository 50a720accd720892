import { elapsed } from "../../clock/index.ts"
import { type RootstockError, TimeoutError, UnavailableError } from "../../errors/index.ts"
import { databaseClosed } from "../closed.ts"
import { connect } from "./connect.ts"
import { CheckExchange, type Exchange } from "./exchange.ts"
import type { PoolOptions, Target } from "./options.ts"
import type { Wire } from "./wire.ts"

/** How often connections without use are looked through at least. */
const tendMs = 1_000
/** How many connections beyond `size` are opened at the same moment. */
const atOnce = 4
/** How long no connection is opened after the server refused one while others serve. */
const refusedMs = 1_000

type Waiter = {
  readonly label: string
  readonly since: number
  readonly take: (wire: Wire) => void
  readonly fail: (error: unknown) => void
}

export type PoolSettings = PoolOptions & {
  readonly connectDelaysMs?: readonly number[] | undefined
  readonly warn?: ((message: string) => void) | undefined
}

/**
 * Connections to one server. Single statements go straight to one without work; a transaction holds one. Who finds
 * none waits in line.
 */
export class Pool {
  readonly #target: Target
  readonly #size: number
  readonly #most: number
  readonly #idleMs: number
  readonly #lifetimeMs: number
  readonly #waitMs: number
  readonly #patienceMs: number
  readonly #checkMs: number
  readonly #answerMs: number
  readonly #tendMs: number
  readonly #closeMs: number
  readonly #delays: readonly number[]
  readonly #warn: (message: string) => void
  readonly #wires = new Set<Wire>()
  /** The one used last is at the end. */
  readonly #idle: Wire[] = []
  #waiters: Waiter[] = []
  /** Connections that are being opened or checked: each will serve a waiter. */
  #coming = 0
  #opening = 0
  #refusedUntil = 0
  #watch: NodeJS.Timeout | undefined
  #tend: NodeJS.Timeout | undefined
  #closed: PromiseWithResolvers<void> | undefined

  constructor(target: Target, settings: PoolSettings) {
    this.#target = target
    this.#size = settings.size ?? 10
    this.#most = this.#size + (settings.overflow ?? 20)
    this.#idleMs = settings.idleMs ?? 10_000
    this.#lifetimeMs = settings.lifetimeMs ?? 3_600_000
    this.#waitMs = settings.waitMs ?? 10_000
    this.#patienceMs = settings.patienceMs ?? 20
    this.#checkMs = settings.checkMs ?? 15_000
    this.#answerMs = settings.answerMs ?? 2_000
    this.#closeMs = settings.closeMs ?? 30_000
    this.#tendMs = Math.max(5, Math.min(tendMs, this.#idleMs / 2, this.#lifetimeMs / 2, this.#checkMs / 2))
    this.#delays = settings.connectDelaysMs ?? [200, 1_000]
    this.#warn = settings.warn ?? (() => undefined)
  }

  /** Open connections. */
  get count(): number {
    return this.#wires.size
  }

  /** Sends to a connection without work, or as soon as there is one. */
  submit(exchange: Exchange): void {
    const wire = this.#take()
    if (wire !== undefined) wire.send(exchange)
    else
      this.#wait(
        exchange.label,
        (free) => free.send(exchange),
        (error) => exchange.fail(error),
      )
  }

  /** A connection for one user alone, until it is given back. */
  hold(label: string): Promise<Wire> {
    const wire = this.#take()
    if (wire !== undefined) {
      wire.holder = label
      wire.since = elapsed()
      return Promise.resolve(wire)
    }
    return new Promise((resolve, reject) => {
      this.#wait(
        label,
        (free) => {
          free.holder = label
          free.since = elapsed()
          resolve(free)
        },
        reject,
      )
    })
  }

  giveBack(wire: Wire): void {
    wire.holder = undefined
    if (wire.lost === undefined && wire.asked === undefined) this.#release(wire)
  }

  /** Opens the first connection, so that a wrong address shows at once. */
  async start(): Promise<void> {
    await this.#open()
  }

  /** Waits for what runs and for who waits, but not for ever, and closes all. */
  close(): Promise<void> {
    if (this.#closed === undefined) {
      this.#closed = Promise.withResolvers()
      clearInterval(this.#tend)
      for (const wire of this.#idle.splice(0)) void this.#retire(wire)
      const limit = setTimeout(() => this.#cut(), this.#closeMs)
      void this.#closed.promise.then(() => clearTimeout(limit))
      this.#finish()
    }
    return this.#closed.promise
  }

  #cut(): void {
    const users = [...this.#wires].map((wire) => wire.holder ?? wire.asked?.label)
    this.#warn(
      `The database was closed while it was in use by ${users.join(", ") || "calls that wait for a connection"}.`,
    )
    const closed = databaseClosed()
    for (const waiter of this.#waiters.splice(0)) waiter.fail(closed)
    for (const wire of this.#wires) wire.destroy(closed)
  }

  #take(): Wire | undefined {
    for (let wire = this.#idle.pop(); wire !== undefined; wire = this.#idle.pop()) {
      if (!wire.doubtful) return wire
      this.#check(wire)
    }
    return undefined
  }

  #wait(label: string, take: (wire: Wire) => void, fail: (error: unknown) => void): void {
    if (this.#closed !== undefined) {
      fail(databaseClosed())
      return
    }
    this.#waiters.push({ label, since: elapsed(), take, fail })
    this.#grow(this.#size)
    this.#watch ??= setTimeout(() => this.#look(), this.#patienceMs)
  }

  /** A connection has become free. */
  #release(wire: Wire): void {
    const waiter = this.#waiters.shift()
    if (waiter !== undefined && !wire.retired) {
      waiter.take(wire)
      return
    }
    if (waiter !== undefined) this.#waiters.unshift(waiter)
    if (wire.retired || this.#closed !== undefined) {
      void this.#retire(wire)
      return
    }
    wire.since = elapsed()
    this.#idle.push(wire)
  }

  async #retire(wire: Wire): Promise<void> {
    wire.holder = "closing"
    await wire.close()
  }

  /** Opens connections for those who wait, as long as there are at most `limit`. */
  #grow(limit: number): void {
    while (this.#coming < this.#waiters.length && this.#wires.size + this.#opening < limit) {
      if (this.#refusedUntil > 0 && this.#wires.size > 0 && elapsed() < this.#refusedUntil) return
      // Those who wait learn of a failure.
      this.#open().catch(() => undefined)
    }
  }

  #open(): Promise<void> {
    this.#opening++
    this.#coming++
    this.#tend ??= setInterval(() => this.#tendIdle(), this.#tendMs).unref()
    const begun = elapsed()
    return connect(
      this.#target,
      {
        place: this.#target.place,
        prepares: this.#target.prepares,
        onIdle: (wire) => this.#release(wire),
        onLost: (wire) => this.#lose(wire),
        onStale: () => {
          for (const wire of this.#wires) wire.markPlansStale()
        },
      },
      this.#delays,
    ).then(
      (wire) => {
        this.#opening--
        this.#coming--
        this.#refusedUntil = 0
        // Closed by the server between its greeting and this turn of the program.
        if (wire.lost === undefined) {
          this.#wires.add(wire)
          this.#release(wire)
        } else this.#grow(this.#size)
      },
      (error: Error) => {
        this.#opening--
        this.#coming--
        if (this.#wires.size > 0) {
          this.#refusedUntil = elapsed() + refusedMs
          this.#warn(error.message)
        } else this.#failWaiters(error, this.#opening === 0 ? elapsed() : begun)
        this.#finish()
        throw error
      },
    )
  }

  /** Tells those who have waited since `begun` or longer, for whom all tries have failed. */
  #failWaiters(error: Error, begun: number): void {
    const failed = this.#waiters.filter(({ since }) => since <= begun)
    this.#waiters = this.#waiters.filter(({ since }) => since > begun)
    for (const waiter of failed) waiter.fail(error)
  }

  /** Asks a connection that nobody has used for a while whether it is alive, and only then uses it. */
  #check(wire: Wire): void {
    this.#coming++
    wire.holder = "check"
    const limit = setTimeout(() => wire.destroy(new Error(`no answer within ${this.#answerMs} ms`)), this.#answerMs)
    const check = new CheckExchange((error) => {
      clearTimeout(limit)
      this.#coming--
      wire.doubtful = false
      // A lost connection is replaced where its loss is noticed.
      if (error === undefined) wire.holder = undefined
    })
    wire.send(check)
  }

  #lose(wire: Wire): void {
    if (!this.#wires.delete(wire)) return
    const at = this.#idle.indexOf(wire)
    if (at >= 0) this.#idle.splice(at, 1)
    // The check that is lost with it no longer counts as coming; it says so right after this.
    queueMicrotask(() => {
      this.#grow(this.#size)
      this.#finish()
    })
  }

  /** Looks after those who wait. */
  #look(): void {
    this.#watch = undefined
    const present = elapsed()
    while (this.#waiters.length > 0 && present - this.#waiters[0]!.since >= this.#waitMs) {
      const waiter = this.#waiters.shift() as Waiter
      waiter.fail(this.#waitedTooLong(waiter))
    }
    if (this.#waiters.length === 0) return
    const impatient = this.#waiters.findIndex(({ since }) => present - since < this.#patienceMs)
    const wanted = Math.min(impatient < 0 ? this.#waiters.length : impatient, atOnce)
    this.#grow(Math.min(this.#most, Math.max(this.#size, this.#wires.size + this.#opening + wanted)))
    this.#watch = setTimeout(() => this.#look(), Math.max(this.#patienceMs, 5))
  }

  #waitedTooLong({ label }: Waiter): RootstockError {
    if (this.#wires.size === 0) {
      return new UnavailableError(
        `The database server at ${this.#target.place} did not answer within ${this.#waitMs / 1000} s.`,
        {
          cure: "Check that the server runs, and that host and port in the database URL are right.",
        },
      )
    }
    const present = elapsed()
    const users = new Map<string, { count: number; longest: number }>()
    for (const wire of this.#wires) {
      const name = wire.holder ?? wire.asked?.label ?? "nobody"
      const user = users.get(name) ?? { count: 0, longest: 0 }
      user.count++
      if (wire.holder !== undefined) user.longest = Math.max(user.longest, present - wire.since)
      users.set(name, user)
    }
    const shown = [...users].map(([name, { count, longest }]) => {
      const held = longest > 0 ? `, held for up to ${(longest / 1000).toFixed(1)} s` : ""
      return `${name} (${count}${held})`
    })
    return new TimeoutError(
      `${label} found no free connection within ${this.#waitMs / 1000} s: ${this.#wires.size} of ${this.#most} are open, used by ${shown.join(", ") || "nobody"}.`,
      { cure: "Make those transactions and statements shorter, or the pool larger." },
    )
  }

  /** Closes what is too old or too many, and marks what must be checked before it is used. */
  #tendIdle(): void {
    const present = elapsed()
    for (const wire of this.#wires) if (present - wire.opened > this.#lifetimeMs) wire.retired = true
    let surplus = this.#wires.size - this.#size
    const kept: Wire[] = []
    for (const wire of this.#idle) {
      const unused = present - wire.since
      if (wire.retired || (surplus > 0 && unused >= this.#idleMs)) {
        surplus--
        void this.#retire(wire)
      } else {
        if (unused >= this.#checkMs) wire.doubtful = true
        kept.push(wire)
      }
    }
    this.#idle.splice(0, this.#idle.length, ...kept)
  }

  #finish(): void {
    if (this.#closed === undefined || this.#wires.size > 0 || this.#opening > 0) return
    clearTimeout(this.#watch)
    this.#closed.resolve()
  }
}
