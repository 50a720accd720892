import assert from "node:assert/strict"
import { describe, it } from "node:test"
import fc from "fast-check"
import { manualClock } from "../../src/clock/index.ts"
import { openDatabase } from "../../src/index.ts"
import { RateLimiter } from "../../src/state/index.ts"
import { forEachDatabase } from "../storage/support.ts"
import { refuses, unwatched } from "./support.ts"
import { tables } from "./tables.ts"

const start = "2026-01-31T09:00:00.000Z"
const minute = 60_000
const fifth = { limit: 5, windowMs: 15 * minute }

/** What a limiter is to do, in the plainest way: the ends of the hits that count, by their keys. */
class Model {
  now = Date.parse(start)
  ends = new Map<string, number[]>()

  living(key: string): number[] {
    return (this.ends.get(key) ?? []).filter((end) => end > this.now)
  }

  hit(key: string, limit: number, windowMs: number): { allowed: boolean; retryAfterS: number } {
    const ends = this.living(key).sort((a, b) => a - b)
    if (ends.length < limit) {
      this.ends.set(key, [...ends, this.now + windowMs])
      return { allowed: true, retryAfterS: 0 }
    }
    return { allowed: false, retryAfterS: Math.ceil((ends[ends.length - limit]! - this.now) / 1_000) }
  }

  undo(key: string, end: number): void {
    const ends = this.living(key)
    const at = ends.indexOf(end)
    if (at >= 0) ends.splice(at, 1)
    this.ends.set(key, ends)
  }
}

const key = fc.constantFrom("anna@example.com", "ANNA@example.com", "10.0.0.9", "x".repeat(5_000))
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("hit" as const),
      key,
      limit: fc.integer({ min: 1, max: 4 }),
      windowMs: fc.constantFrom(1, 999, 1_000, minute),
      undone: fc.boolean(),
    }),
  },
  fc.record({ do: fc.constant("clear" as const), key }),
  fc.record({ do: fc.constant("advance" as const), ms: fc.constantFrom(1, 500, 1_000, 30_000, minute) }),
)

describe("the rate limiter", () => {
  forEachDatabase(
    tables,
    (place) => {
      it("lets as many hits through as the limit says, within any span of the window", async () => {
        const clock = manualClock(start)
        const limiter = new RateLimiter(place.db, { clock })
        for (let count = 0; count < 5; count++) {
          assert.equal((await limiter.hit("sign-in:anna", fifth)).allowed, true)
          clock.advance(minute)
        }
        const { allowed, retryAfterS } = await limiter.hit("sign-in:anna", fifth)
        assert.deepEqual([allowed, retryAfterS], [false, 600])
        assert.equal((await limiter.hit("sign-in:boris", fifth)).allowed, true)
        clock.advance(10 * minute - 1)
        assert.deepEqual((await limiter.hit("sign-in:anna", fifth)).retryAfterS, 1)
        clock.advance(1)
        assert.equal((await limiter.hit("sign-in:anna", fifth)).allowed, true)
        assert.equal((await limiter.hit("sign-in:anna", fifth)).retryAfterS, 60)
      })

      it("answers as the model does", async () => {
        const check = async (steps: (typeof step extends fc.Arbitrary<infer S> ? S : never)[]) => {
          await place.db.execute`DELETE FROM once`
          const model = new Model()
          const clock = manualClock(start)
          const limiter = new RateLimiter(place.db, { clock })
          for (const one of steps) {
            if (one.do === "advance") {
              clock.advance(one.ms)
              model.now += one.ms
            } else if (one.do === "clear") {
              await limiter.clear(one.key)
              model.ends.delete(one.key)
            } else {
              const { undo, ...outcome } = await limiter.hit(one.key, one)
              assert.deepEqual(outcome, model.hit(one.key, one.limit, one.windowMs))
              if (!one.undone) continue
              await undo()
              if (outcome.allowed) model.undo(one.key, model.now + one.windowMs)
            }
          }
        }
        await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 25 }), check), { numRuns: 40 })
      })

      it("lets no more through than the limit where many try at once, over connections of their own", async () => {
        const clock = manualClock(start)
        const { url } = place
        const urls = url === undefined ? [] : [url, url]
        const others = await Promise.all(urls.map((url) => openDatabase(url, { tables, clock })))
        try {
          const limiters = [place.db, ...others].map((db) => new RateLimiter(db, { clock }))
          const hits = await Promise.all(
            Array.from({ length: 45 }, (_, at) =>
              limiters[at % limiters.length]!.hit("address", { limit: 20, windowMs: minute }),
            ),
          )
          assert.equal(hits.filter(({ allowed }) => allowed).length, 20)
        } finally {
          for (const db of others) await db.close()
        }
      })

      it("keeps no key as it is", async () => {
        await new RateLimiter(place.db, { clock: manualClock(start) }).hit("anna@example.com", fifth)
        const stored = await place.db.fetchValue<string>`SELECT key FROM once WHERE key LIKE ${"rate:%"} LIMIT 1`
        assert.match(stored!, /^rate:[\w-]{43}:0$/)
      })

      it("refuses limits that make no sense", async () => {
        const limiter = new RateLimiter(place.db)
        for (const limit of [0, 1.5, 1_001])
          await refuses(limiter.hit("a", { ...fifth, limit }), { code: "VALIDATION" })
        for (const windowMs of [0, -1]) await refuses(limiter.hit("a", { ...fifth, windowMs }), { code: "VALIDATION" })
      })
    },
    unwatched,
  )
})
