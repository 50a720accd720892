import type { Counters } from "./counters.ts"
import type { Memory, Slot } from "./memory.ts"

/** A kind of cached value, as a coherence sees it: made once for each declaration. */
export type Kind = {
  /** The pattern of its keys, e.g. `user:{id}`; names it in logs and counts. */
  readonly pattern: string
  /** How long a value lives, in milliseconds. */
  readonly ttlMs: number
  /** How long "there is none" lives, in milliseconds; 0 where that is not kept. */
  readonly negativeTtlMs: number
  /** Age from which a hit is renewed in the background, in milliseconds; undefined where only the time to live counts. */
  readonly softTtlMs: number | undefined
  /** Part of the time to live that is taken off at random, 0 to 0.5, so that entries made together do not end together. */
  readonly jitter: number
  readonly counters: Counters
  /** Told of what happens to each key; undefined where nobody wants to know. */
  readonly trace?: Trace | undefined
  /** A value as JSON text. */
  encode(value: unknown): string
  /** The value, frozen, from JSON text. Throws where the text is not one of this kind's. */
  decode(text: string): unknown
  /** Freezes a value that was loaded, deeply, and gives it back. */
  freeze(value: unknown): unknown
  /** Estimated bytes of a value in memory. */
  sizeOf(value: unknown): number
  /** Told when a target came into the process's memory. */
  kept(target: Target): void
  /** Told when a target left the process's memory. */
  left(target: Target): void
}

/** What happened to a key. */
export type CacheEvent = "hit" | "miss" | "fill" | "invalidate"

/** Told of what happens to each key, for debug logs. */
export type Trace = (event: CacheEvent, key: string) => void

/** One cached value. Who reads it often keeps it, so that a hit needs no look-up by its key. */
export type Target = {
  readonly kind: Kind
  /** Logical key, e.g. `user:1`, without the prefix. */
  readonly key: string
  /**
   * Logical keys of the tags that the value depends on, always those of one key; each begins with `tag:`. A value is good
   * only while none of them was invalidated since before it was loaded.
   */
  readonly tags: readonly string[]
  /** What is kept of it in the process's memory; only `Memory` writes it. */
  slot: Slot | undefined
}

/** Loads a value from the database, outside of any transaction; undefined where there is none. */
export type Load = () => Promise<unknown>

/** What a transaction, or a single write, changed of what is cached. */
export type Changes = {
  /** Logical keys of entries and tags that are good no longer. */
  readonly dropped: ReadonlySet<string>
  /** Entries that are to be replaced by a value read after the commit, by key; each counts as dropped too. */
  readonly renewed: ReadonlyMap<string, { readonly target: Target; readonly load: Load }>
}

/** Whether a cache answers: `off` where there is none by configuration. */
export type CacheState = "connected" | "away" | "off"

/**
 * How cached values are kept true to the database. Chosen once, when the cache is opened: within one process and its
 * SQLite file, or by Redis.
 *
 * Guarantee G: a read that starts after a write was acknowledged returns that write or a newer one. A write is
 * acknowledged when `committed` resolves.
 */
export interface Coherence {
  readonly state: CacheState
  /** The process's memory; undefined where nothing is kept in it. */
  readonly memory: Memory | undefined
  /** A write must be in a transaction, so that `prepare` can record in it what is going to be invalidated. */
  readonly recordsWrites: boolean
  /**
   * A value that can be given at once, or `absent`. Never waits; undefined is a kept "there is none".
   * The hot path: called at each read of a cached row.
   */
  peek(target: Target): unknown
  /** The value of a target: kept, or loaded. Called outside of transactions only. */
  read(target: Target, load: Load): Promise<unknown>
  /** Runs inside the transaction, as its last statements before the commit. */
  prepare(changes: Changes): Promise<void>
  /** Runs after the commit and outside of the transaction; the write is acknowledged when it resolves. Never rejects. */
  committed(changes: Changes): Promise<void>
  /** For people: the JSON text that is kept under a logical key, and the milliseconds that it has to live. */
  inspect(key: string): Promise<{ text: string; ttlMs: number } | undefined>
  /** Logical keys that are kept and match a pattern with `*`, at most `limit`. */
  keys(pattern: string, limit: number): Promise<string[]>
  /** Empties the cache; nothing is lost but time. */
  flush(): Promise<void>
  start(): Promise<void>
  /** Idempotent; leaves no timer and no connection. */
  stop(): Promise<void>
}

/** Nothing is kept under a key. */
export const absent: unique symbol = Symbol("absent")
