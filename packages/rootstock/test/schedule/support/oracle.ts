// Fires found the slow way: every minute of a window is asked of Temporal, in UTC and on the wall clock.

/** A cron expression with what it means, so that the oracle has nothing to read. */
export type Meaning = {
  readonly text: string
  readonly minutes: readonly number[]
  readonly hours: readonly number[]
  readonly days: readonly number[]
  readonly months: readonly number[]
  readonly weekdays: readonly number[]
  /** Fields written with a star. */
  readonly stars: { readonly minutes: boolean; readonly days: boolean; readonly weekdays: boolean }
}

type Wall = {
  readonly minute: number
  readonly hour: number
  readonly day: number
  readonly month: number
  readonly weekday: number
}

type Minute = Wall & {
  readonly instant: number
  /** Whether this wall time has been already, before a clock change backwards. */
  readonly isRepeated: boolean
  /** Whether the wall clock never shows it: a clock change forwards skips it. */
  readonly isSkipped: boolean
}

const minuteMs = 60_000

function wallOf(time: Temporal.PlainDateTime | Temporal.ZonedDateTime): Wall {
  const { minute, hour, day, month, dayOfWeek } = time
  return { minute, hour, day, month, weekday: dayOfWeek % 7 }
}

/** All minutes of `[from, to)` in a zone, those that the wall clock skips included. */
export function minutesOf(zone: string, from: number, to: number): Minute[] {
  const minutes: Minute[] = []
  const at = (instant: number) => Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(zone)
  let expected = at(from).toPlainDateTime()
  for (let instant = from; instant < to; instant += minuteMs) {
    const present = at(instant)
    const plain = present.toPlainDateTime()
    for (; Temporal.PlainDateTime.compare(expected, plain) < 0; expected = expected.add({ minutes: 1 })) {
      const shifted = expected.toZonedDateTime(zone, { disambiguation: "compatible" }).epochMilliseconds
      minutes.push({ ...wallOf(expected), instant: shifted, isRepeated: false, isSkipped: true })
    }
    const first = plain.toZonedDateTime(zone, { disambiguation: "earlier" }).epochMilliseconds
    minutes.push({ ...wallOf(present), instant, isRepeated: first < instant, isSkipped: false })
    expected = plain.add({ minutes: 1 })
  }
  return minutes
}

/** The fires among `minutes`, ascending, each once. */
export function oracleFires(meaning: Meaning, minutes: readonly Minute[]): number[] {
  const everyHour = meaning.hours.length === 24
  const fires = new Set<number>()
  for (const minute of minutes) {
    if (!matches(meaning, minute)) continue
    if (minute.isRepeated && !everyHour && !meaning.stars.minutes) continue
    if (minute.isSkipped && everyHour) continue
    fires.add(minute.instant)
  }
  return [...fires].sort((left, right) => left - right)
}

function matches({ minutes, hours, days, months, weekdays, stars }: Meaning, wall: Wall): boolean {
  if (!minutes.includes(wall.minute) || !hours.includes(wall.hour) || !months.includes(wall.month)) return false
  const byDay = days.includes(wall.day)
  const byWeekday = weekdays.includes(wall.weekday)
  return stars.days || stars.weekdays ? byDay && byWeekday : byDay || byWeekday
}
