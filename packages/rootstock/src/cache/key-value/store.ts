/** Where texts lie under keys for a while. */
export interface Store {
  readonly state: "connected" | "away"
  /** The texts under keys, in their order. */
  getMany(keys: readonly string[]): Promise<readonly (string | undefined)[]>
  set(key: string, text: string, ttlMs: number): Promise<void>
  /** Adds to the whole number under a key, which lives so long if it was not there; undefined where there is no number. */
  increment(key: string, by: number, ttlMs: number): Promise<number | undefined>
  /** How many of the keys were there. */
  delete(keys: readonly string[]): Promise<number>
  /** The keys that begin so, in no order. */
  keys(beginning: string): Promise<readonly string[]>
  /** Idempotent. */
  close(): Promise<void>
}

/** Whether a text is a whole number that can be counted on. */
export const wholeNumber: RegExp = /^-?\d+$/
