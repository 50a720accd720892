import { setImmediate as turn } from "node:timers/promises"
import { absent, type Changes, type Coherence, type Load, type Target } from "../../../src/cache/index.ts"

/**
 * A coherence that does as badly as it may: what it has it does not find, it goes to the database instead, it loses all,
 * and it takes its time with acknowledgements, all of which it wants to hear of in their transactions. What it may not do
 * is forget a write.
 */
export class FailingCoherence implements Coherence {
  readonly state = "away"
  readonly recordsWrites = true
  readonly memory: Coherence["memory"]
  readonly #inner: Coherence
  readonly #random: () => number

  constructor(inner: Coherence, random: () => number) {
    this.#inner = inner
    this.#random = random
    this.memory = inner.memory
  }

  peek(target: Target): unknown {
    return this.#random() < 0.3 ? absent : this.#inner.peek(target)
  }

  async read(target: Target, load: Load): Promise<unknown> {
    if (this.#random() < 0.2) return target.kind.freeze(await load())
    if (this.#random() < 0.2) await turn()
    return this.#inner.read(target, load)
  }

  async prepare(changes: Changes): Promise<void> {
    if (this.#random() < 0.2) await turn()
    await this.#inner.prepare(changes)
  }

  async committed(changes: Changes): Promise<void> {
    if (this.#random() < 0.2) await turn()
    await this.#inner.committed(changes)
    if (this.#random() < 0.2) await this.#inner.flush()
    if (this.#random() < 0.2) await turn()
  }

  inspect = (key: string) => this.#inner.inspect(key)
  keys = (pattern: string, limit: number) => this.#inner.keys(pattern, limit)
  flush = () => this.#inner.flush()
  start = () => this.#inner.start()
  stop = () => this.#inner.stop()
}
