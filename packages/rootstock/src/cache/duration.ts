import { DeclarationError } from "../errors/index.ts"

/** Milliseconds, or a whole number with a unit: `500ms`, `30s`, `10m`, `1h`, `7d`. */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Longest duration: a year. */
const longest = 366 * 86_400_000

/** Milliseconds of a duration. @throws DeclarationError */
export function milliseconds(place: string, duration: Duration): number {
  const parts = typeof duration === "string" ? /^(\d{1,12})(ms|s|m|h|d)$/.exec(duration) : null
  const value = parts === null ? duration : Number(parts[1]) * (units[parts[2] as string] as number)
  if (typeof value === "number" && Number.isSafeInteger(value) && value > 0 && value <= longest) return value
  throw new DeclarationError(`${place} is ${JSON.stringify(duration)}, which is no duration.`, {
    cure: 'Give milliseconds from 1 to a year, or a whole number with a unit, e.g. "10m" or "1h".',
  })
}
