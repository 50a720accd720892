/** Marks what JSON has no form for: `{"$date": …}`, `{"$bigint": …}`, `{"$number": …}`, and `{"$": {…}}` around an object that looks so. */
const marks = new Set(["$date", "$bigint", "$number", "$undefined", "$"])

/** Plain data as JSON text that gives the same data back: dates, bigints and all numbers included. */
export function encodeValue(value: unknown): string {
  return JSON.stringify(marked(value))
}

/** The data of a text made by `encodeValue`. @throws SyntaxError, TypeError */
export function decodeValue(text: string): unknown {
  return unmarked(JSON.parse(text))
}

function marked(value: unknown): unknown {
  switch (typeof value) {
    case "bigint":
      return { $bigint: String(value) }
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : { $number: Object.is(value, -0) ? "-0" : String(value) }
    case "undefined":
      return { $undefined: true }
    case "object": {
      if (value === null) return null
      if (value instanceof Date) return { $date: Number.isNaN(value.getTime()) ? null : value.toISOString() }
      if (Array.isArray(value)) return Array.from(value, marked)
      const object: Record<string, unknown> = {}
      for (const [key, part] of Object.entries(value)) define(object, key, marked(part))
      return isMarked(value) ? { $: object } : object
    }
    default:
      return value
  }
}

function unmarked(json: unknown): unknown {
  if (typeof json !== "object" || json === null) return json
  if (Array.isArray(json)) return json.map(unmarked)
  if (isMarked(json)) return unmark(json as Record<string, unknown>)
  return parts(json)
}

function parts(json: object): Record<string, unknown> {
  const object: Record<string, unknown> = {}
  for (const [key, part] of Object.entries(json)) define(object, key, unmarked(part))
  return object
}

function unmark(json: Record<string, unknown>): unknown {
  if ("$date" in json) return new Date(json["$date"] === null ? Number.NaN : String(json["$date"]))
  if ("$bigint" in json) return BigInt(String(json["$bigint"]))
  if ("$number" in json) return Number(json["$number"])
  if ("$undefined" in json) return undefined
  return parts(json["$"] as object)
}

function isMarked(value: object): boolean {
  const keys = Object.keys(value)
  return keys.length === 1 && marks.has(keys[0] as string)
}

/** As an own property, whatever its name (`__proto__` included). */
function define(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === "__proto__")
    Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true })
  else object[key] = value
}
