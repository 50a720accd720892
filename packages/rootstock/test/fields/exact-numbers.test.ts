import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { isExact } from "../../src/fields/exact-numbers.ts"
import {
  bodyCheck,
  type JsonSchema,
  keepNumbers,
  money,
  objectOf,
  optional,
  orNull,
  textCheck,
  wholeNumber,
} from "../../src/fields/index.ts"
import type { RuleError } from "../../src/shared/index.ts"

const schema: JsonSchema = {
  ...objectOf("Thing", {
    price: optional(orNull(money())),
    count: optional(wholeNumber(0)),
    list: optional({
      schema: { type: "array", items: { type: "object", properties: { price: money().schema } } },
      optional: false,
    }),
    weight: optional({ schema: { type: "number" }, optional: false }),
    notes: optional({ schema: {}, optional: false }),
  }).schema,
}
const check = bodyCheck(schema)

function checkText(text: string): ReturnType<typeof check> {
  const body = JSON.parse(text)
  keepNumbers(body, text)
  return check(body)
}

function problems(result: ReturnType<typeof check>): RuleError["errors"] {
  return "error" in result ? result.error.errors : []
}

const notMoney = "must be a number from 0 with at most two decimals"

for (const [text, path, message] of [
  ['{"price": 19.990000000000000001}', "body/price", notMoney],
  ['{"price": 1999000000000000000001e-20}', "body/price", notMoney],
  ['{"price": 0.0000000000000000000000001}', "body/price", notMoney],
  ['{"price": 9999999999999.991}', "body/price", notMoney],
  ['{"list": [{"price": 1}, {"price": 0.010000000000000000001}]}', "body/list/1/price", notMoney],
  ['{"count": 7.00000000000000000001}', "body/count", "must be integer"],
  ['{"count": 4503599627370497.4}', "body/count", "must be integer"],
] as const) {
  test(`refuses ${text}, whose number would be rounded`, () => {
    assert.deepEqual(problems(checkText(text)), [{ path, message }])
  })
}

for (const [text, value] of [
  ['{"price": 19.9900000000000000000000}', { price: 19.99 }],
  ['{"price": 1999e-2, "count": 12e1}', { price: 19.99, count: 120 }],
  ['{"price": 0e10, "count": 0.000000000000000000}', { price: 0, count: 0 }],
  ['{"price": null}', { price: null }],
  ['{"weight": 0.10000000000000001}', { weight: 0.1 }],
  [
    '{"notes": [12345678901234567890, "1234567890123456789012"]}',
    JSON.parse('{"notes": [12345678901234567890, "1234567890123456789012"]}'),
  ],
] as const) {
  test(`takes ${text}`, () => assert.deepEqual(checkText(text), { value }))
}

test("refuses an amount in a query that would be rounded", () => {
  const query = textCheck("query", objectOf("Query", { price: money() }).schema)
  assert.deepEqual(query({ price: "19.99" }), { value: { price: 19.99 } })
  for (const price of ["9999999999999.991", "19.990000000000001", "19.999"]) {
    assert.deepEqual(problems(query({ price })), [{ path: "query/price", message: notMoney }])
  }
})

test("knows every number by the text that it prints as, with zeros behind it too", () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
      const text = JSON.stringify(number)
      assert.ok(isExact(text))
      assert.ok(isExact(number.toExponential()))
      if (/^-?\d+\.\d+$/.test(text)) assert.ok(isExact(`${text}0000000000000000000000`))
    }),
  )
})

test("knows a digit that is lost", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10 ** 15 }), fc.integer({ min: 1, max: 9 }), (cents, digit) => {
      assert.ok(!isExact(`${JSON.stringify(cents / 100 + 0.5).replace(/^(\d+)$/, "$1.0")}00000000000000000${digit}`))
    }),
  )
})
