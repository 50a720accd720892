import { type Codec, type ColumnType, type Problem, type SqlValue, shown, wrongType } from "./type.ts"

/** The length in UTF-8: of text without letters beyond ASCII that of the string. */
function byteLength(text: string): number {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 127) return Buffer.byteLength(text)
  return text.length
}

/**
 * Whether a key stands behind another: longer, or the same length and greater, both by bytes, as `jsonb` keeps keys.
 * https://www.postgresql.org/docs/current/datatype-json.html
 */
function isBehind(key: string, other: string): boolean {
  const length = byteLength(key)
  const difference = length - byteLength(other)
  if (difference !== 0) return difference > 0
  return length === key.length && length === other.length
    ? key > other
    : Buffer.from(key).compare(Buffer.from(other)) > 0
}

/** Up to so many keys are sorted by insertion, which is faster for few and slow for many. */
const fewKeys = 32

/** Sorts keys in place; whether any had to move. */
function sortKeys(keys: string[]): boolean {
  if (keys.length > fewKeys) {
    keys.sort((left, right) => (left === right ? 0 : isBehind(left, right) ? 1 : -1))
    return true
  }
  let moved = false
  for (let index = 1; index < keys.length; index++) {
    const key = keys[index] as string
    let at = index
    while (at > 0 && isBehind(keys[at - 1] as string, key)) {
      keys[at] = keys[at - 1] as string
      at--
    }
    if (at === index) continue
    keys[at] = key
    moved = true
  }
  return moved
}

/** Objects that `JSON.stringify` does not write by their keys. */
function hasOwnForm(value: object): boolean {
  return (
    typeof (value as { toJSON?: unknown }).toJSON === "function" ||
    value instanceof Number ||
    value instanceof String ||
    value instanceof Boolean
  )
}

/** The value with its keys in the order of `jsonb`; the same value where nothing is to change. */
function canonical(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value
  if (hasOwnForm(value)) {
    const text = JSON.stringify(value)
    return text === undefined ? undefined : canonical(JSON.parse(text))
  }
  if (Array.isArray(value)) {
    const items = value.map(canonical)
    return items.every((item, index) => item === value[index]) ? value : items
  }
  const entries = value as Record<string, unknown>
  const keys = Object.keys(entries)
  let changed = sortKeys(keys)
  const result: Record<string, unknown> = {}
  for (const key of keys) {
    const entry = entries[key]
    const own = canonical(entry)
    if (own !== entry) changed = true
    if (key === "__proto__") Object.defineProperty(result, key, { value: own, enumerable: true })
    else result[key] = own
  }
  return changed ? result : value
}

/** JSON text of a value in canonical order. Dates and other objects are written as `JSON.stringify` writes them. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(canonical(value))
}

// Behind an even number of backslashes: an odd one makes it text that only looks like an escape.
const escapedNull = /(?<!\\)(?:\\\\)*\\u0000/
const escapedSurrogate = /(?<!\\)(?:\\\\)*\\ud[89a-f]/

/** The text that `write` makes of a value, or what is wrong with it. */
function jsonText(value: unknown, write: (value: unknown) => string | undefined): string | Problem {
  let text: string | undefined
  try {
    text = write(value)
  } catch (error) {
    return wrongType(`cannot be written as JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (text === undefined) return wrongType(`cannot be written as JSON: it is ${typeof value}`)
  if (text.includes("\\u0000") && escapedNull.test(text)) return wrongType("must not contain the character U+0000")
  if (text.includes("\\ud") && escapedSurrogate.test(text))
    return wrongType("must be well-formed Unicode (it has half a surrogate pair)")
  return text
}

export const jsonColumn: ColumnType = {
  kind: "json",
  options: {},
  problem(value) {
    const text = jsonText(value, JSON.stringify)
    return typeof text === "string" ? undefined : text
  },
  codecs: {
    sqlite: {
      ddl: "TEXT",
      cast: "TEXT",
      check: (column) => `json_valid(${column})`,
      encode: canonicalJson,
      convert: (value) => jsonText(value, canonicalJson),
      decode: JSON.parse,
    },
    postgres: {
      ddl: "jsonb",
      cast: "jsonb",
      encode: (value) => JSON.stringify(value),
      convert: (value) => jsonText(value, JSON.stringify),
      decode: JSON.parse,
    },
  },
  jsonSchema: {},
}

export const bytesColumn: ColumnType = {
  kind: "bytes",
  options: {},
  problem: (value) =>
    value instanceof Uint8Array ? undefined : wrongType(`must be a Uint8Array, not ${shown(value)}`),
  codecs: {
    sqlite: {
      ddl: "BLOB",
      cast: "BLOB",
      encode: (value: Uint8Array) => value,
      decode: (raw: Uint8Array) => new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength),
    },
    postgres: {
      ddl: "bytea",
      cast: "bytea",
      encode: (value: Uint8Array) =>
        `\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex")}`,
      decode: (raw: string) => new Uint8Array(Buffer.from(raw.slice(2), "hex")),
    },
  },
  jsonSchema: { type: "string", contentEncoding: "base64" },
}

