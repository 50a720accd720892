import type { Engine } from "../engine/index.ts"

/** One statement that was run. */
export type QueryEvent = {
  readonly sql: string
  /** Milliseconds from the call to the answer. */
  readonly milliseconds: number
  /** Rows that it gave or changed; undefined where it failed. */
  readonly rows: number | undefined
  /** The call that it served, e.g. `users.get`. */
  readonly call: string
  readonly error?: unknown
}

/** What a session needs of an opened database. */
export type Host = {
  readonly engine: Engine
  /** Told of each statement while somebody listens. */
  readonly observer: ((event: QueryEvent) => void) | undefined
  /** Turns an error of a commit into one that speaks of the tables. */
  readonly explain: (error: unknown) => unknown
  /** Told of what goes wrong where no caller is left to tell. */
  readonly report: (error: unknown) => void
  /** Between 0 and 1, for the pauses between retries. */
  readonly random: () => number
}
