import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { amountFromCents, centsFromAmount, mostCents } from "../../src/shared/index.ts"

test("reads 19.99 as 1999 minor units", () => {
  assert.equal(centsFromAmount(19.99), 1999)
  assert.notEqual(19.99 * 100, 1999)
})

test("gives back every amount with at most two decimals in JSON", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: mostCents }), (cents) => {
      const text = JSON.stringify(amountFromCents(cents))
      assert.match(text, /^\d+(\.\d{1,2})?$/)
      assert.equal(centsFromAmount(JSON.parse(text)), cents)
    }),
  )
})

for (const amount of [0.001, 19.999, -1, 1e21, 10_000_000_000_000.01, Number.NaN, Number.POSITIVE_INFINITY]) {
  test(`refuses ${amount}`, () => assert.equal(centsFromAmount(amount), undefined))
}
