import { commonRules, type RuleError } from "rootstock/shared"

/** The error for a row that a path names and that does not exist, or not for the caller. */
export function absent(what: string, id: string): RuleError {
  return commonRules.broken("NOT_FOUND", `There is no ${what} ${id}.`)
}

/** Throws where an expression is wanted: `row ?? fail(absent("chat", id))`. */
export function fail(error: Error): never {
  throw error
}