/** The text form of a one-dimensional PostgreSQL array. https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO */
export function postgresArray(items: readonly SqlValue[]): string {
  let text = "{"
  for (let index = 0; index < items.length; index++) {
    const item = items[index]
    if (index > 0) text += ","
    if (item === null || item === undefined) text += "NULL"
    else if (typeof item === "string") text += `"${/["\\]/.test(item) ? item.replace(/["\\]/g, "\\$&") : item}"`
    else if (typeof item === "object") text += `"\\\\x${Buffer.from(item).toString("hex")}"`
    else text += item
  }
  return `${text}}`
}

/** The items of the text form of a one-dimensional PostgreSQL array. */
export function parsePostgresArray(text: string): (string | null)[] {
  const items: (string | null)[] = []
  let index = 1
  while (index < text.length - 1) {
    if (text[index] === '"') {
      let item = ""
      index++
      while (text[index] !== '"') {
        if (text[index] === "\\") index++
        item += text[index++]
      }
      items.push(item)
      index++
    } else {
      const end = text.indexOf(",", index)
      const item = text.slice(index, end === -1 ? text.length - 1 : end)
      items.push(item === "NULL" ? null : item)
      index += item.length
    }
    index++
  }
  return items
}

// Not yet among TypeScript's own declarations: https://tc39.es/proposal-json-parse-with-source/
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown }

function jsonItem(value: SqlValue): unknown {
  return typeof value === "bigint" ? rawJSON(String(value)) : value
}

export function listColumn(of: ColumnType): ColumnType {
  const { sqlite, postgres } = of.codecs
  const decodeSqlite = sqlite.decode ?? ((raw: unknown) => raw)
  const decodePostgres = postgres.decode ?? ((raw: unknown) => raw)
  const codecs: { sqlite: Codec; postgres: Codec } = {
    sqlite: {
      ddl: "TEXT",
      cast: "TEXT",
      check: (column) => `json_valid(${column}) AND json_type(${column}) = 'array'`,
      encode: (value: unknown[]) => JSON.stringify(value.map((item) => jsonItem(sqlite.encode(item)))),
      decode: (raw: string) => {
        const parse = sqlite.wide
          ? JSON.parse(raw, ((_key: string, value: unknown, context: { source?: string }) =>
              typeof value === "number" ? BigInt(context.source as string) : value) as (
              key: string,
              value: unknown,
            ) => unknown)
          : JSON.parse(raw)
        return (parse as unknown[]).map(decodeSqlite)
      },
    },
    postgres: {
      // Without the length of its items, which is checked before: arrays of varchar and of text do not compare.
      ddl: of.kind === "text" || of.kind === "choice" ? 'text[] COLLATE "C"' : `${postgres.ddl}[]`,
      cast: `${postgres.cast}[]`,
      encode: (value: unknown[]) => postgresArray(value.map((item) => postgres.encode(item))),
      decode: (raw: string) => parsePostgresArray(raw).map((item) => (item === null ? null : decodePostgres(item))),
    },
  }
  return {
    kind: "list",
    options: { of },
    problem(value) {
      if (!Array.isArray(value)) return wrongType(`must be an array, not ${shown(value)}`)
      for (let index = 0; index < value.length; index++) {
        const problem = of.problem(value[index])
        if (problem !== undefined) return { kind: problem.kind, sentence: `item ${index} ${problem.sentence}` }
      }
      return undefined
    },
    codecs,
    jsonSchema: { type: "array", items: of.jsonSchema },
  }
}
