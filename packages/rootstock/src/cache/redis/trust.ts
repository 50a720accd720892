import type { Pace } from "./pace.ts"
import type { ControlRow, ControlStore, Link, Mode, Server } from "./ports.ts"
import type { Timings } from "./timings.ts"

/** Whether Redis is to be believed, and whether an invalidation there counts. */
export interface Trust {
  /** Whether the processes agree on it, so that one can tell the others not to believe Redis. */
  readonly agreed: boolean
  /** Goes into what is written to Redis; entries of another epoch are none. */
  readonly epoch: number
  readonly mode: Mode
  /** By this process's clock, until when reads on the link are to be believed; 0 where they are not. */
  trustedUntil(link: Link | undefined): number
  /** Whether an invalidation that the link has just confirmed is known to every reader that is to come. */
  counts(link: Link): boolean
  /** Since when, at least, no process has begun to believe Redis, by this process's clock; undefined where some may. */
  readonly quietSince: number | undefined
  /** Whether `quietSince` is known to hold at present. */
  readonly current: boolean
  /** By this process's clock, from when on the process's memory may be used. */
  readonly memoryFrom: number
  /** How long after an invalidation another process may still give a value from its memory, in milliseconds. */
  readonly windowMs: number
  /** Looks at the database, beginning after this call; false where it did not answer. */
  look(): Promise<boolean>
  /** Tells every process not to believe Redis, in this process's view of it. */
  turnOff(): Promise<void>
  /** Makes every entry one of an earlier epoch. */
  renewEpoch(): Promise<void>
  /** A write could not reach Redis: while that is so, this process keeps it from being believed. */
  stuck: boolean
  /** Told of each connection. */
  connected(): void
  /** Resolves after the first look. */
  start(): Promise<void>
  stop(): Promise<void>
}

export type TrustOptions = {
  readonly server: Server
  readonly store: ControlStore
  readonly pace: Pace
  readonly timings: Timings
  /** What this process wants to keep values for unasked, in milliseconds; 0 where it keeps none. */
  readonly windowMs: number
  /** Told when the epoch or the mode changed. */
  readonly changed: () => void
  readonly warn: (message: string, cause?: unknown) => void
}

/** First epochs are chosen at random up to here, so that those of another database never meet in one Redis. */
const firstEpochs = 2 ** 40

/**
 * The database decides: its row says in which mode and epoch the system is, and which run of Redis holds the entries.
 * A look at it is relied on for Δ from before the query. Modes change by compare-and-set, and only `off` may follow at
 * once; `warming` and `on` each come after Δ', when no process relies on an earlier look.
 */
export class DatabaseTrust implements Trust {
  readonly agreed = true
  readonly #server: Server
  readonly #store: ControlStore
  readonly #pace: Pace
  readonly #timings: Timings
  readonly #windowMs: number
  readonly #changed: () => void
  readonly #warn: (message: string, cause?: unknown) => void
  #row: ControlRow = { epoch: 0, mode: "off", runId: null, windowMs: 0 }
  #known = false
  #validUntil = 0
  /** When this epoch was seen first. */
  #seenAt = 0
  #connectedAt = 0
  #quietSince: number | undefined
  #windowSince: number | undefined
  #looking: Promise<boolean> | undefined
  #next: Promise<boolean> | undefined
  #loop: Promise<void> | undefined
  stuck = false

  constructor({ server, store, pace, timings, windowMs, changed, warn }: TrustOptions) {
    this.#server = server
    this.#store = store
    this.#pace = pace
    this.#timings = timings
    this.#windowMs = windowMs
    this.#changed = changed
    this.#warn = warn
  }

  get epoch(): number {
    return this.#row.epoch
  }

  get mode(): Mode {
    return this.#row.mode
  }

  get windowMs(): number {
    return this.#row.windowMs
  }

  get quietSince(): number | undefined {
    return this.#quietSince
  }

  get current(): boolean {
    return this.#pace.now() < this.#validUntil
  }

