import { RootstockError } from "rootstock/errors"

/**
 * What is known of a send that failed: `temporary`, nothing was delivered and a later attempt may succeed; `permanent`,
 * nothing was delivered and no attempt will; `unknown`, the connection broke when it may have been delivered.
 */
export type FailureKind = "temporary" | "permanent" | "unknown"

type Details = {
  /** How long the server asked to wait, in milliseconds. */
  retryAfterMs?: number | undefined
  /** Whether the address leads nowhere any more, as a chat with a person who blocked the bot. */
  isDead?: boolean
  cause?: unknown
}

/** Something could not be delivered. The message has no secrets: it is kept in the log of notifications. */
export class DeliveryError extends RootstockError {
  override readonly code = "DELIVERY_FAILED"
  readonly kind: FailureKind
  readonly retryAfterMs: number | undefined
  readonly isDead: boolean

  constructor(kind: FailureKind, message: string, { retryAfterMs, isDead = false, cause }: Details = {}) {
    super(message, { cure: "Check the address of the channel and the server that it leads to.", cause })
    this.kind = kind
    this.retryAfterMs = retryAfterMs
    this.isDead = isDead
  }
}

/** Codes of errors before anything was sent. */
const beforeSending = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EDNS",
  "UND_ERR_CONNECT_TIMEOUT",
  "CERT_HAS_EXPIRED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
])

/** The code of an error, or of what caused it: `ECONNREFUSED`, `ETIMEDOUT`, `TimeoutError`. */
export function codeOf(error: unknown): string {
  const { code, cause, name, errors } = (error ?? {}) as {
    code?: unknown
    cause?: unknown
    name?: unknown
    errors?: unknown[]
  }
  if (typeof code === "string") return code
  if (Array.isArray(errors) && errors.length > 0) return codeOf(errors[0])
  return typeof cause === "object" && cause !== null ? codeOf(cause) : String(name ?? "Error")
}

/** Whether an error of the network came before anything was sent. */
export function cameBeforeSending(error: unknown): boolean {
  return beforeSending.has(codeOf(error))
}

/**
 * The wait that a `Retry-After` asks for, in milliseconds; one that names a date is not obeyed but for the usual pause.
 *
 * https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
 */
export function retryAfterMs(seconds: unknown): number | undefined {
  const number = typeof seconds === "string" && /^\d{1,9}$/.test(seconds) ? Number(seconds) : seconds
  // A server cannot put a notice off for longer than an hour.
  return typeof number === "number" && number >= 0 ? Math.min(number * 1_000, 3_600_000) : undefined
}
