import type { Logger } from "../../log/index.ts"
import { limitedWarnings, type Warn } from "../../redis/index.ts"
import type { Link } from "./link.ts"
import { sentenceOf } from "./sentences.ts"
import type { Topology } from "./topology.ts"

/**
 * Before a queue that was deleted is made again, in milliseconds: who receives from it must have heard of the deletion, or
 * would go on waiting for messages of the deleted one.
 */
const mourningMs = 250
/** Pauses between the tries to declare a queue, in milliseconds. */
const firstPauseMs = 1_000
const longestPauseMs = 30_000

type Declared = {
  readonly queue: string
  /** Told whenever messages may be published to the queue. */
  readonly ready: () => void
  readonly warn: Warn
  state: "unknown" | "declaring" | "ready"
  problem: unknown
  pauseMs: number
  retry: NodeJS.Timeout | undefined
}

/** Makes the queues to which this process publishes, again whenever the broker may have lost them. */
export class Declarations {
  readonly #link: Link
  readonly #topology: Topology
  readonly #log: Logger
  readonly #queues = new Map<string, Declared>()
  readonly #running = new Set<Promise<void>>()
  #stopped = false

  constructor(link: Link, topology: Topology, log: Logger) {
    this.#link = link
    this.#topology = topology
    this.#log = log
  }

  /** Adds a queue. */
  add(queue: string, ready: () => void): void {
    const warn = limitedWarnings((message) => this.#log.warning(message))
    this.#queues.set(queue, {
      queue,
      ready,
      warn,
      state: "unknown",
      problem: undefined,
      pauseMs: firstPauseMs,
      retry: undefined,
    })
  }

  /** Whether messages may be published to the queue. */
  has(queue: string): boolean {
    return this.#queues.get(queue)?.state === "ready"
  }

  /** Whether messages may be published to all queues. */
  get ready(): boolean {
    return [...this.#queues.values()].every(({ state }) => state === "ready")
  }

  /** Why queues cannot be used. */
  get problems(): readonly unknown[] {
    return [...this.#queues.values()].flatMap(({ problem }) => (problem === undefined ? [] : [problem]))
  }

  /** The broker is there (again): nothing is known of its queues. */
  declareAll(): void {
    for (const declared of this.#queues.values()) {
      declared.state = "unknown"
      this.#declare(declared)
    }
  }

  /** A message came back, as no queue takes it. */
  declareAgain(queue: string): void {
    const declared = this.#queues.get(queue)
    if (declared?.state !== "ready") return
    declared.state = "unknown"
    clearTimeout(declared.retry)
    declared.retry = setTimeout(() => this.#declare(declared), mourningMs)
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const { retry } of this.#queues.values()) clearTimeout(retry)
    await Promise.all(this.#running)
  }

  #declare(declared: Declared): void {
    if (this.#stopped || declared.state !== "unknown") return
    clearTimeout(declared.retry)
    declared.state = "declaring"
    const running = this.#try(declared)
    this.#running.add(running)
    void running.then(() => this.#running.delete(running))
  }

  async #try(declared: Declared): Promise<void> {
    const { queue, warn } = declared
    try {
      const channel = await this.#link.acquire()
      // An error of the channel is told by the call that failed.
      channel.on("error", () => undefined)
      try {
        await this.#topology.declare(channel, queue)
      } finally {
        await channel.close()
      }
      declared.state = "ready"
      declared.problem = undefined
      declared.pauseMs = firstPauseMs
      declared.ready()
    } catch (error) {
      declared.state = "unknown"
      if (this.#stopped || !this.#link.connected) return
      declared.problem = error
      warn(`The queue ${queue} cannot be used: ${sentenceOf(error)}`)
      declared.retry = setTimeout(() => this.#declare(declared), declared.pauseMs)
      declared.pauseMs = Math.min(declared.pauseMs * 2, longestPauseMs)
    }
  }
}
