import { ValidationError } from "../errors/index.ts"

/** A time in which a zone keeps one offset; all in milliseconds. */
export type Stretch = {
  /** The instant at which it begins; minus infinity where no clock change is before it. */
  readonly start: number
  /** The instant at which it ends, which is not in it. */
  readonly end: number
  /** Wall clock minus UTC. */
  readonly offset: number
  /** The offset before it; the same where no clock change is before it. */
  readonly offsetBefore: number
}

/** The stretch of `zone` in which `instant` lies. */
export function stretchAt(zone: string, instant: number): Stretch {
  const present = Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(zone)
  // "previous" looks strictly before, and a change at this very instant belongs to the stretch.
  const start = present.add({ nanoseconds: 1 }).getTimeZoneTransition("previous")
  const end = present.getTimeZoneTransition("next")
  const offset = present.offsetNanoseconds / 1e6
  return {
    start: start?.epochMilliseconds ?? Number.NEGATIVE_INFINITY,
    end: end?.epochMilliseconds ?? Number.POSITIVE_INFINITY,
    offset,
    offsetBefore: start == null ? offset : start.subtract({ nanoseconds: 1 }).offsetNanoseconds / 1e6,
  }
}

/** @throws ValidationError for what names no time zone */
export function checkZone(zone: unknown): string {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(zone as string)
    return zone as string
  } catch (cause) {
    throw new ValidationError(`${JSON.stringify(zone)} is no time zone.`, {
      cure: 'Give a name of the IANA database, e.g. "Europe/Moscow", or "UTC".',
      cause,
    })
  }
}
