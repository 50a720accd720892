import { type ColumnType, shown, wrongType } from "./type.ts"

// Years 1 to 9999: what ISO 8601 writes with four digits, so that text order is time order.
const first = Date.UTC(2000, 0, 1) - 63_082_281_600_000
const last = 253_402_300_799_999

function digits(text: string, at: number, count: number): number {
  let value = 0
  for (let index = at; index < at + count; index++) value = value * 10 + text.charCodeAt(index) - 48
  return value
}

/** The instant of `YYYY-MM-DD?HH:MM:SS`; the digits stand at fixed places, so this is faster than `Date.parse`. */
function instant(text: string, milliseconds: number): Date {
  return new Date(
    Date.UTC(
      digits(text, 0, 4),
      digits(text, 5, 2) - 1,
      digits(text, 8, 2),
      digits(text, 11, 2),
      digits(text, 14, 2),
      digits(text, 17, 2),
      milliseconds,
    ),
  )
}

/** `YYYY-MM-DDTHH:MM:SS.mmmZ`, exactly. `Date.UTC` takes years below 100 for those of the last century. */
function decodeIso(text: string): Date {
  if (text.length !== 24 || text.charCodeAt(0) === 48) return new Date(text)
  return instant(text, digits(text, 20, 3))
}

/** `YYYY-MM-DD HH:MM:SS[.f]+00`: what PostgreSQL prints in the zone UTC. */
function decodePostgres(text: string): Date {
  const fraction = text.charCodeAt(19) === 46 ? text.length - 23 : 0
  if (text.charCodeAt(0) === 48 || text.charCodeAt(4) !== 45 || fraction < 0 || fraction > 3 || !text.endsWith("+00")) {
    return new Date(text.replace(" ", "T").replace(/([+-]\d\d)$/, "$1:00"))
  }
  if (fraction === 0) return instant(text, 0)
  return instant(text, digits(text, 20, fraction) * (fraction === 3 ? 1 : fraction === 2 ? 10 : 100))
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
