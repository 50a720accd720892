import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js"
import { centsFromAmount, commonRules, type FieldProblem, type RuleError } from "../shared/index.ts"
import { isExact, withoutRounded } from "./exact-numbers.ts"
import type { JsonSchema } from "./fields.ts"
import { isDay, isTimeZone, readInstant } from "./instants.ts"

/** Where a value of a request stands. */
export type Place = "body" | "query" | "params"

const uuidText = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

function validator(useDefaults: boolean): Ajv2020 {
  const ajv = new Ajv2020({
    allErrors: true,
    coerceTypes: false,
    useDefaults,
    strictTypes: false,
    allowUnionTypes: true,
    // An error then tells the schema that it comes from.
    verbose: true,
  })
  ajv.addFormat("money", { type: "number", validate: (amount) => centsFromAmount(amount) !== undefined })
  ajv.addFormat("date", isDay)
  ajv.addFormat("date-time", (text) => readInstant(text) !== undefined)
  ajv.addFormat("uuid", uuidText)
  ajv.addFormat("email", (text) => /^[^\s@]{1,64}@[^\s@.]+(?:\.[^\s@.]+)+$/.test(text.trim()))
  ajv.addFormat("time-zone", isTimeZone)
  // For those who show a form; any text is one.
  ajv.addFormat("password", true)
  ajv.addKeyword("example")
  return ajv
}

const bodies = validator(false)
const texts = validator(true)

const formats: Readonly<Record<string, string>> = {
  money: "must be a number from 0 with at most two decimals",
  date: "must be a day as YYYY-MM-DD",
  "date-time": "must be an instant with its offset, e.g. 2026-01-31T09:00:00.000Z",
  uuid: "must be a UUID in lower case",
  email: "must be an e-mail address",
  "time-zone": 'must be the name of a time zone, e.g. "Europe/Moscow"',
}

function isMoney({ parentSchema }: ErrorObject): boolean {
  return parentSchema?.["format"] === "money"
}

function fieldProblem(place: Place, error: ErrorObject): FieldProblem {
  const { keyword, params } = error
  const name = keyword === "required" ? params["missingProperty"] : params["additionalProperty"]
  const path = `${place}${error.instancePath.replaceAll("~1", "/").replaceAll("~0", "~")}${name === undefined ? "" : `/${name}`}`
  switch (keyword) {
    case "required":
      return { path, message: "is required" }
    case "additionalProperties":
      return { path, message: "is not known" }
    case "enum":
      return { path, message: `must be one of ${(params["allowedValues"] as unknown[]).join(", ")}` }
    case "not":
      return { path, message: "has a value that is not allowed" }
    case "format":
      return { path, message: formats[params["format"]] ?? error.message ?? "is wrong" }
    case "type":
      return { path, message: (isMoney(error) ? formats["money"] : undefined) ?? error.message ?? "is wrong" }
    default:
      return { path, message: error.message ?? "is wrong" }
  }
}

/** Problems of texts that no database could store: U+0000, and halves of surrogate pairs. */
function textProblems(path: string, value: unknown, found: FieldProblem[]): FieldProblem[] {
  if (typeof value === "string") {
    if (value.includes("\0")) found.push({ path, message: "must not contain the character U+0000" })
    else if (!value.isWellFormed()) found.push({ path, message: "must be well-formed Unicode" })
  } else if (typeof value === "object" && value !== null) {
    for (const [key, item] of Object.entries(value)) textProblems(`${path}/${key}`, item, found)
  }
  return found
}

/** Most fields that one answer names: a body of 1 MiB can have half a million wrong ones. */
const mostProblems = 100

/** The error for a request whose fields are wrong. */
export function invalidRequest(errors: readonly FieldProblem[]): RuleError {
  const [first] = errors
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ""
  const why = first === undefined ? "The request does not fit the schema." : `${first.path} ${first.message}${more}.`
  return commonRules.broken("VALIDATION_FAILED", why, { errors: errors.slice(0, mostProblems) })
}

function report(place: Place, check: ValidateFunction, data: unknown): RuleError | undefined {
  const errors = check(data)
    ? textProblems(place, data, [])
    : (check.errors ?? []).map((error) => fieldProblem(place, error))
  return errors.length === 0 ? undefined : invalidRequest(errors)
}

/**
 * The error for a body in which a whole number or an amount of money was rounded when it was parsed. Numbers with a
 * floating point are what they are rounded to.
 */
function reportRounded(check: ValidateFunction, body: unknown): RuleError | undefined {
  const again = withoutRounded(body)
  if (again === undefined || check(again)) return undefined
  const errors = (check.errors ?? []).filter(
    (error) => error.keyword === "type" && (isMoney(error) || [error.params["type"]].flat().includes("integer")),
  )
  return errors.length === 0 ? undefined : invalidRequest(errors.map((error) => fieldProblem("body", error)))
}

type Converter = (text: string) => unknown

function converterOf(schema: JsonSchema): Converter | undefined {
  switch (schema["type"]) {
    case "integer":
      return (text) => (/^-?(?:0|[1-9]\d{0,15})$/.test(text) ? Number(text) : text)
    case "number":
      return (text) =>
        /^-?(?:0|[1-9]\d{0,15})(?:\.\d{1,15})?$/.test(text) && (schema["format"] !== "money" || isExact(text))
          ? Number(text)
          : text
    case "boolean":
      return (text) => (text === "true" ? true : text === "false" ? false : text)
    default:
      return undefined
  }
}

/**
 * Checks a body as it is: nothing in it is converted, filled in or removed.
 *
 * @param mayBeMissing whether no body says as much as an empty object
 */
export function bodyCheck(
  schema: JsonSchema,
  mayBeMissing = false,
): (data: unknown) => { value: unknown } | { error: RuleError } {
  const check = bodies.compile(schema)
  return (given) => {
    const data = mayBeMissing ? (given ?? {}) : given
    if (data === undefined || data === null) {
      return { error: invalidRequest([{ path: "body", message: "is required, as JSON" }]) }
    }
    const error = report("body", check, data) ?? reportRounded(check, data)
    return error === undefined ? { value: data } : { error }
  }
}

/** Checks a query or path: whole texts become the numbers and booleans that the schema asks for, and defaults are filled in. */
export function textCheck(place: "query" | "params", schema: JsonSchema) {
  const check = texts.compile(schema)
  const converters = Object.entries((schema["properties"] ?? {}) as Record<string, JsonSchema>).flatMap(
    ([name, property]) => {
      const convert = converterOf(property)
      return convert === undefined ? [] : [{ name, convert }]
    },
  )
  return (data: unknown): { value: unknown } | { error: RuleError } => {
    const value = { ...(data as Record<string, unknown>) }
    for (const { name, convert } of converters) {
      const text = value[name]
      if (typeof text === "string") value[name] = convert(text)
    }
    const error = report(place, check, value)
    return error === undefined ? { value } : { error }
  }
}
