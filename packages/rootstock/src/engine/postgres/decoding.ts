import { parsePostgresArray } from "../../schema/index.ts"

type Decode = (raw: string) => unknown

function wholeNumber(raw: string): number {
  const value = Number(raw)
  if (Number.isSafeInteger(value)) return value
  throw new RangeError(`the integer ${raw} is beyond 2^53: cast it to text in the statement`)
}

/** `YYYY-MM-DD HH:MM:SS[.ffffff][+00]`, in UTC. `infinity` has no Date. */
function instant(raw: string): Date {
  const value = new Date(`${raw.replace(" ", "T").replace(/[+-]\d\d(:\d\d)?$/, "")}Z`)
  if (Number.isNaN(value.getTime()))
    throw new RangeError(`the timestamp ${raw} is beyond what a Date holds: cast it to text in the statement`)
  return value
}

/** The sum of bigints is a numeric here and an integer on SQLite; other numerics keep their digits as text. */
function numeric(raw: string): unknown {
  const value = /^-?\d+$/.test(raw) ? Number(raw) : Number.NaN
  return Number.isSafeInteger(value) ? value : raw
}

const bytes = (raw: string): Uint8Array => new Uint8Array(Buffer.from(raw.slice(2), "hex"))

function listOf(decode: Decode | undefined): Decode {
  const items = (raw: string): unknown[] => {
    // Arrays of arrays, and those that do not begin at 1, stay text.
    if (raw.startsWith("{{") || raw.startsWith("["))
      throw new RangeError("arrays of arrays cannot be read: cast the column to text or jsonb")
    return parsePostgresArray(raw).map((item) => (item === null || decode === undefined ? item : decode(item)))
  }
  return items
}

// `select oid, typname, typarray from pg_type`; the numbers of built-in types never change.
const decoders: readonly (readonly [type: number, array: number, decode: Decode | undefined])[] = [
  [16, 1000, (raw) => raw === "t"],
  [17, 1001, bytes],
  [20, 1016, wholeNumber],
  [21, 1005, Number],
  [23, 1007, Number],
  [26, 1028, Number],
  [700, 1021, Number],
  [701, 1022, Number],
  [1700, 1231, numeric],
  [1114, 1115, instant],
  [1184, 1185, instant],
  [1082, 1182, undefined],
  [1083, 1183, undefined],
  [114, 199, JSON.parse as Decode],
  [3802, 3807, JSON.parse as Decode],
  [25, 1009, undefined],
  [1043, 1015, undefined],
  [1042, 1014, undefined],
  [18, 1002, undefined],
  [19, 1003, undefined],
  [2950, 2951, undefined],
]

const byType = new Map<number, Decode>()
for (const [type, array, decode] of decoders) {
  if (decode !== undefined) byType.set(type, decode)
  byType.set(array, listOf(decode))
}

/** How a column of this type is read where no table says it; undefined where its text is its value. */
export function decoderOf(typeId: number): Decode | undefined {
  return byType.get(typeId)
}
