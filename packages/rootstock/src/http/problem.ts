import {
  CheckError,
  ConfigError,
  ConflictError,
  CursorError,
  ForeignKeyError,
  NotFoundError,
  NotNullError,
  SerializationError,
  TimeoutError,
  UnavailableError,
  UniqueError,
} from "../errors/index.ts"
import { invalidRequest } from "../fields/index.ts"
import { snakeCase } from "../schema/index.ts"
import { commonRules, RuleError } from "../shared/index.ts"

/** A problem document. https://www.rfc-editor.org/rfc/rfc9457 */
export type Problem = {
  type: string
  title: string
  status: number
  detail: string
  error_code: string
  request_id: string
} & Record<string, unknown>

/** The problem document that answers a request on which `error` broke. */
export function problemOf(error: RuleError, requestId: string): Problem {
  return {
    type: `urn:problem:${error.code.toLowerCase().replaceAll("_", "-")}`,
    title: error.rule.title,
    status: error.rule.status,
    detail: error.message,
    error_code: error.code,
    request_id: requestId,
    ...(error.errors === undefined ? {} : { errors: error.errors }),
    ...error.members,
  }
}

/** The error for a request to a path that has no call. */
export function noSuchCall({ method, url }: { readonly method: string; readonly url: string }): RuleError {
  return commonRules.broken("NOT_FOUND", `There is no ${method} ${url.split("?", 1)[0]}.`)
}

const bodyProblem = (message: string) => invalidRequest([{ path: "body", message }])

/** Errors that Fastify raises before a handler runs, by their codes. */
const fastifyErrors: Readonly<Record<string, (bodyLimit: number) => RuleError>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: (bodyLimit) =>
    commonRules.broken("TOO_LARGE", `The body is larger than ${bodyLimit} bytes.`),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () =>
    commonRules.broken("UNSUPPORTED_MEDIA_TYPE", "The body must be JSON, with Content-Type: application/json."),
  FST_ERR_ROUTE_MISSING_CONTENT_TYPE: () =>
    commonRules.broken("UNSUPPORTED_MEDIA_TYPE", "The request must say the media type of its body."),
  FST_ERR_CTP_INVALID_JSON_BODY: () => bodyProblem("is not valid JSON"),
  FST_ERR_CTP_EMPTY_JSON_BODY: () => bodyProblem("is required, as JSON"),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () => bodyProblem("is not as long as Content-Length says"),
  FST_ERR_BAD_URL: () => invalidRequest([{ path: "params", message: "is not a valid path" }]),
  FST_ERR_MAX_PARAM_LENGTH: () => invalidRequest([{ path: "params", message: "is too long" }]),
}

function codeOf(error: unknown): string | undefined {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : undefined
}

/**
 * The one place that turns errors into answers. What a service did not translate falls back on the library's own
 * errors; anything else is `INTERNAL`, and its cause is not shown.
 *
 * @param bodyLimit most bytes of a body of the call
 */
export function ruleErrorOf(error: unknown, bodyLimit: number): RuleError {
  if (error instanceof RuleError) return error
  if (error instanceof UniqueError) {
    const errors = error.columns.map((column) => ({ path: `body/${snakeCase(column)}`, message: "exists already" }))
    const fields = error.columns.map(snakeCase).join(", ")
    const why = `A row with this ${fields === "" ? "key" : fields} exists already.`
    return commonRules.broken("DUPLICATE", why, { errors, cause: error })
  }
  if (error instanceof ForeignKeyError) {
    return commonRules.broken("IN_USE", "Something that exists refers to it, or it refers to what does not.", {
      cause: error,
    })
  }
  if (error instanceof CheckError || error instanceof NotNullError) {
    const fields = error.columns.length === 0 ? ["body"] : error.columns.map((column) => `body/${snakeCase(column)}`)
    return invalidRequest(fields.map((path) => ({ path, message: "has a value that is not allowed" })))
  }
  if (error instanceof CursorError)
    return invalidRequest([{ path: "query/cursor", message: "is not one of this list" }])
  if (error instanceof NotFoundError) return commonRules.broken("NOT_FOUND", "It does not exist.", { cause: error })
  if (error instanceof ConflictError) {
    return commonRules.broken("VERSION_MISMATCH", "The row has changed since it was read.", { cause: error })
  }
  // A server that has changed its password or lost its database refuses new connections so.
  if (
    error instanceof UnavailableError ||
    error instanceof ConfigError ||
    error instanceof TimeoutError ||
    error instanceof SerializationError
  ) {
    const headers = { "retry-after": "1" }
    return commonRules.broken("UNAVAILABLE", "The database does not answer at the moment.", { headers, cause: error })
  }
  const known = fastifyErrors[codeOf(error) ?? ""]
  if (known !== undefined) return known(bodyLimit)
  return commonRules.broken("INTERNAL", "Something went wrong; the log has the cause under the request id.", {
    cause: error,
  })
}
