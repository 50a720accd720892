import { elapsed } from "../clock/index.ts"
import { absent, type Changes, type Coherence, type Load, type Target } from "./coherence.ts"
import { Memory, type MemoryLimits } from "./memory.ts"

export type EmbeddedOptions = {
  readonly memory?: MemoryLimits | undefined
  /** Differs from the time before if another process committed in between; absent where no other can. */
  readonly foreignCommits?: (() => number) | undefined
  readonly random: () => number
  /** Told of a renewal in the background that failed. */
  readonly report: (error: unknown) => void
}

/** A load under way. A write that makes what it may have read old voids it. */
type Flight = { readonly target: Target; readonly result: Promise<unknown>; readonly began: number; voided: boolean }

/** Who comes to a load that takes longer than this begins one of their own, in milliseconds: it may never end. */
const longestLoadMs = 30_000

/**
 * Coherence within one process. An invalidation voids the loads under way, so what was read before a write is never kept
 * after it, and nobody who comes after it joins them. Commits of other processes on the same SQLite file empty the memory.
 */
export class EmbeddedCoherence implements Coherence {
  readonly state = "connected"
  readonly recordsWrites = false
  readonly memory: Memory
  readonly #foreignCommits: (() => number) | undefined
  readonly #random: () => number
  readonly #report: (error: unknown) => void
  readonly #flights = new Map<string, Flight>()
  #seen: number | undefined

  constructor({ memory, foreignCommits, random, report }: EmbeddedOptions) {
    this.memory = new Memory(memory)
    this.#foreignCommits = foreignCommits
    this.#random = random
    this.#report = report
  }

