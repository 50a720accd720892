const instantText =
  /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/i

/** Whether the text is a day that the calendar has, as `YYYY-MM-DD`. */
export function isDay(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text) || text.startsWith("0000")) return false
  const instant = Date.parse(`${text}T00:00:00.000Z`)
  return !Number.isNaN(instant) && new Date(instant).toISOString().startsWith(text)
}

/** The instants that a timestamp column holds: the years 1 to 9999 in UTC, which an offset may leave. */
const [firstInstant, lastInstant] = [Date.parse("0001-01-01T00:00:00.000Z"), Date.parse("9999-12-31T23:59:59.999Z")]

/**
 * The instant that a text names with its offset; undefined where it names none. Days that the calendar lacks are none.
 *
 * ### Examples
 *
 * ```ts
 * readInstant("2026-01-31T09:00+03:00")?.toISOString() // "2026-01-31T06:00:00.000Z"
 * readInstant("2027-02-30T00:00:00Z") // undefined
 * ```
 */
export function readInstant(text: string): Date | undefined {
  const parts = instantText.exec(text)
  if (parts === null || !isDay(text.slice(0, 10))) return undefined
  if (Number(parts[4]) > 23 || Number(parts[5]) > 59 || Number(parts[6] ?? 0) > 59) return undefined
  const instant = Date.parse(text)
  return instant >= firstInstant && instant <= lastInstant ? new Date(instant) : undefined
}

/** Whether a text is the name of a time zone in the IANA database. */
export function isTimeZone(text: string): boolean {
  // Offsets such as +03:00 would do for a clock, but have no rules.
  if (!/^[A-Za-z]/.test(text)) return false
  try {
    new Intl.DateTimeFormat("en", { timeZone: text })
    return true
  } catch {
    return false
  }
}
