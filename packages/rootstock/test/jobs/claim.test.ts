import assert from "node:assert/strict"
import { describe, it } from "node:test"
import fc from "fast-check"
import { Floors } from "../../src/jobs/claim.ts"
import type { TakenJob } from "../../src/jobs/taken.ts"

const present = Date.parse("2026-01-31T09:00:00.000Z")
const idOf = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`

type Job = { readonly lane: number; readonly time: number; readonly id: string }

const taken = ({ lane, time, id }: Job) => ({ lane, runAt: new Date(time), id }) as TakenJob

/** What a look finds whose parameters these are: the first so many of each lane that lie behind its floor. */
function found(jobs: readonly Job[], floors: readonly string[], limit: number): Job[] {
  const isBehind = ({ lane, time, id }: Job) => {
    const floor = floors[2 * lane] as string
    const at = new Date(time).toISOString()
    return at > floor || (at === floor && id > (floors[2 * lane + 1] as string))
  }
  return jobs
    .filter(isBehind)
    .sort((one, other) => one.lane - other.lane || one.time - other.time || (one.id < other.id ? -1 : 1))
    .slice(0, limit)
}

const jobs = fc.array(
  fc.record({
    lane: fc.nat({ max: 4 }),
    /** Milliseconds before the present. */
    age: fc.nat({ max: 2_000 }),
    /** When it can be seen, and is announced in this process: before the first look, during or after one of the next. */
    seen: fc.constantFrom("before", "during", "after"),
    look: fc.nat({ max: 5 }),
  }),
  { maxLength: 40 },
)

describe("the floors of a queue", () => {
  it("let every job be found that is announced, whenever it comes", () => {
    fc.assert(
      fc.property(jobs, fc.integer({ min: 1, max: 7 }), (plan, limit) => {
        const floors = new Floors()
        const all = plan.map(({ lane, age, ...when }, n) => ({
          job: { lane, time: present - age, id: idOf(n) },
          ...when,
        }))
        const waiting = new Set<Job>(all.filter(({ seen }) => seen === "before").map(({ job }) => job))
        const arrive = (moment: string, look: number) => {
          for (const { job, seen, look: at } of all) {
            if (seen !== moment || at !== look) continue
            waiting.add(job)
            floors.lower(job.time)
          }
        }
        for (let look = 0; look <= 5 || waiting.size > 0; look++) {
          assert.ok(look < 100, `never found: ${JSON.stringify([...waiting])}`)
          const parameters = floors.begin()
          const some = found([...waiting], parameters, limit)
          arrive("during", look)
          for (const job of some) waiting.delete(job)
          floors.raise(some.map(taken), some.length < limit, present)
          arrive("after", look)
        }
      }),
    )
  })

  it("begin a look behind what was taken last, so that nothing is passed over twice", () => {
    const floors = new Floors()
    const job = { lane: 2, time: present - 5, id: idOf(7) }
    floors.begin()
    floors.raise([taken(job)], false, present)
    assert.deepEqual(floors.begin().slice(4, 6), [new Date(job.time).toISOString(), job.id])
  })

  it("step back for those whose announcement says no instant, and no farther forward than that where nothing was left", () => {
    const early = new Date(present - 250).toISOString()
    const floors = new Floors()
    floors.begin()
    floors.raise([taken({ lane: 2, time: present, id: idOf(1) })], false, present)
    floors.stepBack(present)
    assert.equal(floors.begin()[4], early)
    floors.raise([], true, present)
    assert.equal(floors.begin()[0], early)
  })

  it("begin a whole look after a reset, also where a look is under way", () => {
    const floors = new Floors()
    floors.begin()
    floors.reset()
    floors.raise([taken({ lane: 1, time: present, id: idOf(1) })], false, present)
    assert.match(floors.begin()[2] as string, /^0001-01-01/)
  })
})
