import { ValidationError } from "../errors/index.ts"
import { type Field, fieldKinds, parseField } from "./cron-field.ts"

/** A cron expression that was read. */
export type Cron = {
  /** As given, with single spaces. */
  readonly expression: string
  /** Whether every hour of the day is allowed. */
  readonly everyHour: boolean
  /**
   * Whether both passes of an hour that a clock change repeats count: where every hour is allowed, or the minutes are
   * written with `*`. All else names times of day, each of which comes once.
   */
  readonly repeats: boolean
  /** Whether the day counts; days are those since 1970-01-01. */
  allowsDay(day: number): boolean
  /** The first day from `day` on that counts; undefined where there is none. */
  dayFrom(day: number): number | undefined
  /** The first time of day from `second` on, in seconds since midnight; undefined where there is none. */
  timeFrom(second: number): number | undefined
}

const longest = 200

const nicknames: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
}

const ordinals = ["1st", "2nd", "3rd", "4th", "5th", "6th"]

/**
 * Reads a cron expression: minutes, hours, days of the month, months, weekdays, with seconds before them where there are
 * six fields; or a nickname such as `@daily`.
 *
 * Names (`MON`, `jan`), ranges, steps and lists are taken, `L` for the last day of the month, `5L` for the last Friday
 * and `5#2` for the second. Where days and weekdays are both restricted, either is enough, as crontab(5) has it.
 *
 * @throws ValidationError which names the field and the part that is wrong, and for what never comes, as 30 February
 *
 * ### Examples
 *
 * ```ts
 * parseCron("0 9 * * MON-FRI")
 * parseCron("0,30 * * * * *") // twice a minute
 * ```
 */
export function parseCron(text: string): Cron {
  if (typeof text !== "string" || text.length > longest) {
    throw new ValidationError(`A cron expression is a text of at most ${longest} characters.`, {
      cure: 'Give five fields, e.g. "0 9 * * MON-FRI".',
    })
  }
  const expression = text.trim().replace(/\s+/g, " ")
  const fields = readFields(expression)
  const [seconds, minutes, hours, days, months, weekdays] = fields as [Field, Field, Field, Field, Field, Field]
  const allowsDay = dayMatcher(days, months, weekdays)
  const everyHour = hours.values.length === 24
  const cron: Cron = {
    expression,
    everyHour,
    repeats: everyHour || minutes.wildcard,
    allowsDay,
    dayFrom: daySearch(allowsDay, months),
    timeFrom: timeSearch(hours.values, minutes.values, seconds.values),
  }
  if (cron.dayFrom(0) === undefined) {
    throw new ValidationError(`The cron expression "${expression}" never fires: no such day is in any year.`, {
      cure: "Mend the days of the month, the months or the weekdays: 30 February does not come.",
    })
  }
  return Object.freeze(cron)
}

/** The six fields, with the seconds at 0 where they are left out. */
function readFields(expression: string): Field[] {
  const known = expression.startsWith("@") ? nicknames[expression.toLowerCase()] : expression
  if (known === undefined) {
    throw new ValidationError(`The cron expression "${expression}" is no known nickname.`, {
      cure: `Use one of ${Object.keys(nicknames).join(", ")}, or five fields.`,
    })
  }
  const texts = known === "" ? [] : known.split(" ")
  if (texts.length !== 5 && texts.length !== 6) {
    throw new ValidationError(`The cron expression "${expression}" has ${texts.length} fields.`, {
      cure: "Give five: minutes, hours, days of the month, months, weekdays; or six, with seconds before them.",
    })
  }
  const left = fieldKinds.length - texts.length
  const fields = texts.map((one, index) => {
    const kind = fieldKinds[left + index] as (typeof fieldKinds)[number]
    return parseField(one, kind, expression, `the ${ordinals[index]} field (${kind.name})`)
  })
  return left === 0 ? fields : [{ values: [0], wildcard: false, lastDay: false, monthly: [] }, ...fields]
}

