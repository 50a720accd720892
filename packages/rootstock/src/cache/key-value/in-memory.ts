import { elapsed } from "../../clock/index.ts"
import type { Kind, Target } from "../coherence.ts"
import { newCounters } from "../counters.ts"
import { Memory, type MemoryLimits } from "../memory.ts"
import { type Store, wholeNumber } from "./store.ts"

/** Bytes that a text takes beside its letters. */
const overhead = 200

/** Texts in the process's memory, bounded; the least recently used ones go first. */
export class MemoryStore implements Store {
  readonly state = "connected"
  readonly #memory: Memory

  constructor(limits: MemoryLimits | undefined) {
    this.#memory = new Memory(limits)
  }

  async getMany(keys: readonly string[]): Promise<readonly (string | undefined)[]> {
    return keys.map((key) => this.#find(key)?.text)
  }

  #find(key: string): { text: string; endsAt: number } | undefined {
    const slot = this.#memory.find(key)?.slot
    if (slot === undefined) return undefined
    if (elapsed() >= slot.endsAt) {
      this.#memory.drop(key)
      return undefined
    }
    this.#memory.touch(slot)
    return { text: slot.value as string, endsAt: slot.endsAt }
  }

  async set(key: string, text: string, ttlMs: number): Promise<void> {
    this.#keep(key, text, elapsed() + ttlMs)
  }

  #keep(key: string, text: string, endsAt: number): void {
    const target: Target = { kind, key, tags: [], slot: undefined }
    this.#memory.keep(target, text, kind.sizeOf(text), endsAt)
  }

  async increment(key: string, by: number, ttlMs: number): Promise<number | undefined> {
    const { text, endsAt } = this.#find(key) ?? { text: "0", endsAt: elapsed() + ttlMs }
    if (!wholeNumber.test(text)) return undefined
    const sum = Number(text) + by
    this.#keep(key, String(sum), endsAt)
    return sum
  }

  async delete(keys: readonly string[]): Promise<number> {
    let deleted = 0
    for (const key of keys) {
      if (this.#find(key) === undefined) continue
      this.#memory.drop(key)
      deleted++
    }
    return deleted
  }

  async keys(beginning: string): Promise<readonly string[]> {
    return [...this.#memory.keys()].filter((key) => key.startsWith(beginning) && this.#find(key) !== undefined)
  }

  async close(): Promise<void> {
    this.#memory.clear()
  }
}

const nothing = (): void => undefined

/** All texts are of one kind, as the memory sees them. */
const kind: Kind = {
  pattern: "key-value",
  ttlMs: 0,
  negativeTtlMs: 0,
  softTtlMs: undefined,
  jitter: 0,
  counters: newCounters(),
  encode: String,
  decode: (text) => text,
  freeze: (value) => value,
  sizeOf: (value) => overhead + (value as string).length,
  kept: nothing,
  left: nothing,
}
