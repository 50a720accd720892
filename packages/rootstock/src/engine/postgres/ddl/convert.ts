import { type Conversion, type Conversions, findConversion, itemRefusal, same } from "../../ddl/conversions.ts"
import type { TypeModel } from "../../ddl/model.ts"
import { typeOf } from "../../ddl/types.ts"

/** How values of one type become values of another on PostgreSQL. */
export function postgresConversion(from: TypeModel, to: TypeModel): Conversion | undefined {
  return findConversion(conversions, from, to)
}

const limit = (type: TypeModel) => `1${"0".repeat(type.precision! - type.scale!)}`
const cast = (type: string): Conversion => ({ value: (x) => `${x}::${type}` })
const safeWhole = (x: string) => `NOT ${x} BETWEEN -9007199254740991 AND 9007199254740991`

function toDecimal(_from: TypeModel, to: TypeModel): Conversion {
  return {
    value: (x) => `${x}::numeric(${to.precision}, ${to.scale})`,
    refuse: (x) => `abs(${x}) >= ${limit(to)} OR round(${x}, ${to.scale}) <> ${x}`,
  }
}

function integerToDecimal(from: TypeModel, to: TypeModel): Conversion {
  const { value, refuse } = toDecimal(from, to)
  return { value, refuse: (x) => refuse!(`${x}::numeric`) }
}

/** PostgreSQL may look at the operands of OR in any order, so a cast stands behind a CASE. */
const formed = (x: string, form: string, then: string) =>
  `${x} IS NOT NULL AND CASE WHEN ${x} ~ '${form}' THEN ${then} ELSE true END`
const wholeForm = "^(0|-?[1-9][0-9]{0,17})$"
const dateForm = "^(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"

/** The text begins like a day of the calendar, but there is no such day (30 February). */
const notADay = (x: string) =>
  `to_char(make_date(left(${x}, 4)::int, substr(${x}, 6, 2)::int, 1) + (substr(${x}, 9, 2)::int - 1), 'YYYY-MM-DD') <> left(${x}, 10)`

const conversions: Conversions = {
  "list list": (_from, { of }) => ({
    value: (x) => x,
    ...itemRefusal(of!, (x, condition) => `EXISTS (SELECT FROM unnest(${x}) AS item WHERE ${condition})`),
  }),
  "integer bigint": () => same,
  "bigint integer": () => ({ value: (x) => x, refuse: safeWhole }),
  "integer real": () => cast("double precision"),
  "bigint real": () => ({
    value: (x) => `${x}::double precision`,
    refuse: (x) => `abs(${x}::numeric) > 9007199254740991 AND ${x}::double precision::numeric <> ${x}`,
  }),
  "real integer": () => ({
    value: (x) => `${x}::bigint`,
    refuse: (x) => `abs(${x}) > 9007199254740991 OR trunc(${x}) <> ${x}`,
  }),
  "real bigint": () => ({
    value: (x) => `${x}::bigint`,
    refuse: (x) => `abs(${x}) >= 9223372036854774784 OR trunc(${x}) <> ${x}`,
  }),
  "integer decimal": integerToDecimal,
  "bigint decimal": integerToDecimal,
  "decimal integer": () => ({
    value: (x) => `${x}::bigint`,
    refuse: (x) => `trunc(${x}) <> ${x} OR abs(${x}) >= 1000000000000000`,
  }),
  "decimal bigint": () => ({
    value: (x) => `${x}::bigint`,
    refuse: (x) => `trunc(${x}) <> ${x} OR abs(${x}) >= 1000000000000000000`,
  }),
  "decimal decimal": toDecimal,
  "text decimal": (from, to) => ({
    value: (x) => `${x}::numeric(${to.precision}, ${to.scale})`,
    refuse: (x) => formed(x, "^-?(0|[1-9][0-9]*)(\\.[0-9]+)?$", toDecimal(from, to).refuse!(`${x}::numeric`)),
  }),
  "integer text": () => cast("text"),
  "bigint text": () => cast("text"),
  "decimal text": () => cast("text"),
  "uuid text": () => cast("text"),
  "date text": () => ({ value: (x) => `to_char(${x}, 'YYYY-MM-DD')` }),
  "time text": () => ({ value: (x) => `${x}::text` }),
  "timestamp text": () => ({ value: (x) => `to_char(${x} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')` }),
  "boolean text": () => cast("text"),
  "text integer": () => ({
    value: (x) => `${x}::bigint`,
    refuse: (x) => formed(x, wholeForm, safeWhole(`${x}::bigint`)),
  }),
  "text bigint": () => ({ value: (x) => `${x}::bigint`, refuse: (x) => formed(x, wholeForm, "false") }),
  "text boolean": () => ({ value: (x) => `${x}::boolean`, refuse: (x) => `${x} NOT IN ('true', 'false')` }),
  "text uuid": () => ({
    value: (x) => `${x}::uuid`,
    refuse: (x) => `${x} !~* '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'`,
  }),
  "text date": () => ({ value: (x) => `${x}::date`, refuse: (x) => formed(x, `${dateForm}$`, notADay(x)) }),
  "text time": () => ({
    value: (x) => `${x}::time(0)`,
    refuse: (x) => `${x} !~ '^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$'`,
  }),
  "text timestamp": () => ({
    value: (x) => `${x}::timestamptz(3)`,
    refuse: (x) => formed(x, `${dateForm}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\\.[0-9]{3}Z$`, notADay(x)),
  }),
  "integer boolean": () => ({ value: (x) => `${x} = 1`, refuse: (x) => `${x} NOT IN (0, 1)` }),
  "boolean integer": () => cast("int::bigint"),
  "date timestamp": () => ({ value: (x) => `${x}::timestamp AT TIME ZONE 'UTC'` }),
  "timestamp date": () => ({
    value: (x) => `(${x} AT TIME ZONE 'UTC')::date`,
    refuse: (x) => `(${x} AT TIME ZONE 'UTC')::time <> '00:00'`,
  }),
}

/** Whether PostgreSQL writes every row of the table anew, behind a lock, to change the type. */
export function rewritesTable(from: TypeModel, to: TypeModel): boolean {
  const [source, target] = [typeOf(from).codecs.postgres.ddl, typeOf(to).codecs.postgres.ddl]
  if (source === target) return false
  if (from.kind === "decimal" && to.kind === "decimal")
    return from.scale !== to.scale || from.precision! > to.precision!
  const widens = (type: TypeModel) => type.kind === "choice" || (type.kind === "text" && type.max === undefined)
  const textual = (type: TypeModel) => type.kind === "text" || type.kind === "choice"
  if (!textual(from) || !textual(to)) return true
  return !(widens(to) || (from.max !== undefined && from.max <= to.max!))
}
