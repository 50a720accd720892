import { statSync } from "node:fs"
import type { Query } from "../contract.ts"
import type { SqliteConnection } from "./connection.ts"

// https://sqlite.org/pragma.html#pragma_data_version
const dataVersion: Query<number> = {
  sql: "PRAGMA data_version",
  decode: (row) => row[0] as number,
  wide: false,
  writes: false,
  returns: true,
  label: "foreignCommits",
}

/** Engines of this process by their file, whatever paths lead to it. */
const opened = new Map<string, number>()

/**
 * Sees whether another connection than the writer of this engine committed.
 *
 * It looks at the file once in what runs without a pause: a callback and the promises that it settles. That is enough:
 * that another process was told of its commit can be known here only by a message, which a later callback brings. (One
 * turn of the event loop may have several callbacks, and the last of them may bring what was sent during the first.)
 * Another engine of this process on the same file needs no message, so where there is one each call looks.
 * Who waits for another process without a pause, as `execFileSync` does, sees its commits from the next callback on.
 */
export class ForeignCommits {
  readonly #writer: SqliteConnection
  readonly #file: string
  #seen: number | undefined

  constructor(writer: SqliteConnection, path: string) {
    this.#writer = writer
    const { dev, ino } = statSync(path, { bigint: true })
    this.#file = `${dev}:${ino}`
    opened.set(this.#file, (opened.get(this.#file) ?? 0) + 1)
  }

  /** A number; `NaN`, which differs from itself, where the file is held so that nothing can be known. */
  look(): number {
    if (this.#seen !== undefined) return this.#seen
    const version = this.#ask()
    if ((opened.get(this.#file) as number) === 1) {
      this.#seen = version
      process.nextTick(this.#forget)
    }
    return version
  }

  #ask(): number {
    try {
      return this.#writer.first(dataVersion, []) as number
    } catch {
      // What is wrong meets the read that follows, which knows how to wait and what to say.
      return Number.NaN
    }
  }

  close(): void {
    const left = (opened.get(this.#file) as number) - 1
    if (left === 0) opened.delete(this.#file)
    else opened.set(this.#file, left)
  }

  readonly #forget = (): void => {
    this.#seen = undefined
  }
}
