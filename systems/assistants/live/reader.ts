import { passwordVersion } from "rootstock/shared"
import type { User } from "../schema.ts"

/** A piece of a running answer. */
export type Token = {
  readonly runId: string
  /** Where in the answer it begins, in UTF-16 units; 0 where the answer begins anew. */
  readonly from: number
  readonly text: string
}

/** What was said of a running answer so far. */
export type Said = {
  /** Which try to make the answer it is. */
  readonly speech: string
  readonly text: string
}

export type ReaderOptions = {
  readonly user: User
  /** Number of the last event that the reader has. */
  readonly position: number
  /** Until when the reader may go on without signing in anew, in milliseconds of Unix time. */
  readonly until: number
  /** Aborted when the reader goes. */
  readonly signal: AbortSignal
}

/** Somebody who watches a chat: where the reader stands, and whether the reader may go on. It holds no events. */
export class Reader {
  readonly userId: string
  readonly orgId: string
  readonly until: number
  readonly #password: string | null
  readonly #signal: AbortSignal
  readonly #heard = new Map<string, { readonly speech: string; readonly length: number }>()
  position: number
  isAdmin: boolean
  #isOver: boolean
  #isStirred = false
  #resume: (() => void) | undefined

  constructor({ user, position, until, signal }: ReaderOptions) {
    this.userId = user.id
    this.orgId = user.orgId
    this.until = until
    this.position = position
    this.isAdmin = user.isAdmin
    this.#password = versionOf(user)
    this.#signal = signal
    this.#isOver = signal.aborted
    signal.addEventListener("abort", () => this.end(), { once: true })
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** The reader gets nothing from here on. */
  end(): void {
    this.#isOver = true
    this.stir()
  }

  /** Takes the user as it is by now. */
  know(user: User | undefined, now: number): void {
    this.isAdmin = user?.isAdmin === true
    if (user?.isActive !== true || versionOf(user) !== this.#password || now >= this.until) this.end()
  }

  /** There is something to look at. */
  stir(): void {
    this.#isStirred = true
    this.#resume?.()
  }

  /** Waits until there is something to look at since the last wait began. */
  async wait(): Promise<void> {
    if (!this.#isStirred && !this.#signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#resume = resolve
      })
      this.#resume = undefined
    }
    this.#isStirred = false
  }

  /** What of the running answers the reader has not got; it counts as got then. */
  hear(said: ReadonlyMap<string, Said>): Token | undefined {
    for (const runId of this.#heard.keys()) if (!said.has(runId)) this.#heard.delete(runId)
    for (const [runId, { speech, text }] of said) {
      const heard = this.#heard.get(runId)
      const from = heard?.speech === speech ? heard.length : 0
      if (text.length <= from) continue
      this.#heard.set(runId, { speech, length: text.length })
      return { runId, from, text: text.slice(from) }
    }
    return undefined
  }
}

function versionOf({ passwordHash }: User): string | null {
  return passwordHash === null ? null : passwordVersion(passwordHash)
}
