import { resolve } from "node:path"
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

/** Engines of this process by the path of their file. */
const opened = new Map<string, number>()

/**
 * Sees whether another connection than the writer of this engine committed.
 *
 * It looks at the file once in what runs without a pause: a callback and the promises that it settles. That is enough:
 * that another process was told of its commit can be known here only by a message, which a later callback brings. (One
 * turn of the event loop may have several callbacks, and the last of them may bring what was sent during the first.)
 * Another engine of this process on the same file needs no message, so where there is one each call looks.
 */
export class ForeignCommits {
  readonly #writer: SqliteConnection
  readonly #path: string
  #seen: number | undefined

  constructor(writer: SqliteConnection, path: string) {
    this.#writer = writer
    this.#path = resolve(path)
    opened.set(this.#path, (opened.get(this.#path) ?? 0) + 1)
  }

  look(): number {
    if (this.#seen !== undefined) return this.#seen
    const version = this.#writer.first(dataVersion, []) as number
    if ((opened.get(this.#path) as number) === 1) {
      this.#seen = version
      process.nextTick(this.#forget)
    }
    return version
  }

  close(): void {
    const left = (opened.get(this.#path) as number) - 1
    if (left === 0) opened.delete(this.#path)
    else opened.set(this.#path, left)
  }

  readonly #forget = (): void => {
    this.#seen = undefined
  }
}
