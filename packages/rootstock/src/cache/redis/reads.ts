import type { Kind, Load, Target } from "../coherence.ts"
import { ageOf, type Batches, type Found, type FoundEntry } from "./batches.ts"
import { Flight, type Outcome } from "./flight.ts"
import type { Order, Tokens } from "./order.ts"
import type { Pace } from "./pace.ts"
import type { Fill, Link, Server } from "./ports.ts"
import type { Timings } from "./timings.ts"
import type { Trust } from "./trust.ts"
import { renewalPrefix } from "./value.ts"

export type ReadsOptions = {
  readonly server: Server
  readonly trust: Trust
  readonly batches: Batches
  readonly pace: Pace
  readonly order: Order
  readonly tokens: Tokens
  readonly timings: Timings
  readonly warn: (message: string, cause?: unknown) => void
}

/** The right to fill a key: its token is in Redis. */
export type Lease = {
  readonly link: Link
  readonly epoch: number
  readonly token: string
  readonly tagTokens: string
}

/** How often a reader looks again for what another process loads, in milliseconds. */
const leastPollMs = 20
const mostPollMs = 50
/** A load that takes longer than this loses its lease, in milliseconds. */
const longestLoadMs = 30_000
/** A renewal that another process does is not tried again for so long, in milliseconds. */
const renewalRestMs = 100
/** A reader that had to read again so often goes to the database by itself. */
const mostAttempts = 3

/** Reads through Redis: one question for those that begin together, one load for those that miss. */
export class Reads {
  readonly #server: Server
  readonly #trust: Trust
  readonly #batches: Batches
  readonly #pace: Pace
  readonly #order: Order
  readonly #tokens: Tokens
  readonly #timings: Timings
  readonly #warn: (message: string, cause?: unknown) => void
  readonly #flights = new Map<string, Flight>()
  readonly #renewals = new Set<string>()
  /** Keys whose entry is looked at, to see whether it still is to be renewed. */
  readonly #looks = new Set<string>()
  /** Loads past the cache that have not begun. */
  readonly #bypasses = new Map<string, Promise<unknown>>()

  constructor(options: ReadsOptions) {
    this.#server = options.server
    this.#trust = options.trust
    this.#batches = options.batches
    this.#pace = options.pace
    this.#order = options.order
    this.#tokens = options.tokens
    this.#timings = options.timings
    this.#warn = options.warn
  }

  async read(target: Target, load: Load): Promise<unknown> {
    const { key, kind } = target
    const began = this.#order.next()
    for (let attempt = 1; attempt <= mostAttempts; attempt++) {
      const link = this.#trustedLink()
      if (link === undefined) break
      let flight = this.#flights.get(key)
      if (flight === undefined) {
        const asked = this.#batches.ask(link, target)
        await asked.answered
        const { found } = asked
        if (found.state === "entry") {
          kind.counters.hitsRemote++
          kind.trace?.("hit", key)
          if (isPastSoft(kind, found, link)) void this.#renew(target, load, link, found)
          return found.value
        }
        if (found.state === "failed") break
        flight = this.#flights.get(key) ?? this.#begin(target, load, link, found.state === "leased")
      }
      if (attempt === 1) {
        kind.counters.misses++
        kind.trace?.("miss", key)
      }
      const outcome = await flight.join(began)
      if (outcome?.failed === true) throw outcome.error
      if (outcome !== undefined) return outcome.value
    }
    kind.counters.bypassed++
    return this.#bypass(target, load)
  }

