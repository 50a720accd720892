import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { systemClock } from "../../src/clock/index.ts"
import { uuidv7 } from "../../src/schema/index.ts"

describe("uuidv7", () => {
  const before = systemClock.now().getTime()
  const made = Array.from({ length: 50_000 }, uuidv7)

  it("has the version and the variant of RFC 9562", () => {
    for (const one of made) assert.match(one, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })

  it("sorts in the order of making, within a millisecond too", () => {
    assert.deepEqual(made.toSorted(), made)
    assert.equal(new Set(made).size, made.length)
    assert.ok(new Set(made.map((one) => one.slice(0, 13))).size < made.length)
  })

  it("starts with the time of its making", () => {
    const time = Number.parseInt(made[0]!.slice(0, 13).replace("-", ""), 16)
    // Where many were made in one millisecond, the counter runs ahead of the clock by no more than they need.
    assert.ok(time >= before && time <= systemClock.now().getTime() + made.length / 2048 + 1)
  })

  it("ends with bits that are random", () => {
    assert.ok(new Set(made.map((one) => one.slice(24))).size > made.length - 5)
  })
})
