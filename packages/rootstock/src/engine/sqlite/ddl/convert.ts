import { type Conversion, type Conversions, findConversion, itemRefusal, same } from "../../ddl/conversions.ts"
import type { TypeModel } from "../../ddl/model.ts"

/** How values of one type become values of another on SQLite. */
export function sqliteConversion(from: TypeModel, to: TypeModel): Conversion | undefined {
  return findConversion(conversions, from, to)
}

const limit = (type: TypeModel) => `1${"0".repeat(Math.min(type.precision! - type.scale!, 18))}`
const asText: Conversion = { value: (x) => `CAST(${x} AS TEXT)` }
const wholeText: Conversion = {
  value: (x) => `CAST(${x} AS INTEGER)`,
  refuse: (x) => `CAST(CAST(${x} AS INTEGER) AS TEXT) <> ${x}`,
}

function toDecimal(to: TypeModel): Conversion {
  const zeros = to.scale === 0 ? "" : ` || '.${"0".repeat(to.scale!)}'`
  return { value: (x) => `CAST(${x} AS TEXT)${zeros}`, refuse: (x) => `abs(${x}) >= ${limit(to)}` }
}

/** The whole digits and the fraction of a decimal's text. */
const whole = (x: string) => `(CASE instr(${x}, '.') WHEN 0 THEN ${x} ELSE substr(${x}, 1, instr(${x}, '.') - 1) END)`
const fraction = (x: string) => `(CASE instr(${x}, '.') WHEN 0 THEN '' ELSE substr(${x}, instr(${x}, '.') + 1) END)`

function decimalToDecimal(_from: TypeModel, to: TypeModel): Conversion {
  const padded = (x: string) => `substr(${fraction(x)} || '${"0".repeat(to.scale!)}', 1, ${to.scale})`
  const places = to.precision! - to.scale!
  return {
    value: (x) => (to.scale === 0 ? whole(x) : `${whole(x)} || '.' || ${padded(x)}`),
    refuse: (x) =>
      `rtrim(substr(${fraction(x)}, ${to.scale! + 1}), '0') <> '' OR length(ltrim(ltrim(${whole(x)}, '-'), '0')) > ${places}`,
  }
}

function textToDecimal(_from: TypeModel, to: TypeModel): Conversion {
  const form = (x: string) =>
    `${x} NOT GLOB '*[0-9]' OR ltrim(${x}, '-') GLOB '*[^.0-9]*' OR ltrim(${x}, '-') NOT GLOB '[0-9]*' OR length(${x}) - length(replace(${x}, '.', '')) > 1 OR length(${x}) - length(replace(${x}, '-', '')) > 1 OR ltrim(${x}, '-') GLOB '0[0-9]*'`
  const conversion = decimalToDecimal(to, to)
  return { value: conversion.value, refuse: (x) => `${form(x)} OR ${conversion.refuse!(x)}` }
}

const conversions: Conversions = {
  "list list": (_from, { of }) => ({
    value: (x) => x,
    ...itemRefusal(
      of!,
      (x, condition) => `EXISTS (SELECT 1 FROM (SELECT value AS item FROM json_each(${x})) WHERE ${condition})`,
    ),
  }),
  "integer bigint": () => same,
  "bigint integer": () => ({
    value: (x) => x,
    refuse: (x) => `${x} NOT BETWEEN -9007199254740991 AND 9007199254740991`,
  }),
  "integer real": () => ({ value: (x) => `CAST(${x} AS REAL)` }),
  "bigint real": () => ({
    value: (x) => `CAST(${x} AS REAL)`,
    refuse: (x) => `CAST(CAST(${x} AS REAL) AS INTEGER) <> ${x}`,
  }),
  "real integer": () => ({
    value: (x) => `CAST(${x} AS INTEGER)`,
    refuse: (x) => `abs(${x}) > 9007199254740991 OR CAST(${x} AS INTEGER) <> ${x}`,
  }),
  "real bigint": () => ({
    value: (x) => `CAST(${x} AS INTEGER)`,
    refuse: (x) => `abs(${x}) >= 9223372036854774784.0 OR CAST(${x} AS INTEGER) <> ${x}`,
  }),
  "integer decimal": (_from, to) => toDecimal(to),
  "bigint decimal": (_from, to) => toDecimal(to),
  "decimal integer": () => ({
    value: (x) => `CAST(${whole(x)} AS INTEGER)`,
    refuse: (x) => `rtrim(${fraction(x)}, '0') <> '' OR length(ltrim(${whole(x)}, '-')) > 15`,
  }),
  "decimal bigint": () => ({
    value: (x) => `CAST(${whole(x)} AS INTEGER)`,
    refuse: (x) => `rtrim(${fraction(x)}, '0') <> '' OR length(ltrim(${whole(x)}, '-')) > 18`,
  }),
  "decimal decimal": decimalToDecimal,
  "text decimal": textToDecimal,
  "integer text": () => asText,
  "bigint text": () => asText,
  "decimal text": () => same,
  "uuid text": () => same,
  "date text": () => same,
  "time text": () => same,
  "timestamp text": () => same,
  "boolean text": () => ({ value: (x) => `CASE ${x} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END` }),
  "text integer": () => ({
    value: wholeText.value,
    refuse: (x) => `${wholeText.refuse!(x)} OR abs(CAST(${x} AS INTEGER)) > 9007199254740991`,
  }),
  "text bigint": () => wholeText,
  "text boolean": () => ({
    value: (x) => `CASE ${x} WHEN 'true' THEN 1 WHEN 'false' THEN 0 END`,
    refuse: (x) => `${x} NOT IN ('true', 'false')`,
  }),
  "text uuid": () => ({
    value: (x) => `lower(${x})`,
    refuse: (x) =>
      `length(${x}) <> 36 OR ${x} NOT LIKE '________-____-____-____-____________' OR replace(${x}, '-', '') GLOB '*[^0-9a-fA-F]*' OR length(replace(${x}, '-', '')) <> 32`,
  }),
  "text date": () => ({ value: (x) => x, refuse: (x) => `${x} IS NOT strftime('%Y-%m-%d', ${x})` }),
  "text time": () => ({ value: (x) => x, refuse: (x) => `${x} IS NOT strftime('%H:%M:%S', ${x})` }),
  "text timestamp": () => ({ value: (x) => x, refuse: (x) => `${x} IS NOT strftime('%Y-%m-%dT%H:%M:%fZ', ${x})` }),
  "integer boolean": () => ({ value: (x) => x, refuse: (x) => `${x} NOT IN (0, 1)` }),
  "boolean integer": () => same,
  "date timestamp": () => ({ value: (x) => `${x} || 'T00:00:00.000Z'` }),
  "timestamp date": () => ({
    value: (x) => `substr(${x}, 1, 10)`,
    refuse: (x) => `substr(${x}, 11) <> 'T00:00:00.000Z'`,
  }),
}
