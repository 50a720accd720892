import fc from "fast-check"
import {
  bigint,
  boolean,
  bytes,
  choice,
  date,
  decimal,
  identity,
  integer,
  json,
  list,
  type NewRow,
  real,
  table,
  text,
  time,
  timestamp,
  uuid,
} from "../../src/schema/index.ts"

const choices = ["plain", "it's", 'with "quotes"', "", "ä ö"] as const

/** A column of every type, each nullable; the values of `arbitraryRow` fit it. */
export const everything = table("everything", {
  id: identity(),
  uuid: uuid().nullable(),
  integer: integer().nullable(),
  bigint: bigint().nullable(),
  real: real().nullable(),
  decimal: decimal(30, 5).nullable(),
  whole: decimal(20, 0).nullable(),
  text: text().nullable(),
  short: text({ max: 10 }).nullable(),
  boolean: boolean().nullable(),
  timestamp: timestamp().nullable(),
  date: date().nullable(),
  time: time().nullable(),
  json: json().nullable(),
  bytes: bytes().nullable(),
  choice: choice(...choices).nullable(),
  uuids: list(uuid()).nullable(),
  integers: list(integer()).nullable(),
  bigints: list(bigint()).nullable(),
  reals: list(real()).nullable(),
  decimals: list(decimal(12, 2)).nullable(),
  texts: list(text()).nullable(),
  booleans: list(boolean()).nullable(),
  timestamps: list(timestamp()).nullable(),
  dates: list(date()).nullable(),
  times: list(time()).nullable(),
  choices: list(choice(...choices)).nullable(),
})

export type Everything = Omit<Required<NewRow<typeof everything>>, "id">

const positional = (digits: number) => fc.stringMatching(new RegExp(`^(0|[1-9][0-9]{0,${digits - 1}})$`))

function decimalOf(precision: number, scale: number) {
  return fc
    .tuple(fc.boolean(), positional(precision - scale), fc.stringMatching(new RegExp(`^[0-9]{0,${scale}}$`)))
    .map(([negative, whole, fraction]) => `${negative ? "-" : ""}${whole}${fraction === "" ? "" : `.${fraction}`}`)
}

const texts = fc
  .string({ unit: "binary", maxLength: 30 })
  .filter((value) => !value.includes("\0") && value.isWellFormed())
const days = fc.date({
  min: new Date("0001-01-01T00:00:00.000Z"),
  max: new Date("9999-12-31T23:59:59.999Z"),
  noInvalidDate: true,
})
const two = (value: number) => String(value).padStart(2, "0")
const times = fc
  .tuple(fc.nat(23), fc.nat(59), fc.option(fc.nat(59), { nil: undefined }))
  .map(([hour, minute, second]) => `${two(hour)}:${two(minute)}${second === undefined ? "" : `:${two(second)}`}`)
const documents = fc
  .jsonValue({ maxDepth: 3, stringUnit: "binary" })
  .filter((value) => value !== null && !/\\u0000|\\ud[89a-f]/i.test(JSON.stringify(value)))
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const numbers = fc.double({ noNaN: true, noDefaultInfinity: true })
const several = <T>(of: fc.Arbitrary<T>) => fc.array(of, { maxLength: 4 })

const arbitraries: { [K in keyof Everything]: fc.Arbitrary<NonNullable<Everything[K]>> } = {
  uuid: fc.uuid(),
  integer: fc.maxSafeInteger(),
  bigint: int64,
  real: numbers,
  decimal: decimalOf(30, 5),
  whole: decimalOf(20, 0),
  text: texts,
  short: fc
    .array(fc.constantFrom("a", "ß", "Ω", "😀", "'", "\\", "{", ",", "\n"), { maxLength: 10 })
    .map((parts) => parts.join("")),
  boolean: fc.boolean(),
  timestamp: days,
  date: days.map((value) => value.toISOString().slice(0, 10)),
  time: times,
  json: documents as fc.Arbitrary<object>,
  bytes: fc.uint8Array({ maxLength: 40 }),
  choice: fc.constantFrom(...choices),
  uuids: several(fc.uuid()),
  integers: several(fc.maxSafeInteger()),
  bigints: several(int64),
  reals: several(numbers),
  decimals: several(decimalOf(12, 2)),
  texts: several(fc.oneof(texts, fc.constantFrom("NULL", "null", "", '"', "\\", "{}", ",", " a "))),
  booleans: several(fc.boolean()),
  timestamps: several(days),
  dates: several(days.map((value) => value.toISOString().slice(0, 10))),
  times: several(times),
  choices: several(fc.constantFrom(...choices)),
}

/** A row of `everything` without its key. */
export const arbitraryRow: fc.Arbitrary<Everything> = fc.record(
  Object.fromEntries(
    Object.entries(arbitraries).map(([key, of]) => [key, fc.option(of as fc.Arbitrary<unknown>, { freq: 6 })]),
  ),
) as unknown as fc.Arbitrary<Everything>

function canonicalDecimal(value: string, scale: number): string {
  const [whole = "", fraction = ""] = value.split(".")
  const padded = scale === 0 ? whole : `${whole}.${fraction.padEnd(scale, "0")}`
  return /[1-9]/.test(padded) ? padded : padded.replace("-", "")
}

const positive = (value: unknown) => JSON.parse(JSON.stringify(value))
const seconds = (value: string) => (value.length === 5 ? `${value}:00` : value)
const zero = (value: number) => value + 0

/** The row as it comes back: what is the same value is written in one way. */
export function stored(row: Everything): Everything {
  const of = <T>(value: T | null, change: (value: T) => T): T | null => (value === null ? null : change(value))
  const each = <T>(value: T[] | null, change: (value: T) => T): T[] | null =>
    value === null ? null : value.map(change)
  return {
    ...row,
    real: of(row.real as number | null, zero),
    reals: each(row.reals as number[] | null, zero),
    decimal: of(row.decimal as string | null, (value) => canonicalDecimal(value, 5)),
    whole: of(row.whole as string | null, (value) => canonicalDecimal(value, 0)),
    decimals: each(row.decimals as string[] | null, (value) => canonicalDecimal(value, 2)),
    time: of(row.time as string | null, seconds),
    times: each(row.times as string[] | null, seconds),
    json: of(row.json as object | null, positive),
  }
}
