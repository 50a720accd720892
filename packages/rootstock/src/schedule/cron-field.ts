import { ValidationError } from "../errors/index.ts"

/** What a field of a cron expression may hold. */
export type FieldKind = {
  /** As messages call it, e.g. `minutes`. */
  readonly name: string
  readonly first: number
  readonly last: number
  /** Names of the values from `first` on, in capitals. */
  readonly names?: readonly string[]
  /** Marks that only this field knows: `L` for the last day, `5L` and `5#2` for weekdays of a month. */
  readonly marks?: "days" | "weekdays"
}

/** A weekday of a month: the `nth` one, or the last. */
export type MonthlyWeekday = { readonly weekday: number; readonly nth: number | "last" }

/** A field as it was read. */
export type Field = {
  /** Allowed values, ascending. */
  readonly values: readonly number[]
  /** Whether it was written with `*` or `?`, with or without a step; crontab(5) calls all others restricted. */
  readonly wildcard: boolean
  /** `L` in the days: the last day of the month. */
  readonly lastDay: boolean
  /** `5#2` and `5L` in the weekdays. */
  readonly monthly: readonly MonthlyWeekday[]
}

const dayNames = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
const monthNames = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]

/** The fields of an expression in their order; the seconds may be left out. */
export const fieldKinds: readonly FieldKind[] = [
  { name: "seconds", first: 0, last: 59 },
  { name: "minutes", first: 0, last: 59 },
  { name: "hours", first: 0, last: 23 },
  { name: "days of the month", first: 1, last: 31, marks: "days" },
  { name: "months", first: 1, last: 12, names: monthNames },
  // 7 is Sunday too, as in crontab(5).
  { name: "weekdays", first: 0, last: 6, names: dayNames, marks: "weekdays" },
]

/** Refuses a part of an expression: why, and how to mend it. */
type Refuse = (why: string, cure: string) => never

type Place = { readonly kind: FieldKind; readonly refuse: Refuse }

/** @param where the field as messages name it, e.g. `the 2nd field (hours)` */
export function parseField(text: string, kind: FieldKind, expression: string, where: string): Field {
  const values = new Set<number>()
  const monthly: MonthlyWeekday[] = []
  let wildcard = false
  let lastDay = false
  for (const part of text.split(",")) {
    const refuse: Refuse = (why, cure) => {
      throw new ValidationError(`The cron expression "${expression}" is wrong in ${where}, at "${part}": ${why}.`, {
        cure,
      })
    }
    const place = { kind, refuse }
    const weekday = kind.marks === "weekdays" ? monthlyWeekday(part, place) : undefined
    if (weekday !== undefined) monthly.push(weekday)
    else if (kind.marks === "days" && part.toUpperCase() === "L") lastDay = true
    else {
      const range = parseRange(part, place)
      wildcard ||= range.wildcard
      // The end of a range of weekdays may be 7.
      for (let value = range.from; value <= range.to; value += range.step) {
        values.add(kind.marks === "weekdays" ? value % 7 : value)
      }
    }
  }
  return { values: [...values].sort((left, right) => left - right), wildcard, lastDay, monthly }
}

function monthlyWeekday(part: string, place: Place): MonthlyWeekday | undefined {
  const [, day = "", nth] = /^([^#]*)#(.*)$/.exec(part) ?? []
  if (nth !== undefined) {
    if (!/^[1-5]$/.test(nth)) {
      place.refuse(
        `"${nth}" is no number of a week in a month`,
        "Give 1 to 5 after the #, e.g. 5#2 for the second Friday.",
      )
    }
    return { weekday: parseValue(day, place) % 7, nth: Number(nth) }
  }
  if (part.length > 1 && /L$/i.test(part)) return { weekday: parseValue(part.slice(0, -1), place) % 7, nth: "last" }
  return undefined
}

function parseRange(part: string, place: Place): { from: number; to: number; step: number; wildcard: boolean } {
  const { kind, refuse } = place
  const [, base = "", stepText] = /^([^/]*)(?:\/(.*))?$/.exec(part) ?? []
  const step = stepText === undefined ? 1 : parseStep(stepText, place)
  if (base === "*" || (base === "?" && kind.marks !== undefined)) {
    return { from: kind.first, to: kind.last, step, wildcard: true }
  }
  const [, left = "", right] = /^([^-]*)(?:-(.*))?$/.exec(base) ?? []
  const from = parseValue(left, place)
  if (right === undefined) return { from, to: stepText === undefined ? from : kind.last, step, wildcard: false }
  let to = parseValue(right, place)
  if (kind.marks === "weekdays" && to === 0 && from > 0) to = 7
  if (to < from) {
    const begin = kind.names === undefined ? String(kind.first) : (kind.names[0] as string)
    const end = kind.names === undefined ? String(kind.last) : (kind.names.at(-1) as string)
    refuse(`the range runs backwards`, `Write it as two: ${left}-${end},${begin}-${right}.`)
  }
  return { from, to, step, wildcard: false }
}

function parseStep(text: string, { kind, refuse }: Place): number {
  const most = kind.last - kind.first + 1
  const step = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (step < 1) refuse(`"${text}" is no step`, `Give a whole number from 1 to ${most} after the slash.`)
  if (step > most) {
    refuse(
      `a step of ${step} is longer than the field, which starts anew after ${most}`,
      `Give a step up to ${most}; longer intervals need a list of times.`,
    )
  }
  return step
}

function parseValue(text: string, { kind, refuse }: Place): number {
  const last = kind.marks === "weekdays" ? 7 : kind.last
  const range = `${kind.first} to ${last}`
  if (/^\d{1,4}$/.test(text)) {
    const value = Number(text)
    if (value < kind.first || value > last)
      refuse(`${value} is not within ${range}`, `Give ${kind.name} from ${range}.`)
    return value
  }
  const named = kind.names?.indexOf(text.toUpperCase()) ?? -1
  if (named >= 0) return kind.first + named
  return refuse(
    text === "" ? "a value is missing" : `"${text}" is not understood`,
    `Give ${range}${kind.names === undefined ? "" : ` or ${kind.names[0]} to ${kind.names.at(-1)}`}, a range such as ${kind.first}-${kind.first + 2}, a list with commas, or * for all.`,
  )
}
