import assert from "node:assert/strict"
import { describe, it } from "node:test"
import fc from "fast-check"
import { firesAfter, nextFire, parseCron } from "../../src/schedule/index.ts"
import { anyExpression } from "./support/expressions.ts"
import { minutesOf, oracleFires } from "./support/oracle.ts"

const dayMs = 86_400_000

/** Zones with clock changes of an hour, of half an hour, of two hours, at midnight, of a whole day, and without any. */
const zones = [
  "Africa/Cairo",
  "Africa/Casablanca",
  "America/Caracas",
  "America/Havana",
  "America/New_York",
  "America/Nuuk",
  "America/Santiago",
  "America/Sao_Paulo",
  "America/St_Johns",
  "Antarctica/Casey",
  "Antarctica/Troll",
  "Asia/Amman",
  "Asia/Beirut",
  "Asia/Gaza",
  "Asia/Kathmandu",
  "Asia/Pyongyang",
  "Asia/Tehran",
  "Australia/Lord_Howe",
  "Australia/Sydney",
  "Europe/Berlin",
  "Europe/Dublin",
  "Europe/Moscow",
  "Pacific/Apia",
  "Pacific/Chatham",
  "Pacific/Kwajalein",
  "UTC",
]

/** Windows of some days around clock changes from 1975 on, and around plain days. */
const windows = zones.flatMap((zone) => {
  const around: { zone: string; from: number; to: number }[] = []
  const add = (instant: number) => {
    const from = Math.floor(instant / dayMs) * dayMs - dayMs
    around.push({ zone, from, to: from + 3 * dayMs })
  }
  add(Date.UTC(2026, 1, 27))
  let change = Temporal.Instant.from("1975-01-01T00:00Z").toZonedDateTimeISO(zone)
  for (;;) {
    const next = change.getTimeZoneTransition("next")
    if (next === null || next.year > 2037) return around
    add(next.epochMilliseconds)
    change = next
  }
})

describe("firesAfter", () => {
  it("gives what a walk over all minutes gives, around clock changes of sixty years", () => {
    const walked = new Map<number, ReturnType<typeof minutesOf>>()
    fc.assert(
      fc.property(
        fc.nat(windows.length - 1),
        fc.array(anyExpression, { minLength: 12, maxLength: 12 }),
        (index, expressions) => {
          const { zone, from, to } = windows[index] as (typeof windows)[number]
          const minutes = walked.get(index) ?? minutesOf(zone, from, to)
          walked.set(index, minutes)
          for (const meaning of expressions) {
            const fires: number[] = []
            for (const fire of firesAfter(parseCron(meaning.text), zone, new Date(from - 1))) {
              if (fire.getTime() >= to) break
              fires.push(fire.getTime())
            }
            const expected = oracleFires(meaning, minutes).filter((instant) => instant < to)
            const wrong = expected.findIndex((fire, at) => fire !== fires[at])
            assert(
              wrong < 0 && fires.length === expected.length,
              `${meaning.text} in ${zone}: ${iso(fires[wrong])} in place of ${iso(expected[wrong])}; ${fires.length} fires in place of ${expected.length}`,
            )
          }
        },
      ),
      { numRuns: 45 },
    )
  })

  it("is strictly increasing, and the same from wherever one begins", () => {
    fc.assert(
      fc.property(
        anyExpression,
        fc.constantFrom(...zones),
        fc.integer({ min: Date.UTC(1975, 0), max: Date.UTC(2037, 0) }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 5 }),
        ({ text }, zone, from, shares) => {
          const cron = parseCron(text)
          const fires: number[] = []
          let last = from
          for (const fire of firesAfter(cron, zone, new Date(from))) {
            assert(fire.getTime() > last, `${text} in ${zone}: ${fire.toISOString()} after ${iso(last)}`)
            last = fire.getTime()
            fires.push(last)
            if (fires.length === 200) break
          }
          for (const share of shares) {
            const start = Math.floor(from + (last - from) * share)
            const expected = fires.find((fire) => fire > start)
            if (expected === undefined) continue
            assert.equal(
              nextFire(cron, zone, new Date(start))?.getTime(),
              expected,
              `${text} in ${zone} after ${iso(start)}`,
            )
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  it("ends with the calendar", () => {
    assert.equal(nextFire(parseCron("@yearly"), "UTC", new Date("9999-06-01T00:00:00Z")), undefined)
  })
})

const iso = (instant: number | undefined) => (instant === undefined ? "none" : new Date(instant).toISOString())
