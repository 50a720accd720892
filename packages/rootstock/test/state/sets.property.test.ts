import assert from "node:assert/strict"
import { describe, it } from "node:test"
import fc from "fast-check"
import { manualClock } from "../../src/clock/index.ts"
import { transaction } from "../../src/index.ts"
import { type Member, type NewMember, OrderedSets } from "../../src/state/index.ts"
import { empty, forEachTier, unwatched } from "./support.ts"

const minute = 60_000
const start = Date.parse("2026-01-31T09:00:00Z")
const names = ["feed:1", "feed:2"]
const texts = ["a", "B", "b", "\uffee", "🪴", "ab", "я"]

type Standing = Member & { end: number }

/** What ordered sets are to do, in the plainest way. */
class SetsModel {
  sets = new Map<string, Map<string, Standing>>()
  now = start

  all(name: string): Standing[] {
    const living = [...(this.sets.get(name)?.values() ?? [])].filter(({ end }) => end > this.now)
    const bytes = ({ member }: Member) => Buffer.from(member)
    return living.sort((left, right) => right.score - left.score || Buffer.compare(bytes(right), bytes(left)))
  }

  add(name: string, members: readonly NewMember[]): void {
    const set = new Map(this.sets.get(name))
    for (const { member, score, ttlMs } of members) {
      const end = ttlMs === undefined ? Number.POSITIVE_INFINITY : this.now + ttlMs
      set.set(member, { member, score: score + 0, end })
    }
    this.sets.set(name, set)
  }

  /** Living or not; how many there were. */
  remove(name: string, isGone: (one: Standing) => boolean): number {
    const before = this.sets.get(name) ?? new Map<string, Standing>()
    const after = new Map([...before].filter(([, one]) => !isGone(one)))
    this.sets.set(name, after)
    return before.size - after.size
  }

  trim(name: string, length: number): number {
    const boundary = this.all(name)[length]
    if (boundary === undefined) return 0
    const kept = new Set(this.all(name).slice(0, length))
    const isBelow = (one: Standing) => {
      if (kept.has(one)) return false
      const [first] = [one, boundary].sort(
        (left, right) =>
          right.score - left.score || Buffer.compare(Buffer.from(right.member), Buffer.from(left.member)),
      )
      return first === boundary || one === boundary
    }
    return this.remove(name, isBelow)
  }

  prune(): number {
    return [...this.sets.keys()].reduce((sum, name) => sum + this.remove(name, ({ end }) => end <= this.now), 0)
  }
}

const oneName = fc.constantFrom(...names)
const member: fc.Arbitrary<NewMember> = fc.record({
  member: fc.constantFrom(...texts),
  score: fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double({ noNaN: true, noDefaultInfinity: true })),
  ttlMs: fc.option(
    fc.integer({ min: 1, max: 40 }).map((minutes) => minutes * minute),
    { nil: undefined },
  ),
})
type Step =
  | { do: "add"; name: string; members: NewMember[]; trimTo: number | undefined }
  | { do: "remove"; name: string; members: string[] }
  | { do: "trim"; name: string; length: number }
  | { do: "clear"; name: string }
  | { do: "advance"; minutes: number }
  | { do: "prune" }
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("add" as const),
      name: oneName,
      members: fc.array(member, { maxLength: 6 }),
      trimTo: fc.option(fc.integer({ min: 0, max: 6 }), { nil: undefined }),
    }),
  },
  fc.record({ do: fc.constant("remove" as const), name: oneName, members: fc.subarray(texts) }),
  fc.record({ do: fc.constant("trim" as const), name: oneName, length: fc.integer({ min: 0, max: 6 }) }),
  fc.record({ do: fc.constant("clear" as const), name: oneName }),
  fc.record({ do: fc.constant("advance" as const), minutes: fc.integer({ min: 1, max: 30 }) }),
  fc.record({ do: fc.constant("prune" as const) }),
)
const group = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 3 }),
  end: fc.constantFrom("none", "commit", "rollback"),
})

describe("ordered sets under any calls", () => {
  forEachTier((place, tier) => {
    it("answer as the model does", async () => {
      const check = async (groups: readonly { steps: Step[]; end: string }[]) => {
        const coherence = tier.open()
        await empty(place, coherence)
        const clock = manualClock(new Date(start))
        const model = new SetsModel()
        const sets = new OrderedSets(place.db, { clock, coherence, frontSize: 4 })
        const compare = async () => {
          for (const name of names) {
            const expected = model.all(name).map((one) => ({ member: one.member, score: one.score }))
            for (const limit of [2, 3, 100]) {
              const found: Member[] = []
              let cursor: string | undefined
              do {
                const page = await sets.page(name, { limit, cursor })
                assert.ok(page.members.length <= limit)
                found.push(...page.members)
                cursor = page.next
              } while (cursor !== undefined)
              assert.deepEqual(found, expected)
            }
            assert.equal(await sets.count(name), expected.length)
            const within = expected.filter(({ score }) => score >= -1 && score <= 2)
            assert.equal(await sets.count(name, { from: -1, to: 2 }), within.length)
            assert.deepEqual((await sets.page(name, { from: -1, to: 2, limit: 100 })).members, within)
            assert.deepEqual(await sets.slice(name, { offset: 1, limit: 2 }), expected.slice(1, 3))
            const rank = expected.findIndex((one) => one.member === "b")
            assert.equal(await sets.rank(name, "b"), rank === -1 ? undefined : rank)
            assert.equal(await sets.score(name, "b"), expected[rank]?.score)
          }
        }
        const take = async (one: Step): Promise<void> => {
          switch (one.do) {
            case "add":
              await sets.add(one.name, one.members, { trimTo: one.trimTo })
              model.add(one.name, one.members)
              if (one.trimTo !== undefined && one.members.length > 0) model.trim(one.name, one.trimTo)
              return
            case "remove": {
              const removed = model.remove(one.name, (standing) => one.members.includes(standing.member))
              assert.equal(await sets.remove(one.name, one.members), removed)
              return
            }
            case "trim":
              assert.equal(await sets.trim(one.name, one.length), model.trim(one.name, one.length))
              return
            case "clear":
              assert.equal(
                await sets.clear(one.name),
                model.remove(one.name, () => true),
              )
              return
            case "advance":
              clock.advance(one.minutes * minute)
              model.now += one.minutes * minute
              return
            case "prune":
              assert.equal(await sets.prune({ portion: 3 }), model.prune())
          }
        }
        for (const { steps, end } of groups) {
          const all = async () => {
            for (const one of steps) await take(one)
            await compare()
          }
          if (end === "none") await all()
          else if (end === "commit") await transaction(all, { retries: 0 })
          else {
            const before = new Map(model.sets)
            const undone = transaction(async () => {
              await all()
              throw new Error("undone")
            })
            await assert.rejects(undone, /^Error: undone$/)
            model.sets = before
          }
          await compare()
        }
      }
      await fc.assert(fc.asyncProperty(fc.array(group, { minLength: 1, maxLength: 6 }), check), { numRuns: 8 })
    })
  }, unwatched)
})
