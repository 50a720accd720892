import { invalidRequest } from "../fields/index.ts"

/** What a request id from outside may look like; any other is replaced by one of our own. */
const requestIdForm = /^[A-Za-z0-9._:-]{1,64}$/

/** The id that the caller gave, if it may be used. */
export function givenRequestId(header: string | string[] | undefined): string | undefined {
  return typeof header === "string" && requestIdForm.test(header) ? header : undefined
}

/** The entity tag of a version. */
export function versionTag(version: number): string {
  return `"${version}"`
}

/**
 * The version that `If-Match` names; `undefined` without the header and for `*`.
 *
 * @throws RuleError `VALIDATION_FAILED` where it is no version in quotes
 */
export function expectedVersion(header: string | undefined): number | undefined {
  if (header === undefined || header.trim() === "*") return undefined
  const version = /^\s*"(\d{1,15})"\s*$/.exec(header)
  if (version === null)
    throw invalidRequest([{ path: "headers/if-match", message: 'must be a version in quotes, e.g. "3"' }])
  return Number(version[1])
}

/**
 * The id of the last event that a client of a stream has; `undefined` where it has none.
 *
 * @throws RuleError `VALIDATION_FAILED` where it is longer than 64 characters, or has control characters
 */
export function lastEventId(header: string | string[] | undefined, path = "headers/last-event-id"): string | undefined {
  if (header === undefined || header === "") return undefined
  if (typeof header === "string" && /^\P{Cc}{1,64}$/u.test(header)) return header
  throw invalidRequest([{ path, message: "must be 1 to 64 printable characters" }])
}

/**
 * The key of `Idempotency-Key`; `undefined` without the header.
 *
 * @throws RuleError `VALIDATION_FAILED` where it is empty, longer than 128 characters, or not printable ASCII
 */
export function idempotencyKey(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined
  if (typeof header === "string" && /^[\x21-\x7e]{1,128}$/.test(header)) return header
  throw invalidRequest([{ path: "headers/idempotency-key", message: "must be 1 to 128 printable characters" }])
}
