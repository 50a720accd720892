import type { Answer } from "../contestants/contract.ts"
import type { User } from "../schema/rows.ts"

/** A cache that holds users. */
export interface HitContestant {
  /** The form of use that was measured, for the table of results. */
  readonly form: string
  /** Packages whose versions belong in the results. */
  readonly packages: readonly string[]
  /** Puts users into the cache, in its own way. */
  fill(users: readonly User[]): Promise<void>
  /** A user from the cache. */
  get(id: number): Answer<User | undefined>
  /** How many reads the cache did not answer; absent where a read that finds nothing gives undefined. */
  misses?(): number
  close(): Answer<void>
}

/** A cache of versions of counters, shared by several processes. */
export interface SharedContestant {
  readonly form: string
  readonly packages: readonly string[]
  /** The version of a counter: from the cache, or loaded and kept. */
  read(id: number): Promise<number>
  /** Raises the version in the database and tells the cache; resolves with the new version when that is acknowledged. */
  raise(id: number): Promise<number>
  /** How often a version was loaded from the database. */
  loads(): number
  close(): Promise<void>
}

export interface Places {
  /** URL of the database. */
  database: string
  /** URL of a Redis database of the contestant's own. */
  redis: string
}

export interface SharedPlaces extends Places {
  /** Waits for as long as loading takes beyond the query. */
  pause(): Promise<void>
}

/** Texts of keys, which all but Map and lru-cache make for each call. */
export const userKey = (id: number): string => `user:${id}`
export const versionKey = (id: number): string => `version:${id}`
export const hourMs = 3_600_000
