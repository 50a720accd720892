import { absent, type CacheState, type Changes, type Coherence, type Load, type Target } from "../coherence.ts"
import type { Memory, MemoryLimits } from "../memory.ts"
import { Batches } from "./batches.ts"
import { Contents } from "./contents.ts"
import { LocalTier } from "./local.ts"
import { Order, Tokens } from "./order.ts"
import { Outbox } from "./outbox.ts"
import { Pace, within } from "./pace.ts"
import type { ControlStore, Mode, Server, Timers } from "./ports.ts"
import { Reads } from "./reads.ts"
import { type Timings, timings as usualTimings } from "./timings.ts"
import { BlindTrust, DatabaseTrust, type Trust, type TrustOptions } from "./trust.ts"
import { Writes } from "./writes.ts"

/**
 * What an acknowledged write means to readers: `strict` that each read which starts after it sees it, `bounded` that they
 * do within some 1.2 s, `ttl` that they do when what was kept has ended.
 */
export type CoherenceMode = "strict" | "bounded" | "ttl"

export type RedisCoherenceOptions = {
  readonly server: Server
  /** The control tables; undefined for `ttl` alone. */
  readonly store: ControlStore | undefined
  readonly timers: Timers
  readonly mode: CoherenceMode
  /** Whether values are kept in the process's memory too. */
  readonly local: boolean
  readonly memory?: MemoryLimits | undefined
  /** Told of what goes wrong in the background. */
  readonly warn: (message: string, cause?: unknown) => void
  /** The same in every process of a system. */
  readonly timings?: Timings | undefined
  /** Makes the view of the database; for who studies the protocol. */
  readonly trust?: ((options: TrustOptions) => Trust) | undefined
}

/** How a cache over Redis stands, in the view of this process. */
export type RedisStanding = {
  /** What the database says. */
  readonly mode: Mode
  readonly epoch: number
  /** Whether entries are given at present. */
  readonly serving: boolean
  /** Writes that are committed and not acknowledged. */
  readonly waitingWrites: number
}

/** How long `stop` waits for writes that are not acknowledged, in milliseconds. */
const stopMs = 5_000

function timingsOf(mode: CoherenceMode, timings: Timings): Timings {
  return mode === "bounded" ? { ...timings, patienceMs: timings.boundedPatienceMs } : timings
}

/**
 * Coherence over Redis. The database decides whether Redis is trusted (trust.ts), tokens in Redis decide who fills an
 * entry (reads.ts), a fence makes acknowledgements mean something (writes.ts), and a barrier keeps the process's memory
 * true (local.ts). It knows no I/O but through its ports.
 */
export class RedisCoherence implements Coherence {
  readonly recordsWrites: boolean
  readonly #mode: CoherenceMode
  readonly #server: Server
  readonly #pace: Pace
  readonly #trust: Trust
  readonly #local: LocalTier | undefined
  readonly #batches: Batches
  readonly #reads: Reads
  readonly #writes: Writes
  readonly #outbox: Outbox | undefined
  readonly #contents: Contents
  /** Records of changes that are being committed, by the set of their keys. */
  readonly #recorded = new WeakMap<ReadonlySet<string>, number>()
  readonly #fences = new Set<Promise<void>>()
  #seen = { epoch: Number.NaN, mode: "" }
  #stopping: Promise<void> | undefined

