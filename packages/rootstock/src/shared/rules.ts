import { DeclarationError, RootstockError } from "../errors/index.ts"

/** A rule of a system that a request can break. */
export type Rule = {
  /** Status of the HTTP answer, 400 to 499 or 503. */
  readonly status: number
  /** The rule in a few words; the same for each breach. */
  readonly title: string
  /** What the caller can do, as one sentence. */
  readonly cure: string
}

/** One field of a request that is to blame: `body/email`, `query/count`, `params/user_id`. */
export type FieldProblem = { readonly path: string; readonly message: string }

/** What an answer says beside why: the fields to blame, and members of its own such as `from`, `to`, `allowed`, `details`. */
export type RuleDetails = {
  readonly errors?: readonly FieldProblem[]
  readonly members?: Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, string>>
  readonly cause?: unknown
}

/** A request broke a rule. Services throw it; the HTTP layer answers with it, and a worker rejects a message with it. */
export class RuleError extends RootstockError {
  override readonly code: string
  readonly rule: Rule
  readonly errors: readonly FieldProblem[] | undefined
  readonly members: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, string>>

  constructor(code: string, rule: Rule, message: string, details: RuleDetails = {}) {
    super(message, { cure: rule.cure, cause: details.cause })
    this.code = code
    this.rule = rule
    this.errors = details.errors
    this.members = details.members ?? {}
    this.headers = details.headers ?? {}
  }
}

/** The rules of a system by their codes, and the way to say that one is broken. */
export type Rules<C extends string = string> = {
  readonly list: Readonly<Record<C, Rule>>
  /** The error that says that rule `code` is broken, and why. */
  broken(code: C, message: string, details?: RuleDetails): RuleError
  /** The rules of these codes, as a route lists them. */
  pick(...codes: C[]): Readonly<Record<string, Rule>>
}

function rulesOf<const R extends Readonly<Record<string, Rule>>>(list: R): Rules<keyof R & string> {
  return Object.freeze({
    list: Object.freeze({ ...list }) as Readonly<Record<keyof R & string, Rule>>,
    broken: (code: keyof R & string, message: string, details?: RuleDetails) =>
      new RuleError(code, list[code]!, message, details),
    pick: (...codes: (keyof R & string)[]) => Object.fromEntries(codes.map((code) => [code, list[code]!])),
  })
}

/**
 * Declares rules by their codes.
 *
 * @throws DeclarationError for a rule that holds in every system
 *
 * ### Examples
 *
 * ```ts
 * const rules = defineRules({
 *   USER_NOT_FOUND: { status: 404, title: "No such user", cure: "Give the id of a user that exists." },
 * })
 * throw rules.broken("USER_NOT_FOUND", `There is no user ${id}.`)
 * ```
 */
export function defineRules<const R extends Readonly<Record<string, Rule>>>(list: R): Rules<keyof R & string> {
  const known = Object.keys(list).find((code) => Object.hasOwn(commonRules.list, code))
  if (known !== undefined) {
    throw new DeclarationError(`The rule ${known} holds in every system.`, { cure: "Take it from commonRules." })
  }
  return rulesOf(list)
}

/** Rules that hold in every system. */
export const commonRules = rulesOf({
  UNAUTHENTICATED: { status: 401, title: "Credentials are missing or wrong", cure: "Send a valid key as X-API-Key." },
  FORBIDDEN: { status: 403, title: "Not allowed", cure: "Use credentials that have the scope for this call." },
  NOT_FOUND: { status: 404, title: "Not found", cure: "Check the path and the id." },
  ILLEGAL_TRANSITION: {
    status: 409,
    title: "Status cannot change so",
    cure: "Choose one of the allowed states.",
  },
  DUPLICATE: { status: 409, title: "Already exists", cure: "Choose other values for the named fields." },
  IN_USE: { status: 409, title: "In use", cure: "Remove what refers to it first." },
  IDEMPOTENCY_KEY_REUSED: {
    status: 409,
    title: "Idempotency key was used for another request",
    cure: "Use a new key for a new request.",
  },
  REQUEST_IN_PROGRESS: {
    status: 409,
    title: "The first request with this key is still running",
    cure: "Repeat the request after the time in Retry-After.",
  },
  VERSION_MISMATCH: { status: 412, title: "Version differs", cure: "Read the row again and repeat with its version." },
  TOO_LARGE: { status: 413, title: "Body too large", cure: "Send a smaller body." },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    title: "Body is not JSON",
    cure: "Send JSON with the header Content-Type: application/json.",
  },
  VALIDATION_FAILED: { status: 422, title: "Request does not fit the schema", cure: "Mend the named fields." },
  RATE_LIMITED: { status: 429, title: "Too many attempts", cure: "Repeat the request after the time in Retry-After." },
  INTERNAL: { status: 500, title: "Internal error", cure: "Report the request id." },
  UNAVAILABLE: { status: 503, title: "Temporarily unavailable", cure: "Repeat the request later." },
})

/** Code of a rule that holds in every system. */
export type CommonRule = keyof typeof commonRules.list

/**
 * The error that says that somebody tries too often.
 *
 * @param retryAfterS whole seconds until the next attempt is let through, sent as `Retry-After`
 */
export function rateLimited(message: string, retryAfterS: number): RuleError {
  return commonRules.broken("RATE_LIMITED", message, { headers: { "retry-after": String(retryAfterS) } })
}
