import { Ambient } from "../ambient/index.ts"
import { RootstockError } from "../errors/index.ts"
import { currentSession } from "../session/index.ts"

/** One call site asks for rows one by one that it could ask for together. */
export class NPlusOneError extends RootstockError {
  override readonly code = "N_PLUS_ONE"
}

export type NPlusOneOptions = {
  /** `throw` in tests, `warn` in development, `off` in production, unless said. */
  mode: "off" | "warn" | "throw"
  /** How often one call may run from one place within one request or session (default 10). */
  limit: number
}

type Counts = Map<string, number>

/** One request: calls that repeat within it are counted together. */
export class RequestScope {
  #counts: Counts | undefined

  get counts(): Counts {
    this.#counts ??= new Map()
    return this.#counts
  }
}

export const requestScopes = new Ambient<RequestScope>()

/** Runs `work` as one request: calls that repeat within it are counted together. */
export function withRequestScope<T>(work: () => T): T {
  return requestScopes.run(new RequestScope(), work)
}

const ownFolder = new URL("..", import.meta.url).href

/** The first place on the stack outside of the library. */
function callSite(): string {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 20
  const { stack = "" } = new Error()
  Error.stackTraceLimit = stackTraceLimit
  for (const line of stack.split("\n").slice(1)) {
    if (line.includes(ownFolder) || line.includes("node:")) continue
    return line.trim().replace(/^at /, "")
  }
  return "an unknown place"
}

/** Counts equal reads by call site within a request or a session, and reports the site that reads row by row. */
export class NPlusOneWatch {
  readonly #options: NPlusOneOptions
  readonly #warn: (message: string) => void
  readonly #sessions = new WeakMap<object, Counts>()

  constructor(options: NPlusOneOptions, warn: (message: string) => void) {
    this.#options = options
    this.#warn = warn
  }

  /**
   * Counts one read.
   *
   * @throws NPlusOneError in mode `throw`, once the limit is passed
   */
  count(call: string, cure: string): void {
    const counts = this.#counts()
    if (counts === undefined) return
    const site = callSite()
    const key = `${call} ${site}`
    const count = (counts.get(key) ?? 0) + 1
    counts.set(key, count)
    if (count !== this.#options.limit + 1) return
    const message = `${call} ran more than ${this.#options.limit} times within one request or session from ${site}.`
    if (this.#options.mode === "throw") throw new NPlusOneError(message, { cure })
    this.#warn(`${message} ${cure}`)
  }

  #counts(): Counts | undefined {
    const request = requestScopes.value
    if (request !== undefined) return request.counts
    const session = currentSession()
    if (session === undefined) return undefined
    let counts = this.#sessions.get(session)
    if (counts === undefined) {
      counts = new Map()
      this.#sessions.set(session, counts)
    }
    return counts
  }
}