  /** A hit of the process's memory is past its soft time to live. */
  renewKept(target: Target, load: Load): void {
    const link = this.#trustedLink()
    if (link === undefined || this.#looks.has(target.key)) return
    this.#looks.add(target.key)
    void this.#batches.get(link, target).then(async (found) => {
      if (found.state === "entry" && isPastSoft(target.kind, found, link)) await this.#renew(target, load, link, found)
      this.#looks.delete(target.key)
    })
  }

  /** Loads what a write has seized; whoever reads in the meantime waits for it. */
  refresh(target: Target, load: Load, lease: Lease): void {
    const flight = new Flight()
    this.#flights.set(target.key, flight)
    void this.#fly(flight, target, load, lease)
  }

  #trustedLink(): Link | undefined {
    const { link } = this.#server
    return this.#pace.now() < this.#trust.trustedUntil(link) ? link : undefined
  }

  /** Straight to the database; only with those that ask before the load begins. */
  #bypass(target: Target, load: Load): Promise<unknown> {
    const { key } = target
    let shared = this.#bypasses.get(key)
    if (shared === undefined) {
      const { promise, resolve } = Promise.withResolvers<unknown>()
      shared = promise
      this.#bypasses.set(key, shared)
      this.#pace.timers.soon(() => {
        this.#bypasses.delete(key)
        resolve(loadFrozen(target, load))
      })
    }
    return shared
  }

  #begin(target: Target, load: Load, link: Link, leased: boolean): Flight {
    const flight = new Flight()
    this.#flights.set(target.key, flight)
    void this.#obtain(target, link, leased).then((obtained) => {
      if (obtained === undefined) void this.#fly(flight, target, load, undefined)
      else if ("token" in obtained) void this.#fly(flight, target, load, obtained)
      else {
        this.#landed(target, flight)
        flight.end(obtained)
      }
    })
    return flight
  }

  #landed({ key }: Target, flight: Flight): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key)
  }

  /** The lease, or what another process has loaded in the meantime; undefined where neither comes in time. */
  async #obtain(target: Target, link: Link, leased: boolean): Promise<Lease | Outcome | undefined> {
    const giveUpAt = this.#pace.now() + this.#timings.pollMs
    let found: Found = { state: leased ? "leased" : "missing" }
    for (;;) {
      if (found.state === "missing") {
        const answer = await this.#lease(target, link)
        if (answer === undefined || "token" in answer) return answer
        found = answer
      }
      if (found.state === "entry") return { asOf: found.asOf, failed: false, value: found.value }
      if (found.state === "failed" || this.#pace.now() >= giveUpAt || this.#trustedLink() !== link) return undefined
      if (found.state === "leased") {
        await this.#pace.sleep(leastPollMs + this.#pace.timers.random() * (mostPollMs - leastPollMs))
        if (this.#pace.stopped || this.#trustedLink() !== link) return undefined
        found = await this.#batches.get(link, target)
      }
    }
  }

  async #lease(target: Target, link: Link): Promise<Lease | Found | undefined> {
    const { key, tags, kind } = target
    const { epoch } = this.#trust
    const token = this.#tokens.next()
    const asOf = this.#order.next()
    const { leaseMs } = this.#timings
    const tagMs = Math.max(kind.ttlMs, kind.negativeTtlMs) + longestLoadMs
    try {
      const answer = await link.lease({ key, tags, epoch, token, leaseMs, tagMs, seize: false })
      if (answer.state === "mine") return { link, epoch, token, tagTokens: answer.tags }
      if (answer.state === "taken") return { state: "leased" }
      return this.#batches.entryOf(link, epoch, target, answer.text, asOf)
    } catch {
      return undefined
    }
  }

  async #fly(flight: Flight, target: Target, load: Load, lease: Lease | undefined): Promise<void> {
    const asOf = this.#order.next()
    const release = lease === undefined ? undefined : this.#prolong(target, lease)
    let value: unknown
    try {
      value = await loadFrozen(target, load)
    } catch (error) {
      this.#landed(target, flight)
      flight.end({ asOf, failed: true, error })
      if (lease !== undefined) await this.#fill(target, lease, undefined, undefined)
      return
    } finally {
      release?.()
    }
    flight.resolveLoaded({ asOf, failed: false, value })
    // Who comes from here on asks Redis, behind the fill.
    this.#landed(target, flight)
    if (lease === undefined) flight.resolveKept(undefined)
    else {
      const checkedAt = this.#order.next()
      const kept = await this.#fill(target, lease, undefined, { value })
      flight.resolveKept(kept ? { asOf: checkedAt, failed: false, value } : undefined)
    }
  }

  /** Keeps the lease alive while a load takes long. */
  #prolong({ key }: Target, { link, epoch, token }: Lease): () => void {
    const { leaseMs } = this.#timings
    const end = this.#pace.now() + longestLoadMs
    let cancel = (): void => undefined
    const next = () => {
      cancel = this.#pace.timers.after(leaseMs / 3, () => {
        if (this.#pace.stopped || this.#pace.now() >= end) return
        link.prolong(key, epoch, token, leaseMs).catch(() => undefined)
        next()
      })
    }
    next()
    return () => cancel()
  }

  /** Writes what was loaded in place of the token, or takes the token back where nothing is to be kept. */
  async #fill(
    target: Target,
    lease: Lease,
    renews: string | undefined,
    loaded: { readonly value: unknown } | undefined,
  ): Promise<boolean> {
    const { key, tags, kind } = target
    const { link, epoch, token, tagTokens } = lease
    try {
      const { lifeMs, payload } = this.#kept(target, loaded)
      const fill: Fill = { key, tags, epoch, token, renews, tagTokens, lifeMs, payload }
      const done = await link.fill(fill)
      if (lifeMs > 0 && done) {
        kind.counters.fills++
        kind.trace?.("fill", key)
      }
      if (loaded !== undefined && !done) kind.counters.refusedFills++
      return done
    } catch (error) {
      if (link.open) this.#warn(`The entry ${key} could not be kept.`, error)
      return false
    }
  }

  #kept({ kind }: Target, loaded: { readonly value: unknown } | undefined): { lifeMs: number; payload: string } {
    const nothing = { lifeMs: 0, payload: "" }
    if (loaded === undefined) return nothing
    const { value } = loaded
    const life = value === undefined ? kind.negativeTtlMs : kind.ttlMs
    if (life === 0) return nothing
    const lifeMs = Math.max(1, Math.round(life * (1 - this.#pace.timers.random() * kind.jitter)))
    return { lifeMs, payload: value === undefined ? "" : kind.encode(value) }
  }

  /** Replaces an entry that is good but old; it stays until then, and an invalidation in between wins. */
  async #renew(target: Target, load: Load, link: Link, found: FoundEntry): Promise<void> {
    const { key, kind } = target
    if (this.#renewals.has(key)) return
    this.#renewals.add(key)
    const { epoch } = this.#trust
    const token = this.#tokens.next()
    const { id, tagTokens } = found.entry
    const reserved = renewalPrefix + key
    try {
      if (await link.reserve(reserved, token, this.#timings.leaseMs)) {
        kind.counters.renewals++
        const value = await loadFrozen(target, load)
        await this.#fill(target, { link, epoch, token, tagTokens }, id, { value })
        // After a load that failed the reservation stays until its end, so that not every hit tries again.
        await link.discard(reserved, token)
      } else await this.#pace.sleep(renewalRestMs)
    } catch (error) {
      if (link.open) this.#warn(`The entry ${key} could not be renewed.`, error)
    } finally {
      this.#renewals.delete(key)
    }
  }
}

/** Whether a hit is to be renewed; a kept "there is none" only ends. */
function isPastSoft({ softTtlMs }: Kind, { value, entry }: FoundEntry, link: Link): boolean {
  return softTtlMs !== undefined && value !== undefined && ageOf(entry, link) >= softTtlMs
}

async function loadFrozen({ kind }: Target, load: Load): Promise<unknown> {
  return kind.freeze(await load())
}
