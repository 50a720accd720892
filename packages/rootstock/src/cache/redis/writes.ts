import type { Changes, Load, Target } from "../coherence.ts"
import type { LocalTier } from "./local.ts"
import type { Tokens } from "./order.ts"
import type { Pace } from "./pace.ts"
import type { LeaseAnswer, Link, Server } from "./ports.ts"
import type { Lease, Reads } from "./reads.ts"
import type { Timings } from "./timings.ts"
import type { Trust } from "./trust.ts"

export type WritesOptions = {
  readonly server: Server
  readonly trust: Trust
  readonly local: LocalTier | undefined
  readonly reads: Reads
  readonly pace: Pace
  readonly tokens: Tokens
  readonly timings: Timings
}

type Renewal = { readonly target: Target; readonly load: Load }

/** Invalidations that go to Redis together. */
type Portion = {
  readonly link: Link
  readonly keys: Set<string>
  readonly renewed: Map<string, Renewal>
  /** Whether Redis confirmed all of it. */
  readonly done: Promise<boolean>
}

/** Keys that one command deletes at most. */
const mostKeys = 1_000
const leastPauseMs = 20
const mostPauseMs = 50
/** The tags of a seized entry live longer than it by this much, in milliseconds. */
const tagMarginMs = 30_000

/** Invalidations after commits, and the fence that makes an acknowledgement mean that every reader knows of them. */
export class Writes {
  readonly #server: Server
  readonly #trust: Trust
  readonly #local: LocalTier | undefined
  readonly #reads: Reads
  readonly #pace: Pace
  readonly #tokens: Tokens
  readonly #timings: Timings
  #portion: Portion | undefined

  constructor(options: WritesOptions) {
    this.#server = options.server
    this.#trust = options.trust
    this.#local = options.local
    this.#reads = options.reads
    this.#pace = options.pace
    this.#tokens = options.tokens
    this.#timings = options.timings
  }

  /**
   * Invalidates what a commit changed, and resolves when no reader that is to come can be given what was before: with
   * true then, with false where the cache stopped before that was sure.
   */
  async fence(changes: Changes): Promise<boolean> {
    if (this.#isOffForLong()) return true
    const begun = this.#pace.now()
    while (!this.#pace.stopped) {
      const link = this.#server.link
      if (link !== undefined && this.#trust.counts(link)) {
        // The answer must have come while the same look at the database still was relied on.
        if ((await this.#invalidate(link, changes)) && this.#trust.counts(link)) {
          this.#trust.stuck = false
          await this.#pace.sleep(this.#trust.windowMs * this.#timings.windowFactor)
          return true
        }
      }
      // This look begins after the commit: where it says off, whoever believes Redis later loads what was committed.
      if ((await this.#trust.look()) && this.#trust.mode === "off") return this.#waitUntilQuiet()
      const present = this.#server.link
      const reachable = present !== undefined && this.#trust.counts(present)
      const inVain = this.#pace.now() - begun >= this.#timings.patienceMs
      // What was kept has its time to live, and that is all that was promised.
      if (inVain && !this.#trust.agreed) return false
      if ((inVain || (!reachable && this.#trust.mode === "warming")) && (await this.#turnOff())) continue
      await this.#pace.sleep(leastPauseMs + this.#pace.timers.random() * (mostPauseMs - leastPauseMs))
    }
    return false
  }

  async #turnOff(): Promise<boolean> {
    this.#trust.stuck = true
    try {
      await this.#trust.turnOff()
      return this.#trust.mode === "off"
    } catch {
      // The database does not answer; nothing is acknowledged before it does.
      return false
    }
  }

  /** Invalidates without waiting for other processes' memory; whether it counts. For what a dead writer left. */
  async repair(keys: readonly string[]): Promise<boolean> {
    const { link } = this.#server
    if (link !== undefined && this.#trust.counts(link)) {
      const changes = { dropped: new Set(keys), renewed: new Map() }
      return (await this.#invalidate(link, changes)) && this.#trust.counts(link)
    }
    return (await this.#trust.look()) && this.#trust.mode === "off"
  }

  /**
   * Whether no process has believed Redis for so long that none does. A look at `off` that is relied on is enough: `on`
   * follows after two more modes, later than it can be relied on.
   */
  #isOffForLong(): boolean {
    const { mode, current, quietSince } = this.#trust
    return mode === "off" && current && quietSince !== undefined && this.#quietFor(quietSince) >= this.#timings.fenceMs
  }

  #quietFor(quietSince: number): number {
    return this.#pace.now() - quietSince
  }

  async #waitUntilQuiet(): Promise<boolean> {
    const { quietSince } = this.#trust
    if (quietSince !== undefined) await this.#pace.sleep(this.#timings.fenceMs - this.#quietFor(quietSince))
    return !this.#pace.stopped
  }

  /** Whether Redis confirmed that the keys are gone; what is to be renewed is seized, and loaded from here on. */
  #invalidate(link: Link, { dropped, renewed }: Changes): Promise<boolean> {
    let portion = this.#portion
    if (portion === undefined || portion.link !== link) {
      const { promise, resolve } = Promise.withResolvers<boolean>()
      const made: Portion = { link, keys: new Set(), renewed: new Map(), done: promise }
      this.#portion = made
      this.#pace.timers.soon(() => resolve(this.#send(made)))
      portion = made
    }
    for (const key of dropped) portion.keys.add(key)
    // An entry is only seized for readers to come that may believe it.
    const trusted = this.#pace.now() < this.#trust.trustedUntil(link)
    for (const [key, renewal] of renewed) {
      if (trusted) portion.renewed.set(key, renewal)
      else portion.keys.add(key)
    }
    return portion.done
  }

  async #send(portion: Portion): Promise<boolean> {
    if (this.#portion === portion) this.#portion = undefined
    const { link, keys, renewed } = portion
    const { epoch } = this.#trust
    for (const key of renewed.keys()) keys.delete(key)
    const removed = portions([...keys]).map((some) => link.remove(some))
    const seized = Promise.all([...renewed.values()].map((renewal) => this.#seize(link, epoch, renewal)))
    try {
      await Promise.all([...removed, seized.catch(() => this.#removeUnseized(link, renewed))])
      return true
    } catch {
      return false
    }
  }

  /** A server that is full refuses what writes, and still deletes. */
  async #removeUnseized(link: Link, renewed: ReadonlyMap<string, Renewal>): Promise<void> {
    for (const some of portions([...renewed.keys()])) await link.remove(some)
  }

  async #seize(link: Link, epoch: number, { target, load }: Renewal): Promise<void> {
    const { key, tags, kind } = target
    const token = this.#tokens.next()
    const tagMs = kind.ttlMs + tagMarginMs
    const ask = { key, tags, epoch, token, leaseMs: this.#timings.leaseMs, tagMs, seize: true }
    const answer: LeaseAnswer = await link.lease(ask)
    if (answer.state !== "mine") return
    const lease: Lease = { link, epoch, token, tagTokens: answer.tags }
    this.#reads.refresh(target, load, lease)
  }

  /** What the process's memory holds of it is forgotten at once, before anybody else knows. */
  forget({ dropped }: Changes): void {
    if (this.#local !== undefined) for (const key of dropped) this.#local.memory.drop(key)
  }
}

function portions(keys: readonly string[]): string[][] {
  const result: string[][] = []
  for (let at = 0; at < keys.length; at += mostKeys) result.push(keys.slice(at, at + mostKeys))
  return result
}
