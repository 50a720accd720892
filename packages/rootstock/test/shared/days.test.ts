import assert from "node:assert/strict"
import { test } from "node:test"
import { addDays, dayOf, rangeOfDay } from "../../src/shared/index.ts"

test("finds the day of an instant in its zone", () => {
  assert.equal(dayOf(new Date("2026-01-31T20:59:59.999Z"), "Europe/Moscow"), "2026-01-31")
  assert.equal(dayOf(new Date("2026-01-31T21:00:00.000Z"), "Europe/Moscow"), "2026-02-01")
})

test("gives days as half-open ranges, also where clocks change", () => {
  const hours = (day: string, zone: string) => {
    const { start, end } = rangeOfDay(day, zone)
    return (end.getTime() - start.getTime()) / 3_600_000
  }
  assert.equal(rangeOfDay("2026-02-01", "Europe/Moscow").start.toISOString(), "2026-01-31T21:00:00.000Z")
  assert.deepEqual([hours("2026-03-29", "Europe/Berlin"), hours("2026-10-25", "Europe/Berlin")], [23, 25])
  assert.equal(hours("2026-02-01", "Europe/Moscow"), 24)
})

test("adds days over the ends of months", () => {
  assert.equal(addDays("2024-02-28", 2), "2024-03-01")
  assert.equal(addDays("2026-01-01", -1), "2025-12-31")
})
