import assert from "node:assert/strict"
import { beforeEach, describe, it } from "node:test"
import { type ManualClock, manualClock } from "../../src/clock/index.ts"
import { transaction } from "../../src/index.ts"
import { type Member, OrderedSets, type OrderedSetsOptions } from "../../src/state/index.ts"
import { asked, forEachTier, refuses } from "./support.ts"

const feed = "feed:7"
const member = (index: number): Member => ({ member: `post:${index}`, score: index })
const upTo = (count: number): Member[] => Array.from({ length: count }, (_, index) => member(index))

describe("ordered sets", () => {
  forEachTier((place, tier) => {
    let clock: ManualClock
    let sets: OrderedSets
    const open = (options: OrderedSetsOptions = {}) =>
      new OrderedSets(place.db, { clock, coherence: tier.open(), frontSize: 10, ...options })
    const all = async (name = feed, limit = 4): Promise<Member[]> => {
      const found: Member[] = []
      for (let cursor: string | undefined; ; ) {
        const page = await sets.page(name, { limit, cursor })
        found.push(...page.members)
        if (page.next === undefined) return found
        cursor = page.next
      }
    }

    beforeEach(() => {
      clock = manualClock("2026-01-31T09:00:00Z")
      sets = open()
    })

    it("is empty where nothing was added", async () => {
      assert.deepEqual(await sets.page(feed, { limit: 5 }), { members: [], next: undefined })
      assert.equal(await sets.count(feed), 0)
      assert.equal(await sets.score(feed, "post:1"), undefined)
      assert.equal(await sets.rank(feed, "post:1"), undefined)
      assert.equal(await sets.trim(feed, 0), 0)
      assert.equal(await sets.clear(feed), 0)
      assert.equal(await sets.remove(feed, ["post:1"]), 0)
    })

    it("gives members from the highest score down, of equal scores by their text", async () => {
      await sets.add(feed, [
        { member: "b", score: 1 },
        { member: "🪴", score: 1 },
        { member: "\uffee", score: 1 },
        { member: "B", score: 1 },
        { member: "low", score: -1e300 },
        { member: "high", score: 2.5 },
      ])
      await sets.add("feed:8", { member: "other", score: 9 })
      const order = ["high", "🪴", "\uffee", "b", "B", "low"]
      for (const limit of [1, 2, 4, 100]) {
        assert.deepEqual(
          (await all(feed, limit)).map((one) => one.member),
          order,
        )
      }
      for (const [index, name] of order.entries()) assert.equal(await sets.rank(feed, name), index)
      assert.deepEqual(
        (await sets.slice(feed, { offset: 2, limit: 3 })).map((one) => one.member),
        order.slice(2, 5),
      )
    })

    it("moves a member that is added again", async () => {
      await sets.add(feed, upTo(3))
      await sets.page(feed, { limit: 3 })
      await sets.add(feed, { member: "post:0", score: 9 })
      assert.deepEqual(
        (await all()).map((one) => one.member),
        ["post:0", "post:2", "post:1"],
      )
      assert.equal(await sets.score(feed, "post:0"), 9)
      assert.equal(await sets.count(feed), 3)
      await sets.add(feed, [
        { member: "post:1", score: 10 },
        { member: "post:1", score: 0.5 },
      ])
      assert.equal(await sets.score(feed, "post:1"), 0.5)
    })

    it("gives every member once by its pages, while members are added before and behind", async () => {
      await sets.add(feed, upTo(30))
      const found: string[] = []
      let cursor: string | undefined
      for (let page = 0; ; page++) {
        const { members, next } = await sets.page(feed, { limit: 4, cursor })
        found.push(...members.map((one) => one.member))
        if (next === undefined) break
        cursor = next
        await sets.add(feed, { member: `before:${page}`, score: 1_000 + page })
      }
      assert.deepEqual(
        found,
        upTo(30)
          .reverse()
          .map((one) => one.member),
      )
    })

    it("goes by scores within bounds", async () => {
      await sets.add(feed, upTo(30))
      assert.equal(await sets.count(feed, { from: 5, to: 9 }), 5)
      const first = await sets.page(feed, { from: 5, to: 9, limit: 3 })
      assert.deepEqual(first.members, [member(9), member(8), member(7)])
      const second = await sets.page(feed, { from: 5, to: 9, limit: 3, cursor: first.next })
      assert.deepEqual(second, { members: [member(6), member(5)], next: undefined })
      assert.deepEqual((await sets.page(feed, { from: 28, limit: 9 })).members, [member(29), member(28)])
      assert.deepEqual((await sets.page(feed, { to: 1, limit: 9, cursor: first.next })).members, [member(1), member(0)])
      assert.deepEqual((await sets.page(feed, { from: 9, to: 5, limit: 9 })).members, [])
    })

    it("removes members, and the whole set", async () => {
      await sets.add(feed, upTo(5))
      await all()
      assert.equal(await sets.remove(feed, ["post:4", "post:0", "none"]), 2)
      assert.deepEqual(await all(), [member(3), member(2), member(1)])
      assert.equal(await sets.remove(feed, "post:2"), 1)
      assert.deepEqual(await all(), [member(3), member(1)])
      assert.equal(await sets.remove(feed, []), 0)
      await sets.add("feed:8", member(1))
      assert.equal(await sets.clear(feed), 2)
      assert.deepEqual(await all(), [])
      assert.deepEqual(await all("feed:8"), [member(1)])
    })

    it("keeps its length where it is trimmed", async () => {
      await sets.add(feed, upTo(25))
      await all()
      assert.equal(await sets.trim(feed, 20), 5)
      assert.equal(await sets.trim(feed, 20), 0)
      assert.equal(await sets.count(feed), 20)
      assert.equal((await all()).at(-1)?.member, "post:5")
      await sets.add(feed, [member(100), member(1)], { trimTo: 20 })
      assert.equal(await sets.count(feed), 20)
      assert.equal((await all()).at(-1)?.member, "post:6")
      await sets.add(feed, member(0), { trimTo: 20 })
      assert.equal(await sets.score(feed, "post:0"), undefined)
      assert.equal(await sets.trim(feed, 0), 20)
      assert.deepEqual(await all(), [])
    })

    it("lets members live for a time of their own", async () => {
      await sets.add(feed, [member(1), { ...member(2), ttlMs: 1_000 }, { ...member(3), ttlMs: 2_000 }])
      assert.equal((await all()).length, 3)
      clock.advance(1_000)
      assert.deepEqual(await all(), [member(3), member(1)])
      assert.deepEqual(await sets.slice(feed, { limit: 9 }), [member(3), member(1)])
      assert.equal(await sets.count(feed), 2)
      assert.equal(await sets.score(feed, "post:2"), undefined)
      assert.equal(await sets.rank(feed, "post:2"), undefined)
      assert.equal(await sets.rank(feed, "post:1"), 1)
      assert.equal(await sets.trim(feed, 2), 0)
      await sets.add(feed, { member: "post:3", score: 3 })
      await sets.add(feed, member(2))
      clock.advance(10_000)
      assert.deepEqual(await all(), [member(3), member(2), member(1)])
    })

    it("shows what stands behind members whose time is over", async () => {
      await sets.add(
        feed,
        upTo(30).map((one) => (one.score < 18 ? one : { ...one, ttlMs: 1_000 })),
      )
      await all()
      clock.advance(1_000)
      assert.deepEqual(await all(), upTo(18).reverse())
    })

    it("removes members whose time is over in portions, and no others", async () => {
      await sets.add(
        feed,
        upTo(30).map((one) => (one.score % 2 === 0 ? one : { ...one, ttlMs: 1_000 })),
      )
      await sets.add("feed:8", { ...member(1), ttlMs: 2_000 })
      clock.advance(1_000)
      const before = await all()
      assert.equal(await sets.prune({ portion: 4 }), 15)
      assert.equal(await sets.prune(), 0)
      assert.deepEqual(await all(), before)
      assert.equal(await sets.count("feed:8"), 1)
      assert.equal(await place.db.fetchValue`SELECT count(*) FROM ordered_set_members`, 16)
    })

    it("changes with its transaction or not at all", async () => {
      await sets.add(feed, upTo(2))
      await all()
      const failed = transaction(async () => {
        await sets.add(feed, member(7), { trimTo: 1 })
        assert.deepEqual(await all(), [member(7)])
        throw new Error("undone")
      })
      await assert.rejects(failed, /undone/)
      assert.deepEqual(await all(), [member(1), member(0)])
      await transaction(async () => {
        await sets.remove(feed, "post:0")
        await sets.add(feed, member(7))
      })
      assert.deepEqual(await all(), [member(7), member(1)])
    })

    it("takes members of callers at once, in whatever order they give them", async () => {
      const batches = Array.from({ length: 6 }, (_, batch) =>
        upTo(40).map((one) => ({ ...one, score: one.score + batch })),
      )
      await Promise.all(batches.map((batch, index) => sets.add(feed, index % 2 === 0 ? batch : batch.toReversed())))
      assert.equal(await sets.count(feed), 40)
      const first = await sets.page(feed, { limit: 40 })
      assert.deepEqual(first.members, await sets.slice(feed, { limit: 40 }))
    })

    it("takes thousands of members in one call", async () => {
      await sets.add(feed, upTo(2_345), { trimTo: 2_000 })
      assert.equal(await sets.count(feed), 2_000)
      assert.equal(await sets.rank(feed, "post:345"), 1_999)
    })

    it("does not ask the database for pages in the front that is kept", async () => {
      await sets.add(feed, upTo(30))
      const { next } = await sets.page(feed, { limit: 5 })
      const { calls, kept } = await asked(place, tier, "ordered_set_members", sets, async () => {
        await sets.page(feed, { limit: 10 })
        await sets.page(feed, { limit: 5, cursor: next })
      })
      assert.deepEqual([calls, kept], tier.name === "without a cache" ? [6, 0] : [0, 4])
    })

    it("asks the database for what stands behind the front", async () => {
      await sets.add(feed, upTo(30))
      const { next } = await sets.page(feed, { limit: 8 })
      assert.equal((await sets.page(feed, { limit: 8, cursor: next })).members[0]?.member, "post:21")
      assert.equal((await sets.page(feed, { limit: 11 })).members.length, 11)
    })

    it("refuses what is no name, no member, no score, no bound and no cursor", async () => {
      const bad = { code: "VALIDATION" }
      for (const wrong of ["", "a\nb", "x".repeat(201)]) {
        await refuses(sets.add(wrong, member(1)), bad)
        await refuses(sets.add(feed, { member: wrong, score: 1 }), bad)
        await refuses(sets.page(wrong, { limit: 1 }), bad)
        await refuses(sets.remove(feed, wrong), bad)
        await refuses(sets.rank(feed, wrong), bad)
      }
      for (const score of [Number.NaN, Number.POSITIVE_INFINITY, "1" as never]) {
        await refuses(sets.add(feed, { member: "a", score }), { ...bad, message: /^A score is/ })
        await refuses(sets.count(feed, { from: score }), bad)
      }
      for (const limit of [0, 1_001, 1.5]) await refuses(sets.page(feed, { limit }), bad)
      for (const cursor of ["", "x", "W10", Buffer.from('["1","a",0]').toString("base64url")]) {
        await refuses(sets.page(feed, { limit: 1, cursor }), { ...bad, message: /cursor/ })
      }
      await refuses(sets.trim(feed, -1), bad)
      await refuses(sets.add(feed, { ...member(1), ttlMs: 0 }), bad)
      assert.equal(await sets.count(feed), 0)
    })
  })
})
