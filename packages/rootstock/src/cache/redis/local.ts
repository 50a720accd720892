import type { Target } from "../coherence.ts"
import { Memory, type MemoryLimits } from "../memory.ts"
import type { Pace } from "./pace.ts"
import type { Link, Server } from "./ports.ts"
import type { Timings } from "./timings.ts"
import type { Trust } from "./trust.ts"

/** Without a use for so long the memory is left alone, in milliseconds. */
const idleMs = 1_000

/**
 * The process's memory before Redis. The server pushes what changed of the keys that were read on the link, in order with
 * its answers: so an answer says that every change from before its question has been seen. That question is the barrier,
 * and for ℓ after it what the memory holds is given unasked; a writer waits a little longer than that.
 */
export class LocalTier {
  readonly memory: Memory
  readonly #server: Server
  readonly #trust: Trust
  readonly #pace: Pace
  readonly #timings: Timings
  #barrier = Number.NEGATIVE_INFINITY
  #usedAt = Number.NEGATIVE_INFINITY
  #running = false
  #asking = false
  /** By this process's clock, until when the memory may be used. */
  until = 0
  /** Changes whenever everything was forgotten. */
  generation = 0

  constructor(limits: MemoryLimits | undefined, server: Server, trust: Trust, pace: Pace, timings: Timings) {
    this.memory = new Memory(limits)
    this.#server = server
    this.#trust = trust
    this.#pace = pace
    this.#timings = timings
  }

  /** What the link answered was asked at `askedAt`. */
  answered(link: Link, askedAt: number): void {
    if (link !== this.#server.link || askedAt <= this.#barrier) return
    this.#barrier = askedAt
    this.revise()
  }

  /** Finds out anew until when the memory may be used. */
  revise(): void {
    const trusted = this.#trust.trustedUntil(this.#server.link)
    const usable = this.#pace.now() >= this.#trust.memoryFrom
    this.until = usable ? Math.min(this.#barrier + this.#timings.windowMs, trusted) : 0
  }

  /** Somebody reads what the memory holds, so it is worth to be kept in use. */
  use(present: number): void {
    this.#usedAt = present
    if (this.#running) return
    this.#running = true
    this.#beat()
  }

  #beat(): void {
    const present = this.#pace.now()
    if (this.#pace.stopped || present - this.#usedAt > idleMs) {
      this.#running = false
      return
    }
    const { link } = this.#server
    if (link !== undefined && !this.#asking && present - this.#barrier >= this.#timings.windowMs / 3) {
      this.#asking = true
      const answered = () => {
        this.#asking = false
        this.answered(link, present)
      }
      link.ping().then(answered, () => {
        this.#asking = false
      })
    }
    void this.#pace.sleep(this.#timings.windowMs / 3).then(() => this.#beat())
  }

  keep(target: Target, value: unknown, endsAt: number, softAt: number): void {
    this.memory.keep(target, value, target.kind.sizeOf(value), endsAt, softAt)
  }

  /** Nothing that was kept can be relied on. */
  clear(): void {
    this.generation++
    this.#barrier = Number.NEGATIVE_INFINITY
    this.until = 0
    this.memory.clear()
  }
}
