/** The calendar day `YYYY-MM-DD` that `instant` falls on in `zone`. */
export function dayOf(instant: Date, zone: string): string {
  return Temporal.Instant.fromEpochMilliseconds(instant.getTime()).toZonedDateTimeISO(zone).toPlainDate().toString()
}

/** The half-open range of instants `[start, end)` that a calendar day is in `zone`; 23 to 25 hours where clocks change. */
export function rangeOfDay(day: string, zone: string): { start: Date; end: Date } {
  const date = Temporal.PlainDate.from(day)
  const startOf = (one: Temporal.PlainDate) => new Date(one.toZonedDateTime(zone).epochMilliseconds)
  return { start: startOf(date), end: startOf(date.add({ days: 1 })) }
}

/** The calendar day `days` after `day`; before it where negative. */
export function addDays(day: string, days: number): string {
  return Temporal.PlainDate.from(day).add({ days }).toString()
}
