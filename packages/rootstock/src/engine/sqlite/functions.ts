import type { DatabaseSync, SQLInputValue } from "node:sqlite"
import { CheckError } from "../../errors/index.ts"
import { fold } from "../text.ts"

function containsJson(whole: unknown, part: unknown): boolean {
  if (Array.isArray(part)) {
    return Array.isArray(whole) && part.every((item) => whole.some((candidate) => containsJson(candidate, item)))
  }
  if (typeof part === "object" && part !== null) {
    if (typeof whole !== "object" || whole === null || Array.isArray(whole)) return false
    const entries = whole as Record<string, unknown>
    return Object.entries(part).every(
      ([key, value]) => Object.hasOwn(entries, key) && containsJson(entries[key], value),
    )
  }
  return whole === part
}

/** `@>` of `jsonb`. At the top, an array also contains a bare value. https://www.postgresql.org/docs/current/datatype-json.html#JSON-CONTAINMENT */
export function jsonContains(whole: unknown, part: unknown): boolean {
  if (Array.isArray(whole) && (typeof part !== "object" || part === null)) return whole.includes(part)
  return containsJson(whole, part)
}

/** A decimal as text that sorts as the number does: sign, count of whole digits, digits; complemented below zero. */
export function decimalKey(text: string): string {
  const negative = text.startsWith("-")
  const digits = negative ? text.slice(1) : text
  const whole = digits.split(".")[0] as string
  const key = `${whole.length.toString().padStart(4, "0")}${digits}`
  if (!negative) return `1${key}`
  return `0${key.replace(/\d/g, (digit) => String(9 - Number(digit)))}~`
}

function outOfRange(): never {
  throw new CheckError("A number is out of the range of its column.", { cure: "Give a number within the range." })
}

/** The exact sum of two decimals with `scale` digits after the point each. @throws CheckError beyond `precision` digits */
export function addDecimals(left: string, right: string, precision: number, scale: number): string {
  const units = (text: string) => {
    const [whole = "0", fraction = ""] = text.split(".")
    return BigInt(whole + fraction.padEnd(scale, "0"))
  }
  const sum = units(left) + units(right)
  if (sum <= -(10n ** BigInt(precision)) || sum >= 10n ** BigInt(precision)) outOfRange()
  const digits = (sum < 0n ? -sum : sum).toString().padStart(scale + 1, "0")
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`
  return sum < 0n ? `-${text}` : text
}

/** Adds to a connection the functions that the dialect's SQL calls. Null in, null out. */
export function addFunctions(database: DatabaseSync): void {
  const add = (name: string, call: (...values: string[]) => SQLInputValue) =>
    database.function(name, { deterministic: true, varargs: true }, (...values: SQLInputValue[]) =>
      values.some((value) => value === null) ? null : call(...(values as string[])),
    )
  add("rootstock_fold", (text) => fold(text))
  add("rootstock_json_contains", (whole, part) => (jsonContains(JSON.parse(whole), JSON.parse(part)) ? 1 : 0))
  add("rootstock_decimal", (text) => decimalKey(text))
  add("rootstock_decimal_add", (left, right, precision, scale) =>
    addDecimals(left, right, Number(precision), Number(scale)),
  )
  add("rootstock_out_of_range", outOfRange)
}
