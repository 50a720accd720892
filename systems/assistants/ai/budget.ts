import type { Span } from "../storages/runs.ts"

/**
 * Tokens that are kept for each answer in the making, so that answers made at the same time do not go over the budget
 * together: whoever begins counts this for all that have begun.
 */
export const reservedTokens = 4_000

/** The month that an instant falls into in a zone, as a half-open span of instants. */
export function monthOf(instant: Date, zone: string): Span {
  const first = Temporal.Instant.fromEpochMilliseconds(instant.getTime())
    .toZonedDateTimeISO(zone)
    .toPlainDate()
    .with({ day: 1 })
  const startOf = (day: Temporal.PlainDate) => new Date(day.toZonedDateTime(zone).epochMilliseconds)
  return { start: startOf(first), end: startOf(first.add({ months: 1 })) }
}
