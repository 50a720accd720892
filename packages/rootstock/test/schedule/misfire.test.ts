import assert from "node:assert/strict"
import { describe, it } from "node:test"
import fc from "fast-check"
import { firesAfter, type Misfire, parseCron } from "../../src/schedule/index.ts"
// What the scheduler plans by itself is no part of the public face.
import { type FirePlan, mostFires, planFires } from "../../src/schedule/misfire.ts"

const minuteMs = 60_000
const zones = ["UTC", "Europe/Berlin", "Australia/Lord_Howe"]
const crons = ["* * * * *", "*/7 * * * *", "0 * * * *", "30 2 * * *", "0 0 * * 1", "*/10 * * * * *"]

const misfires: fc.Arbitrary<Misfire> = fc.oneof(
  fc.constantFrom("skip", "once"),
  fc.integer({ min: 1, max: 40 }).map((all) => ({ all })),
)

describe("planFires", () => {
  const instant = fc.integer({ min: Date.UTC(2025, 0), max: Date.UTC(2027, 0) }).map((time) => new Date(time))
  const downtime = fc.oneof(fc.nat(5 * minuteMs), fc.nat(3 * 60 * minuteMs), fc.nat(20 * 24 * 60 * minuteMs))
  const grace = fc.oneof(fc.constant(0), fc.nat(minuteMs), fc.nat(120 * minuteMs))

  it("gives each time that is due to exactly one of: fires, missed, left for the next look", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...crons),
        fc.constantFrom(...zones),
        instant,
        downtime,
        misfires,
        grace,
        (text, timeZone, before, downMs, misfire, graceMs) => {
          const cron = parseCron(text)
          const due = firesAfter(cron, timeZone, before).next().value as Date
          const now = new Date(due.getTime() + downMs)
          const times: number[] = []
          for (const time of firesAfter(cron, timeZone, new Date(due.getTime() - 1))) {
            if (time > now) break
            times.push(time.getTime())
          }
          // Beyond that, missed fires are not counted.
          fc.pre(times.length <= 10_000)
          const plan = planFires({ cron, timeZone }, due, now, misfire, graceMs)
          const fires = plan.fires.map((fire) => fire.getTime())
          assert.deepEqual(
            fires,
            times.filter((time) => fires.includes(time)),
            "fires are due times, ascending, each once",
          )
          assert(plan.next !== undefined)
          const left = times.filter((time) => time >= (plan.next as Date).getTime()).length
          assert.equal(fires.length + plan.missed + left, times.length)
          assert(plan.next > (plan.fires.at(-1) ?? due))
          assert(left === 0 || fires.length === mostFires)
          checkRule(plan, times, now, misfire, graceMs)
        },
      ),
      { numRuns: 300 },
    )
  })

  function checkRule(plan: FirePlan, times: number[], now: Date, misfire: Misfire, graceMs: number): void {
    const onTime = times.filter((time) => time >= now.getTime() - graceMs).length
    const { fires, missed } = plan
    if (onTime === times.length) assert.equal(missed, 0, "all are on time")
    else if (misfire === "skip") assert.equal(fires.length, Math.min(onTime, mostFires))
    else if (misfire === "once") assert.deepEqual([fires.length, fires[0]?.getTime()], [1, times.at(-1)])
    else assert.equal(fires.length, Math.min(times.length, Math.max(misfire.all, Math.min(onTime, mostFires))))
  }

  it("fires a time that was announced, also where the zone's rules have changed since", () => {
    const timing = { cron: parseCron("0 9 * * *"), timeZone: "UTC" }
    const plan = planFires(timing, new Date("2026-01-01T08:00:00Z"), new Date("2026-01-01T08:00:01Z"), "once", 60_000)
    assert.deepEqual(plan, {
      fires: [new Date("2026-01-01T08:00:00Z")],
      missed: 0,
      next: new Date("2026-01-01T09:00:00Z"),
    })
  })

  it("counts missed fires no further than ten thousand", () => {
    const timing = { cron: parseCron("* * * * * *"), timeZone: "UTC" }
    const plan = planFires(timing, new Date("2026-01-01T00:00:00Z"), new Date("2026-02-01T00:00:00Z"), "once", 0)
    assert.deepEqual([plan.fires, plan.missed], [[new Date("2026-02-01T00:00:00Z")], 10_000])
  })
})
