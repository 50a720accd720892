import { type ColumnType, shown, wrongType, wrongValue } from "./type.ts"

const int64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n }

function safe(raw: string): number {
  const value = +raw
  if (Number.isSafeInteger(value)) return value
  throw new RangeError("a stored integer is beyond 2^53")
}

function safeNumber(raw: number | bigint): number {
  return typeof raw === "bigint" ? safe(String(raw)) : raw
}

function integerProblem(value: unknown) {
  if (typeof value !== "number") return wrongType(`must be a number, not ${shown(value)}`)
  if (!Number.isSafeInteger(value)) return wrongType(`must be a whole number within ±(2^53 − 1), not ${shown(value)}`)
  return undefined
}

function integerType(kind: "integer" | "identity"): ColumnType {
  return {
    kind,
    options: {},
    problem: integerProblem,
    codecs: {
      sqlite: { ddl: "INTEGER", cast: "INTEGER", encode: (value: number) => value, decode: safeNumber },
      postgres: { ddl: "bigint", cast: "bigint", encode: String, decode: safe },
    },
    jsonSchema: { type: "integer", minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER },
  }
}

export const integerColumn: ColumnType = integerType("integer")
export const identityColumn: ColumnType = integerType("identity")

export const bigintColumn: ColumnType = {
  kind: "bigint",
  options: {},
  problem(value) {
    if (typeof value !== "bigint") return wrongType(`must be a bigint, not ${shown(value)}`)
    if (value < int64.min || value > int64.max) return wrongType("must fit 64 bits")
    return undefined
  },
  codecs: {
    sqlite: { ddl: "INTEGER", cast: "INTEGER", encode: (value: bigint) => value, decode: BigInt, wide: true },
    postgres: { ddl: "bigint", cast: "bigint", encode: String, decode: BigInt },
  },
  jsonSchema: { type: "string", pattern: "^-?[0-9]{1,19}$" },
}

export const realColumn: ColumnType = {
  kind: "real",
  options: {},
  problem(value) {
    if (typeof value !== "number" || !Number.isFinite(value)) {
      return wrongType(`must be a finite number, not ${shown(value)}`)
    }
    return undefined
  },
  codecs: {
    // Neither side keeps the sign of zero through every path, so it is dropped on the way in.
    sqlite: { ddl: "REAL", cast: "REAL", encode: (value: number) => value + 0, decode: Number },
    postgres: {
      ddl: "double precision",
      cast: "double precision",
      encode: (value: number) => String(value + 0),
      decode: Number,
    },
  },
  jsonSchema: { type: "number" },
}

const decimalText = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/

/** `numeric(precision, scale)`: a string with exactly `scale` digits after the point. */
export function decimalColumn(precision: number, scale: number): ColumnType {
  const canonical = (text: string): string => {
    const [whole = "0", fraction = ""] = text.split(".")
    const padded = scale === 0 ? whole : `${whole}.${fraction.padEnd(scale, "0")}`
    return /[1-9]/.test(padded) ? padded : padded.replace("-", "")
  }
  return {
    kind: "decimal",
    options: { precision, scale },
    problem(value) {
      if (typeof value !== "string" || !decimalText.test(value)) {
        return wrongType(`must be a decimal number as a string such as "12.50", not ${shown(value)}`)
      }
      const [whole = "", fraction = ""] = value.replace("-", "").split(".")
      if (fraction.length > scale) return wrongValue(`has more than ${scale} digits after the point: ${shown(value)}`)
      if (whole !== "0" && whole.length > precision - scale) {
        return wrongValue(`has more than ${precision - scale} digits before the point: ${shown(value)}`)
      }
      return undefined
    },
    canonical,
    codecs: {
      sqlite: {
        ddl: "TEXT",
        cast: "TEXT",
        check: (column) => `${column} GLOB '*[0-9]' AND ${column} NOT GLOB '*[^-.0-9]*'`,
        encode: canonical,
      },
      postgres: { ddl: `numeric(${precision}, ${scale})`, cast: "numeric", encode: canonical },
    },
    jsonSchema: {
      type: "string",
      pattern: `^-?[0-9]{1,${Math.max(1, precision - scale)}}${scale > 0 ? `(\\.[0-9]{1,${scale}})?` : ""}$`,
    },
  }
}

export const booleanColumn: ColumnType = {
  kind: "boolean",
  options: {},
  problem: (value) =>
    typeof value === "boolean" ? undefined : wrongType(`must be true or false, not ${shown(value)}`),
  codecs: {
    sqlite: {
      ddl: "INTEGER",
      cast: "INTEGER",
      check: (column) => `${column} IN (0, 1)`,
      encode: (value: boolean) => (value ? 1 : 0),
      // A statement that reads bigints gives 1n.
      decode: (raw: number | bigint) => raw === 1 || raw === 1n,
    },
    postgres: {
      ddl: "boolean",
      cast: "boolean",
      encode: (value: boolean) => (value ? "t" : "f"),
      decode: (raw) => raw === "t",
    },
  },
  jsonSchema: { type: "boolean" },
}
