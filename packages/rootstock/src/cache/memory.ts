import { ConfigError } from "../errors/index.ts"
import type { Target } from "./coherence.ts"

/** A value in the process's memory. Times are monotonic milliseconds (`elapsed()`). */
export type Slot = {
  readonly target: Target
  readonly value: unknown
  /** The value as a promise, made by the first who gives it so; the same for all, since it never changes. */
  given: Promise<unknown> | undefined
  endsAt: number
  /** From here on a hit renews it in the background; infinity where only its end counts. */
  softAt: number
  /** Estimated size in bytes. */
  size: number
  newer: Slot | undefined
  older: Slot | undefined
}

export type MemoryLimits = {
  /** Most values, from 1 (default 100,000). */
  readonly entries?: number | undefined
  /** Most bytes, as estimated from the values (default 64 MiB). */
  readonly bytes?: number | undefined
}

/** Values in the process's memory, bounded; the least recently used ones go first. Knows nothing of coherence. */
export class Memory {
  readonly #targets = new Map<string, Target>()
  /** Targets by the tags that they depend on. */
  readonly #tagged = new Map<string, Set<Target>>()
  readonly #mostEntries: number
  readonly #mostBytes: number
  #bytes = 0
  #newest: Slot | undefined
  #oldest: Slot | undefined

  /** @throws ConfigError */
  constructor({ entries = 100_000, bytes = 64 * 1_048_576 }: MemoryLimits = {}) {
    for (const [name, most] of Object.entries({ entries, bytes })) {
      if (Number.isSafeInteger(most) && most >= 1) continue
      throw new ConfigError(`The bound of a cache's memory, ${name}, is ${most}.`, {
        cure: "Give a whole number from 1 on.",
      })
    }
    this.#mostEntries = entries
    this.#mostBytes = bytes
  }

  get entries(): number {
    return this.#targets.size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** The target that is kept under a key. */
  find(key: string): Target | undefined {
    return this.#targets.get(key)
  }

  keys(): IterableIterator<string> {
    return this.#targets.keys()
  }

  /** What is kept that depends on a tag. */
  tagged(tag: string): Iterable<Target> {
    return this.#tagged.get(tag) ?? []
  }

  /** Makes a slot the most recently used one. */
  touch(slot: Slot): void {
    if (slot === this.#newest) return
    this.#unlink(slot)
    this.#link(slot)
  }

  /** Keeps a value, in place of one that is kept for the same key. A value beyond the whole bound is not kept. */
  keep(target: Target, value: unknown, size: number, endsAt: number, softAt: number = Number.POSITIVE_INFINITY): void {
    const before = this.#targets.get(target.key)
    if (before !== undefined) this.#remove(before)
    if (size > this.#mostBytes) return
    const slot: Slot = {
      target,
      value,
      given: undefined,
      endsAt,
      softAt,
      size,
      newer: undefined,
      older: undefined,
    }
    target.slot = slot
    this.#targets.set(target.key, target)
    for (const tag of target.tags) {
      const tagged = this.#tagged.get(tag)
      if (tagged === undefined) this.#tagged.set(tag, new Set([target]))
      else tagged.add(target)
    }
    this.#bytes += size
    this.#link(slot)
    target.kind.kept(target)
    while (this.#targets.size > this.#mostEntries || this.#bytes > this.#mostBytes) {
      const oldest = (this.#oldest as Slot).target
      oldest.kind.counters.evictions++
      this.#remove(oldest)
    }
  }

  /** Forgets what is kept under a key, or what depends on it where it is the key of a tag. */
  drop(key: string): void {
    const target = this.#targets.get(key)
    if (target !== undefined) this.#remove(target)
    const tagged = this.#tagged.get(key)
    if (tagged !== undefined) for (const one of tagged) this.#remove(one)
  }

  clear(): void {
    for (const target of this.#targets.values()) {
      target.slot = undefined
      target.kind.left(target)
    }
    this.#targets.clear()
    this.#tagged.clear()
    this.#bytes = 0
    this.#newest = undefined
    this.#oldest = undefined
  }

  #remove(target: Target): void {
    const { slot } = target
    if (slot === undefined) return
    target.slot = undefined
    this.#targets.delete(target.key)
    for (const tag of target.tags) {
      const tagged = this.#tagged.get(tag)
      if (tagged === undefined) continue
      tagged.delete(target)
      if (tagged.size === 0) this.#tagged.delete(tag)
    }
    this.#bytes -= slot.size
    this.#unlink(slot)
    target.kind.left(target)
  }

  #link(slot: Slot): void {
    slot.newer = undefined
    slot.older = this.#newest
    if (this.#newest !== undefined) this.#newest.newer = slot
    this.#newest = slot
    this.#oldest ??= slot
  }

  #unlink(slot: Slot): void {
    if (slot.newer === undefined) this.#newest = slot.older
    else slot.newer.older = slot.older
    if (slot.older === undefined) this.#oldest = slot.newer
    else slot.older.newer = slot.newer
    slot.newer = undefined
    slot.older = undefined
  }
}
