import fc from "fast-check"
import type { Meaning } from "./oracle.ts"

type Part = { readonly text: string; readonly values: readonly number[]; readonly star: boolean }

function range(first: number, last: number, step = 1): number[] {
  const values: number[] = []
  for (let value = first; value <= last; value += step) values.push(value)
  return values
}

function field(first: number, last: number, names?: readonly string[]): fc.Arbitrary<Part> {
  const stepped = fc.integer({ min: 1, max: Math.min(20, last - first + 1) }).map((step): Part => {
    return { text: `*/${step}`, values: range(first, last, step), star: true }
  })
  const all = fc.constant<Part>({ text: "*", values: range(first, last), star: true })
  return fc.oneof({ weight: 3, arbitrary: all }, stepped, { weight: 3, arbitrary: restricted(first, last, names) })
}

/** A field without a star. */
function restricted(first: number, last: number, names?: readonly string[]): fc.Arbitrary<Part> {
  const value = fc.integer({ min: first, max: last })
  const shown = (one: number) => names?.[one - first] ?? String(one)
  const single = value.map((one): Part => ({ text: shown(one), values: [one], star: false }))
  const span = fc.tuple(value, value).map(([one, other]): Part => {
    const [from, to] = one < other ? [one, other] : [other, one]
    return { text: `${shown(from)}-${shown(to)}`, values: range(from, to), star: false }
  })
  const listed = fc.array(single, { minLength: 2, maxLength: 4 }).map(
    (parts): Part => ({
      text: parts.map(({ text }) => text).join(","),
      values: parts.flatMap(({ values }) => values),
      star: false,
    }),
  )
  return fc.oneof(single, span, listed)
}

const months = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
const weekdays = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]

/** Expressions of five fields with their meaning; most of them fire within a few days. */
export const anyExpression: fc.Arbitrary<Meaning> = fc
  .record({
    minutes: field(0, 59),
    // Clocks change at night.
    hours: fc.oneof(field(0, 23), restricted(0, 3)),
    days: fc.oneof(
      { weight: 3, arbitrary: fc.constant<Part>({ text: "*", values: range(1, 31), star: true }) },
      field(1, 31),
    ),
    months: fc.oneof(
      { weight: 4, arbitrary: fc.constant<Part>({ text: "*", values: range(1, 12), star: true }) },
      field(1, 12, months),
    ),
    weekdays: fc.oneof(
      { weight: 3, arbitrary: fc.constant<Part>({ text: "*", values: range(0, 6), star: true }) },
      field(0, 6, weekdays),
    ),
  })
  .map((parts) => ({
    text: [parts.minutes, parts.hours, parts.days, parts.months, parts.weekdays].map(({ text }) => text).join(" "),
    minutes: parts.minutes.values,
    hours: [...new Set(parts.hours.values)],
    days: parts.days.values,
    months: parts.months.values,
    weekdays: parts.weekdays.values,
    stars: { minutes: parts.minutes.star, days: parts.days.star, weekdays: parts.weekdays.star },
  }))
  // Such expressions are refused: no month that they name has the day.
  .filter(({ days, months: named, stars }) => !(stars.weekdays && !canFall(days, named)))

function canFall(days: readonly number[], named: readonly number[]): boolean {
  const lengths = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
  return named.some((month) => days.some((day) => day <= (lengths[month - 1] as number)))
}
