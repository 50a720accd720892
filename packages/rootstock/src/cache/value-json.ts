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

/** Each marked value once more as it would be written: what is written otherwise is none of ours. */
function unmark(json: Record<string, unknown>): unknown {
  const [mark, written] = Object.entries(json)[0] as [string, unknown]
  if (mark === "$") {
    if (typeof written === "object" && written !== null && isMarked(written)) return parts(written)
    throw new TypeError("not a marked object")
  }
  const value = read(mark, written)
  if (JSON.stringify(marked(value)) !== JSON.stringify(json)) throw new TypeError(`not a value of ${mark}`)
  return value
}

function read(mark: string, written: unknown): unknown {
  if (mark === "$date") return new Date(written === null ? Number.NaN : String(written))
  if (mark === "$bigint") return BigInt(String(written))
  if (mark === "$number") return Number(written)
  return undefined
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