  get memoryFrom(): number {
    if (this.#windowSince === undefined) return Number.POSITIVE_INFINITY
    // By then every writer that relies on a look has seen how long it must wait.
    return this.#windowSince + this.#timings.fenceMs + this.#windowMs * this.#timings.windowFactor
  }

  trustedUntil(link: Link | undefined): number {
    return link?.open === true && this.#row.mode === "on" && link.runId === this.#row.runId ? this.#validUntil : 0
  }

  counts(link: Link): boolean {
    return link.open && this.#row.mode !== "off" && link.runId === this.#row.runId && this.current
  }

  async start(): Promise<void> {
    await this.#read()
    if (!this.#known) await this.#create()
    this.#loop = this.#pace.repeat(
      () => this.#pause(),
      async () => {
        if (await this.look()) await this.#act()
      },
    )
  }

  async stop(): Promise<void> {
    await this.#loop
  }

  /** A link that was made after the epoch was seen leads to the server that is there; an older one may not. */
  connected(): void {
    this.#connectedAt = this.#pace.now()
    this.stuck = false
  }

  async #create(): Promise<void> {
    const { link } = this.#server
    const row: ControlRow = {
      epoch: 1 + Math.floor(this.#pace.timers.random() * firstEpochs),
      mode: link === undefined ? "off" : "on",
      runId: link?.runId ?? null,
      windowMs: this.#windowMs,
    }
    const made = await this.#store.create(row)
    await this.#read()
    // Nobody has ever relied on anything else.
    if (made) this.#windowSince = Number.NEGATIVE_INFINITY
  }

  look(): Promise<boolean> {
    this.#next ??= this.#lookNext()
    return this.#next
  }

  async #lookNext(): Promise<boolean> {
    // One that is under way may have been answered before this call.
    await this.#looking
    this.#next = undefined
    this.#looking = this.#read().then(
      () => true,
      (error) => {
        this.#warn("The cache cannot read cache_ctl; it is not used until it can.", error)
        return false
      },
    )
    return this.#looking
  }

  async #read(): Promise<void> {
    const askedAt = this.#pace.now()
    const row = await this.#store.read()
    if (row !== undefined) this.#observe(row, askedAt)
  }

  #observe(row: ControlRow, askedAt: number): void {
    const present = this.#pace.now()
    const before = this.#row
    const changed = !this.#known || before.epoch !== row.epoch
    if (row.mode === "on") this.#quietSince = undefined
    else if (!this.#known || !isQuietBetween(before, row)) this.#quietSince = present
    if (row.windowMs < this.#windowMs || this.#windowMs === 0) this.#windowSince = undefined
    else this.#windowSince ??= present
    if (changed) this.#seenAt = present
    this.#known = true
    this.#row = row
    this.#validUntil = askedAt + this.#timings.leaseMs
    this.#changed()
  }

  /** Until the next look: a third of the lease, or until a mode may change. */
  #pause(): number {
    const usual = this.#timings.leaseMs / 3
    if (this.#row.mode === "on") return usual
    const due = this.#seenAt + this.#timings.fenceMs - this.#pace.now()
    return due > 0 ? Math.min(usual, due) : usual
  }

  /** Changes the mode where that is due. */
  async #act(): Promise<void> {
    const { epoch, mode, runId, windowMs } = this.#row
    const { link } = this.#server
    const fits = link !== undefined && link.runId === runId
    const due = this.#pace.now() >= this.#seenAt + this.#timings.fenceMs
    try {
      if (mode !== "off" && link !== undefined && !fits) await this.#disagree(link)
      else if (mode !== "off" && link === undefined && this.stuck) await this.turnOff()
      else if (mode === "off" && link !== undefined && due) await this.#warmUp(link)
      else if (mode === "warming" && fits && due) await this.#change({ epoch, mode: "on", runId, windowMs })
      else if (mode !== "off" && windowMs < this.#windowMs) await this.#store.raiseWindow(epoch, this.#windowMs)
    } catch (error) {
      this.#warn("The cache cannot change its mode in cache_ctl.", error)
    }
  }

  /** This process and the row speak of different runs of Redis. */
  async #disagree(link: Link): Promise<void> {
    if (this.#connectedAt < this.#seenAt) {
      link.drop()
      return
    }
    this.#warn("Redis is another run than the one that the cache was kept in; it is used again when all agree on it.")
    await this.turnOff()
  }

  async #warmUp(link: Link): Promise<void> {
    try {
      // A server that refuses to delete (a full disk, missing rights) would hold up every write.
      await link.remove(["renew:"])
    } catch (error) {
      this.#warn("Redis answers but cannot be written to; the cache stays off.", error)
      return
    }
    await this.#change({ epoch: this.#row.epoch, mode: "warming", runId: link.runId, windowMs: this.#windowMs })
  }

  async turnOff(): Promise<void> {
    const { epoch, mode, windowMs } = this.#row
    if (mode !== "off") await this.#change({ epoch, mode: "off", runId: null, windowMs })
  }

  async renewEpoch(): Promise<void> {
    if (!(await this.look())) return
    // On the same run of Redis an invalidation reaches entries of every epoch, so none must be waited for.
    if (this.#row.mode === "on") await this.#change(this.#row)
  }

  async #change(row: ControlRow): Promise<void> {
    await this.#store.change(row.epoch, { ...row, epoch: row.epoch + 1 })
    await this.look()
  }
}

/** Whether no process can have been told to believe Redis between two rows, neither of which says so. */
function isQuietBetween(before: ControlRow, row: ControlRow): boolean {
  if (before.mode === "on") return false
  const steps = row.epoch - before.epoch
  return steps === 0 || steps === 1 || (steps === 2 && before.mode === row.mode)
}

const nothing = (): Promise<void> => Promise.resolve()

/** Trust without a database: Redis is believed while it answers. What was kept may be old, up to its time to live. */
export class BlindTrust implements Trust {
  readonly agreed = false
  readonly epoch = 0
  readonly mode = "on"
  readonly quietSince = undefined
  readonly current = true
  readonly memoryFrom = Number.NEGATIVE_INFINITY
  readonly windowMs = 0
  stuck = false

  trustedUntil(link: Link | undefined): number {
    return link?.open === true ? Number.POSITIVE_INFINITY : 0
  }

  counts(link: Link): boolean {
    return link.open
  }

  async look(): Promise<boolean> {
    return true
  }

  // There is nothing to be agreed upon.
  readonly connected = (): void => undefined
  readonly turnOff = nothing
  readonly renewEpoch = nothing
  readonly start = nothing
  readonly stop = nothing
}
