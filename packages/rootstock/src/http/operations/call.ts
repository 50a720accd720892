import { ValidationError } from "../../errors/index.ts"
import { PermanentError } from "../../jobs/index.ts"
import { commonRules, RuleError } from "../../shared/index.ts"
import { route } from "../route.ts"

/** A route whose handler's complaints about values from outside are answered as such. */
export const call: typeof route = (method, path, options, handler) =>
  route(method, path, options, async (input) => {
    try {
      return await handler(input)
    } catch (error) {
      throw isAboutValues(error) ? refusalOf(error, method === "GET" ? "query" : "body") : error
    }
  })

function isAboutValues(error: unknown): error is ValidationError | PermanentError {
  // A payload that was stored is read as one that can never succeed.
  return error instanceof ValidationError || error instanceof PermanentError
}

function refusalOf(error: ValidationError | PermanentError, place: "query" | "body"): RuleError {
  const { message, cure, cause } = error
  const errors =
    cause instanceof RuleError && cause.errors !== undefined
      ? cause.errors.map(({ path, message }) => ({ path: path.replace(/^body/, "body/payload"), message }))
      : [{ path: place, message }]
  return commonRules.broken("VALIDATION_FAILED", `${message} ${cure}`, { errors, cause: error })
}
