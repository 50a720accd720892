import { type ColumnType, shown, wrongType } from "./type.ts"

// Years 1 to 9999: what ISO 8601 writes with four digits, so that text order is time order.
const first = Date.UTC(2000, 0, 1) - 63_082_281_600_000
const last = 253_402_300_799_999

/** The number that two digits make; NaN where they are none, or more than `most`. */
function pair(text: string, at: number, most: number): number {
  const tens = text.charCodeAt(at) - 48
  const ones = text.charCodeAt(at + 1) - 48
  const value = tens * 10 + ones
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 && value <= most ? value : Number.NaN
}

/**
 * Milliseconds of Unix time of `YYYY-MM-DD?HH:MM:SS` in UTC at the start of a text; NaN where it is none. The digits stand at
 * fixed places, so this takes a third of the time of `Date.parse`. As there, 31 February is a day of March.
 *
 * Days are counted in years from March on and in eras of 400 years, as in
 * https://howardhinnant.github.io/date_algorithms.html#days_from_civil
 */
function wallTime(text: string): number {
  const month = pair(text, 5, 12)
  const year = pair(text, 0, 99) * 100 + pair(text, 2, 99) - (month <= 2 ? 1 : 0)
  const day = pair(text, 8, 31)
  const era = Math.floor(year / 400)
  const yearOfEra = year - era * 400
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  const days = era * 146_097 + dayOfEra - 719_468
  const minutes = (days * 24 + pair(text, 11, 23)) * 60 + pair(text, 14, 59)
  return month > 0 && day > 0 ? minutes * 60_000 + pair(text, 17, 59) * 1_000 : Number.NaN
}

/** Milliseconds of Unix time of `YYYY-MM-DDTHH:MM:SS.mmmZ`; NaN where a text is not exactly of this form. */
export function isoTime(text: string): number {
  if (
    text.length !== 24 ||
    text.charCodeAt(4) !== 45 ||
    text.charCodeAt(7) !== 45 ||
    text.charCodeAt(10) !== 84 ||
    text.charCodeAt(13) !== 58 ||
    text.charCodeAt(16) !== 58 ||
    text.charCodeAt(19) !== 46 ||
    text.charCodeAt(23) !== 90
  )
    return Number.NaN
  return wallTime(text) + pair(text, 20, 99) * 10 + digit(text, 22)
}

function digit(text: string, at: number): number {
  const value = text.charCodeAt(at) - 48
  return value >= 0 && value <= 9 ? value : Number.NaN
}

/** `YYYY-MM-DDTHH:MM:SS.mmmZ`; what the check of the column lets through beside it, as JavaScript reads it. */
function decodeIso(text: string): Date {
  const time = isoTime(text)
  return new Date(Number.isNaN(time) ? text : time)
}

/** `YYYY-MM-DD HH:MM:SS[.f]+00`: what PostgreSQL prints in the zone UTC. */
function decodePostgres(text: string): Date {
  const fraction = text.charCodeAt(19) === 46 ? text.length - 23 : 0
  const time =
    text.charCodeAt(4) === 45 && fraction >= 0 && fraction <= 3 && text.endsWith("+00") ? wallTime(text) : Number.NaN
  if (Number.isNaN(time)) return new Date(text.replace(" ", "T").replace(/([+-]\d\d)$/, "$1:00"))
  let milliseconds = 0
  for (let at = 20; at < 20 + fraction; at++) milliseconds = milliseconds * 10 + digit(text, at)
  return new Date(time + (fraction === 3 || fraction === 0 ? milliseconds : milliseconds * (fraction === 2 ? 10 : 100)))
}

export const timestampColumn: ColumnType = {
  kind: "timestamp",
  options: {},
  problem(value) {
    if (!(value instanceof Date)) return wrongType(`must be a Date, not ${shown(value)}`)
    const time = value.getTime()
    if (time >= first && time <= last) return undefined
    return wrongType(`must be a Date in the years 1 to 9999, not ${shown(value)}`)
  },
  codecs: {
    sqlite: {
      ddl: "TEXT",
      cast: "TEXT",
      check: (column) =>
        `${column} GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'`,
      encode: (value: Date) => value.toISOString(),
      decode: decodeIso,
    },
    postgres: {
      ddl: "timestamp(3) with time zone",
      cast: "timestamptz",
      encode: (value: Date) => value.toISOString(),
      decode: decodePostgres,
    },
  },
  jsonSchema: { type: "string", format: "date-time" },
}

const dateText = /^(\d{4})-(\d\d)-(\d\d)$/

function isDate(value: unknown): boolean {
  const parts = typeof value === "string" ? dateText.exec(value) : null
  if (parts === null || parts[1] === "0000") return false
  const month = Number(parts[2])
  const year = Number(parts[1])
  const day = Number(parts[3])
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  const length = month === 2 ? (leap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31
  return month >= 1 && month <= 12 && day >= 1 && day <= length
}

export const dateColumn: ColumnType = {
  kind: "date",
  options: {},
  problem: (value) => (isDate(value) ? undefined : wrongType(`must be a date as "YYYY-MM-DD", not ${shown(value)}`)),
  codecs: {
    sqlite: {
      ddl: "TEXT",
      cast: "TEXT",
      check: (column) => `${column} IS strftime('%Y-%m-%d', ${column})`,
      encode: (value: string) => value,
    },
    postgres: { ddl: "date", cast: "date", encode: (value: string) => value },
  },
  jsonSchema: { type: "string", format: "date" },
}

const timeText = /^(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?$/

const withSeconds = (value: string): string => (value.length === 5 ? `${value}:00` : value)

export const timeColumn: ColumnType = {
  kind: "time",
  options: {},
  problem: (value) =>
    typeof value === "string" && timeText.test(value)
      ? undefined
      : wrongType(`must be a time as "HH:MM" or "HH:MM:SS", not ${shown(value)}`),
  canonical: withSeconds,
  codecs: {
    sqlite: {
      ddl: "TEXT",
      cast: "TEXT",
      check: (column) => `${column} IS strftime('%H:%M:%S', ${column})`,
      encode: withSeconds,
    },
    postgres: { ddl: "time(0) without time zone", cast: "time", encode: withSeconds },
  },
  jsonSchema: { type: "string", pattern: "^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$" },
}
