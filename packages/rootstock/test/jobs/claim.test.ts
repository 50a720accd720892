import assert from "node:assert/strict"
import { describe, it } from "node:test"
import fc from "fast-check"
import { transaction } from "../../src/index.ts"
import { Claim, Floors } from "../../src/jobs/claim.ts"
import { defineJob } from "../../src/jobs/index.ts"
import type { TakenJob } from "../../src/jobs/taken.ts"
import { forEachJobs, numbered } from "./support.ts"

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

describe("the statement of a claim", () => {
  const waiting = defineJob("waiting", { queue: "work", payload: numbered })

  forEachJobs((place) => {
    it("takes as many as it may, and no more, whatever their number", async () => {
      const jobs = place.open([waiting])
      const { id: worker } = await jobs.store.workers.create({ host: "here", pid: 1, seen: new Date() })
      await jobs.sendMany(
        waiting,
        Array.from({ length: 2_500 }, (_, n) => ({ n })),
      )
      const claim = new Claim(jobs.backend.dialect)
      const floors = new Floors()
      for (const limit of [1, 15, 16, 17, 128, 129, 1_999]) {
        const { query, values } = claim.take("work", new Date(), limit, worker, floors)
        assert.equal((await jobs.backend.all(query, values)).length, limit)
      }
      const { query, values } = claim.take("work", new Date(), 2_000, worker, floors)
      assert.equal((await jobs.backend.all(query, values)).length, 2_500 - 2_305)
    })

    it("is not planned at each claim because many jobs wait", { timeout: 60_000 }, async (t) => {
      const jobs = place.open([waiting])
      if (jobs.backend.dialect.name !== "postgres") return t.skip("SQLite keeps its plans")
      // With some thousands, a plan for any number of jobs is cheap too.
      await place.db.execute`
        INSERT INTO job (id, queue, kind, lane, run_at, payload, created_at)
        SELECT gen_random_uuid(), 'work', 'waiting', 2, now(), '{"n":0}', now() FROM generate_series(1, 200000)`
      await place.db.execute`ANALYZE job`
      const claim = new Claim(jobs.backend.dialect)
      const worker = "00000000-0000-7000-8000-000000000000"
      await transaction(async () => {
        for (let kept = 0; kept === 0; ) {
          for (let time = 0; time < 8; time++) {
            const { query, values } = claim.take("work", new Date(), 10, worker, new Floors())
            await jobs.backend.all(query, values)
          }
          const plans = await place.db.fetch<{ kept: number }>`
            SELECT sum(generic_plans) AS kept FROM pg_prepared_statements WHERE statement LIKE ${"UPDATE job SET state%"}`
          kept = Number(plans[0]?.kept)
        }
      })
    })
  })
})