  peek(target: Target): unknown {
    if (this.#foreignCommits !== undefined) this.#lookAround(this.#foreignCommits)
    const { slot } = target
    if (slot === undefined) return absent
    // What is to be renewed is left to `read`, which has the load.
    if (elapsedLately() >= slot.softAt) return absent
    const { counters, trace } = target.kind
    counters.hitsLocal++
    this.memory.touch(slot)
    if (trace !== undefined) trace("hit", target.key)
    return slot.value
  }

  /** Empties the memory where another process committed: what it wrote is not known here. */
  #lookAround(foreignCommits: () => number): void {
    const commits = foreignCommits()
    if (commits === this.#seen) return
    this.#seen = commits
    this.memory.clear()
    this.#void(() => true)
  }

  read(target: Target, load: Load): Promise<unknown> {
    if (this.#foreignCommits !== undefined) this.#lookAround(this.#foreignCommits)
    const { counters } = target.kind
    const kept = this.memory.find(target.key)?.slot
    if (kept !== undefined) {
      const present = elapsed()
      if (present < kept.endsAt) {
        counters.hitsLocal++
        this.memory.touch(kept)
        target.kind.trace?.("hit", target.key)
        if (present >= kept.softAt) this.#renew(target, load)
        return Promise.resolve(kept.value)
      }
      this.memory.drop(target.key)
    }
    const flight = this.#flights.get(target.key)
    if (flight !== undefined) {
      if (elapsed() - flight.began < longestLoadMs) return this.#join(flight, load)
      flight.voided = true
    }
    counters.misses++
    target.kind.trace?.("miss", target.key)
    return this.#fly(target, load).result
  }

  /**
   * What a load gives that began before the reader did. A row that is made voids no load, unless "there is none" is kept: so
   * whether it found nothing is asked once more.
   */
  async #join({ target, result }: Flight, load: Load): Promise<unknown> {
    const value = await result
    if (value !== undefined || target.kind.negativeTtlMs > 0) return value
    return (this.#flights.get(target.key) ?? this.#fly(target, load)).result
  }

  #renew(target: Target, load: Load): void {
    if (this.#flights.has(target.key)) return
    target.kind.counters.renewals++
    this.#flyAlone(target, load)
  }

  /** A load that nobody waits for. */
  #flyAlone(target: Target, load: Load): void {
    const flight = this.#fly(target, load)
    flight.result.catch((error) => {
      if (!flight.voided) this.#report(error)
    })
  }

  #fly(target: Target, load: Load): Flight {
    const { kind, key } = target
    const run = async (): Promise<unknown> => {
      try {
        const value = kind.freeze(await load())
        if (this.#foreignCommits !== undefined) this.#lookAround(this.#foreignCommits)
        if (flight.voided) kind.counters.refusedFills++
        else this.#keep(target, value)
        return value
      } finally {
        if (this.#flights.get(key) === flight) this.#flights.delete(key)
      }
    }
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const flight: Flight = { target, result: promise, began: elapsed(), voided: false }
    this.#flights.set(key, flight)
    run().then(resolve, reject)
    return flight
  }

  #keep(target: Target, value: unknown): void {
    const { kind } = target
    const life = value === undefined ? kind.negativeTtlMs : kind.ttlMs
    if (life === 0) {
      // A renewal that found nothing: what was there is there no longer.
      this.memory.drop(target.key)
      return
    }
    kind.counters.fills++
    kind.trace?.("fill", target.key)
    const taken = 1 - this.#random() * kind.jitter
    const present = elapsed()
    const endsAt = present + life * taken
    const soft = value === undefined || kind.softTtlMs === undefined ? life : kind.softTtlMs
    this.memory.keep(target, value, kind.sizeOf(value), endsAt, Math.min(endsAt, present + soft * taken))
  }

  readonly prepare = nothing

  async committed({ dropped, renewed }: Changes): Promise<void> {
    for (const key of dropped) {
      // Who collected the writes has counted the entries that it knew by their own keys.
      for (const { kind, key: tagged } of this.memory.tagged(key)) {
        if (dropped.has(tagged)) continue
        kind.counters.invalidations++
        kind.trace?.("invalidate", tagged)
      }
      this.memory.drop(key)
    }
    this.#void(({ key, tags }) => dropped.has(key) || tags.some((tag) => dropped.has(tag)))
    for (const { target, load } of renewed.values()) this.#flyAlone(target, load)
  }

  #void(isOld: (target: Target) => boolean): void {
    for (const [key, flight] of this.#flights) {
      if (!isOld(flight.target)) continue
      flight.voided = true
      this.#flights.delete(key)
    }
  }

  async inspect(key: string): Promise<{ text: string; ttlMs: number } | undefined> {
    const target = this.memory.find(key)
    if (target?.slot === undefined) return undefined
    const ttlMs = Math.ceil(target.slot.endsAt - elapsed())
    if (ttlMs <= 0) return undefined
    const { value } = target.slot
    return { text: value === undefined ? "" : target.kind.encode(value), ttlMs }
  }

  async keys(pattern: string, limit: number): Promise<string[]> {
    const expression = globExpression(pattern)
    const found: string[] = []
    for (const key of this.memory.keys()) {
      if (found.length === limit) break
      if (expression.test(key)) found.push(key)
    }
    return found
  }

  async flush(): Promise<void> {
    this.memory.clear()
    this.#void(() => true)
  }

  readonly start = nothing

  async stop(): Promise<void> {
    await this.flush()
  }
}

const nothing = (): Promise<void> => Promise.resolve()

let lately: number | undefined

const forgetTime = (): void => {
  lately = undefined
}

/**
 * Monotonic milliseconds as they were when what runs at present began: reading the clock costs as much as the rest of a
 * hit, and no value needs to end in the middle of a piece of code that waits for nothing.
 */
function elapsedLately(): number {
  if (lately === undefined) {
    lately = elapsed()
    process.nextTick(forgetTime)
  }
  return lately
}

/** A pattern with `*` for any text, as an expression. */
function globExpression(pattern: string): RegExp {
  return new RegExp(`^${pattern.split("*").map(RegExp.escape).join(".*")}$`, "s")
}
