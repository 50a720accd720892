import { stat } from "node:fs/promises"
import { resolve } from "node:path"
import { UnavailableError } from "../../errors/index.ts"

/**
 * The file that the connections of an engine have open. Removed or replaced, it stays theirs until they close, and what
 * they write then is lost: nobody but its directory can tell.
 */
export class DatabaseFile {
  readonly #path: string
  readonly #identity: string | undefined

  private constructor(path: string, identity: string | undefined) {
    this.#path = path
    this.#identity = identity
  }

  /** Remembers which file lies at a path. */
  static async at(path: string): Promise<DatabaseFile> {
    const absolute = resolve(path)
    return new DatabaseFile(absolute, await identityOf(absolute))
  }

  /** @throws UnavailableError where the path leads to another file, or to none */
  async check(): Promise<void> {
    const present = await identityOf(this.#path)
    if (present === this.#identity) return
    const what = present === undefined ? "removed" : "replaced by another"
    throw new UnavailableError(`The database file ${this.#path} was ${what} while it was open.`, {
      cure: "Stop the process, put the right file in its place, and start it again: what it writes meanwhile is lost.",
    })
  }
}

/** Device and number of the file at a path; undefined where there is none. */
async function identityOf(path: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(path, { bigint: true })
    return `${dev}:${ino}`
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === "ENOENT" || code === "ENOTDIR") return undefined
    throw new UnavailableError(`The database file ${path} cannot be looked at: ${message}.`, {
      cure: "See that its folders may be entered.",
      cause,
    })
  }
}