  constructor(options: RedisCoherenceOptions) {
    const { server, store, timers, mode, local, memory, warn } = options
    const timings = timingsOf(mode, options.timings ?? usualTimings)
    this.#mode = mode
    this.#server = server
    this.recordsWrites = store !== undefined
    const pace = new Pace(timers)
    this.#pace = pace
    const order = new Order()
    const tokens = new Tokens(timers)
    const makeTrust = options.trust ?? ((trust) => new DatabaseTrust(trust))
    const windowMs = local ? timings.windowMs : 0
    const changed = () => this.#trustChanged()
    this.#trust =
      store === undefined ? new BlindTrust() : makeTrust({ server, store, pace, timings, windowMs, changed, warn })
    const trust = this.#trust
    this.#local = local ? new LocalTier(memory, server, trust, pace, timings) : undefined
    this.#batches = new Batches(this.#local, trust, pace, order)
    const shared = { server, trust, local: this.#local, pace, tokens, timings }
    this.#reads = new Reads({ ...shared, batches: this.#batches, order, warn })
    this.#writes = new Writes({ ...shared, reads: this.#reads })
    if (store !== undefined) this.#outbox = new Outbox(store, this.#writes, pace, timings, warn)
    this.#contents = new Contents(server, trust)
  }

  get state(): CacheState {
    return this.#server.link === undefined ? "away" : "connected"
  }

  get memory(): Memory | undefined {
    return this.#local?.memory
  }

  /** Whether entries are given at present: Redis answers, and the database says that it may be believed. */
  get serving(): boolean {
    return this.#pace.now() < this.#trust.trustedUntil(this.#server.link)
  }

  /** How it stands, for people. */
  get standing(): RedisStanding {
    const { mode, epoch } = this.#trust
    return { mode, epoch, serving: this.serving, waitingWrites: this.#fences.size }
  }

  peek(target: Target): unknown {
    const { slot } = target
    const local = this.#local
    if (slot === undefined || local === undefined) return absent
    const present = this.#pace.now()
    // What has ended, or is to be renewed, is left to `read`.
    if (present > local.until || present >= slot.softAt) return absent
    local.use(present)
    local.memory.touch(slot)
    const { counters, trace } = target.kind
    counters.hitsLocal++
    if (trace !== undefined) trace("hit", target.key)
    return slot.value
  }

  read(target: Target, load: Load): Promise<unknown> {
    const local = this.#local
    const slot = local === undefined ? undefined : (target.slot ?? local.memory.find(target.key)?.slot)
    if (local === undefined || slot === undefined) return this.#reads.read(target, load)
    const present = this.#pace.now()
    local.use(present)
    if (present >= slot.endsAt) local.memory.drop(target.key)
    else if (present <= local.until) {
      local.memory.touch(slot)
      target.kind.counters.hitsLocal++
      target.kind.trace?.("hit", target.key)
      if (present >= slot.softAt) this.#reads.renewKept(target, load)
      return Promise.resolve(slot.value)
    }
    return this.#reads.read(target, load)
  }

  async prepare(changes: Changes): Promise<void> {
    if (this.#outbox === undefined) return
    this.#recorded.set(changes.dropped, await this.#outbox.record([...changes.dropped]))
  }

  async committed(changes: Changes): Promise<void> {
    this.#writes.forget(changes)
    const fence = this.#fence(changes)
    if (this.#mode === "strict") await fence
  }

  #fence(changes: Changes): Promise<void> {
    const fence = this.#writes.fence(changes).then((done) => {
      const id = this.#recorded.get(changes.dropped)
      if (done && id !== undefined) this.#outbox?.done(id)
      this.#fences.delete(fence)
    })
    this.#fences.add(fence)
    return fence
  }

  inspect(key: string): Promise<{ text: string; ttlMs: number } | undefined> {
    return this.#contents.inspect(key)
  }

  keys(pattern: string, limit: number): Promise<string[]> {
    return this.#contents.keys(pattern, limit)
  }

  async flush(): Promise<void> {
    this.#local?.clear()
    await this.#trust.renewEpoch()
    await this.#contents.flush()
  }

  /** Redis may be away then; the control tables must be there. */
  async start(): Promise<void> {
    await this.#server.start({
      connected: () => {
        this.#local?.clear()
        this.#trust.connected()
      },
      lost: () => this.#local?.clear(),
      changed: (link, key) => {
        this.#batches.changed(link, key)
        if (key === undefined) this.#local?.clear()
        else this.#local?.memory.drop(key)
      },
    })
    try {
      await this.#trust.start()
    } catch (error) {
      await this.stop()
      throw error
    }
    this.#outbox?.start()
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    await within(this.#pace.timers, stopMs, Promise.all(this.#fences))
    this.#pace.stop()
    await this.#trust.stop()
    await this.#outbox?.stop()
    await this.#server.stop()
    this.#local?.clear()
  }

  #trustChanged(): void {
    const { epoch, mode } = this.#trust
    if (epoch !== this.#seen.epoch || mode !== this.#seen.mode) {
      this.#seen = { epoch, mode }
      this.#local?.clear()
    } else this.#local?.revise()
  }
}
