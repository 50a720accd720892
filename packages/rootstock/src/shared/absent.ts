import { commonRules, type RuleError } from "./rules.ts"

/** The error for a row that a path names and that does not exist, or that the caller may not see. */
export function absent(what: string, id: number | string): RuleError {
  return commonRules.broken("NOT_FOUND", `There is no ${what} ${id}.`)
}

/** The error for a row whose version is not the expected one. */
export function otherVersion(what: string, id: number | string, expected: number, actual: number): RuleError {
  return commonRules.broken("VERSION_MISMATCH", `The ${what} ${id} has version ${actual}, not ${expected}.`)
}

/** Throws where an expression is wanted: `row ?? fail(absent("user", id))`. */
export function fail(error: Error): never {
  throw error
}