const dayMs = 86_400_000

/** Days after which the calendar repeats itself, weekdays included: 400 years. */
const calendarDays = 146_097

function dayMatcher(days: Field, months: Field, weekdays: Field): (day: number) => boolean {
  // crontab(5): both are restricted, so that one is enough.
  const either = !days.wildcard && !weekdays.wildcard
  const ofMonth = new Set(days.values)
  const ofWeek = new Set(weekdays.values)
  const ofYear = new Set(months.values)
  return (day) => {
    const date = new Date(day * dayMs)
    if (!ofYear.has(date.getUTCMonth() + 1)) return false
    const number = date.getUTCDate()
    const weekday = date.getUTCDay()
    const isLast = (ahead: number) => new Date((day + ahead) * dayMs).getUTCMonth() !== date.getUTCMonth()
    const byMonth = ofMonth.has(number) || (days.lastDay && isLast(1))
    if (byMonth === either) return either
    return (
      ofWeek.has(weekday) ||
      weekdays.monthly.some(
        (one) => one.weekday === weekday && (one.nth === "last" ? isLast(7) : Math.ceil(number / 7) === one.nth),
      )
    )
  }
}

function daySearch(allowsDay: (day: number) => boolean, months: Field): Cron["dayFrom"] {
  return (from) => {
    for (let day = from; day < from + calendarDays; ) {
      if (allowsDay(day)) return day
      const date = new Date(day * dayMs)
      const month = date.getUTCMonth()
      day = months.values.includes(month + 1) ? day + 1 : Date.UTC(date.getUTCFullYear(), month + 1, 1) / dayMs
    }
    return undefined
  }
}

/** The first of ascending `values` that is at least `least`. */
function atLeast(values: readonly number[], least: number): number | undefined {
  return values.find((value) => value >= least)
}

function timeSearch(
  hours: readonly number[],
  minutes: readonly number[],
  seconds: readonly number[],
): Cron["timeFrom"] {
  const firstMinute = minutes[0] as number
  const firstSecond = seconds[0] as number
  return (from) => {
    const hour = Math.floor(from / 3_600)
    const minute = Math.floor(from / 60) % 60
    if (hours.includes(hour)) {
      const second = minutes.includes(minute) ? atLeast(seconds, from % 60) : undefined
      if (second !== undefined) return hour * 3_600 + minute * 60 + second
      const later = atLeast(minutes, minute + 1)
      if (later !== undefined) return hour * 3_600 + later * 60 + firstSecond
    }
    const later = atLeast(hours, hour + 1)
    return later === undefined ? undefined : later * 3_600 + firstMinute * 60 + firstSecond
  }
}

/**
 * The shortest time between two fires by the wall clock, in milliseconds; undefined where two days never follow each
 * other and a day has one fire. Clock changes may bring fires closer.
 *
 * ### Examples
 *
 * ```ts
 * shortestInterval(parseCron("0,5 * * * *")) // 300_000
 * ```
 */
export function shortestInterval(cron: Cron): number | undefined {
  const first = cron.timeFrom(0) as number
  let shortest = Number.POSITIVE_INFINITY
  let last = first
  for (let time = cron.timeFrom(first + 1); time !== undefined; time = cron.timeFrom(time + 1)) {
    shortest = Math.min(shortest, time - last)
    last = time
    if (shortest === 1) break
  }
  const overnight = first + 86_400 - last
  if (overnight < shortest && haveNeighbours(cron)) shortest = overnight
  return Number.isFinite(shortest) ? shortest * 1_000 : undefined
}

/** Whether two days that count ever follow each other. */
function haveNeighbours(cron: Cron): boolean {
  for (let day = cron.dayFrom(0); day !== undefined && day < calendarDays; day = cron.dayFrom(day + 1)) {
    if (cron.allowsDay(day + 1)) return true
  }
  return false
}
