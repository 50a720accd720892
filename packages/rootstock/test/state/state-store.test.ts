import assert from "node:assert/strict"
import { beforeEach, describe, it } from "node:test"
import { type ManualClock, manualClock } from "../../src/clock/index.ts"
import { ConflictError } from "../../src/errors/index.ts"
import { transaction, withRequestScope } from "../../src/index.ts"
import { type StateChanges, StateStore, type StateStoreOptions } from "../../src/state/index.ts"
import { asked, forEachTier, refuses } from "./support.ts"

const hour = 3_600_000
const day = 24 * hour
const key = "bot:17:42"

type Cart = { cart: number[]; note?: string }

describe("a state store", () => {
  forEachTier((place, tier) => {
    let clock: ManualClock
    let states: StateStore<Cart>
    const open = (options: StateStoreOptions = {}) =>
      new StateStore<Cart>(place.db, { clock, coherence: tier.open(), ...options })

    beforeEach(() => {
      clock = manualClock("2026-01-31T09:00:00Z")
      states = open()
    })

    it("has nothing under a key that was never set", async () => {
      const nothing = { state: undefined, data: undefined, version: 0, stateExpired: false, dataExpired: false }
      assert.deepEqual(await states.get(key), nothing)
      assert.deepEqual(await states.getMany([key, "other"]), [nothing, nothing])
    })

    it("gives back what was set, with the version that the call told", async () => {
      const version = await states.set(key, { state: "order:quantity", data: { cart: [1, 2] } })
      const found = await states.get(key)
      assert.deepEqual(found, {
        state: "order:quantity",
        data: { cart: [1, 2] },
        version,
        stateExpired: false,
        dataExpired: false,
      })
      assert.deepEqual(await states.get(key), found)
      assert.equal((await states.get("bot:17:43")).version, 0)
    })

    it("changes the state and the data each without the other", async () => {
      await states.set(key, { state: "a", data: { cart: [1] } })
      await states.set(key, { state: "b" })
      assert.deepEqual((await states.get(key)).data, { cart: [1] })
      await states.set(key, { data: { cart: [2] } })
      assert.equal((await states.get(key)).state, "b")
      await states.set(key, { state: null })
      const { state, data, stateExpired } = await states.get(key)
      assert.deepEqual({ state, data, stateExpired }, { state: undefined, data: { cart: [2] }, stateExpired: false })
      await states.set(key, { data: null })
      const { version, dataExpired } = await states.get(key)
      assert.deepEqual({ version, dataExpired }, { version: 0, dataExpired: false })
    })

    it("keeps every value of JSON", async () => {
      const any = new StateStore(place.db, { clock, coherence: tier.open() })
      for (const data of [0, false, "", [], {}, "текст 🪴", -1.5e300, { a: [null, { b: "\\u0000" }], z: true }]) {
        await any.set(key, { data })
        assert.deepEqual((await any.get(key)).data, data)
        assert.deepEqual((await any.get(key)).data, data)
      }
      await any.set(key, { data: { at: clock.now() } })
      assert.deepEqual((await any.get(key)).data, { at: "2026-01-31T09:00:00.000Z" })
    })

    it("gives values that nobody can change for others", async () => {
      await states.set(key, { data: { cart: [1] } })
      const many = async () => (await states.getMany([key]))[0]
      for (const read of [() => states.get(key), () => states.get(key), many, () => transaction(many)]) {
        const data = (await read())?.data
        assert.throws(() => data!.cart.push(2), TypeError)
      }
      const changed = await states.update(key, ({ data }) => ({ data: { cart: [...data!.cart, 2] } }))
      assert.throws(() => changed.data!.cart.push(3), TypeError)
    })

    it("lets the state and the data live for 24 hours each, from their own last write on", async () => {
      await states.set(key, { state: "a", data: { cart: [] } })
      clock.advance(day - 1)
      assert.equal((await states.get(key)).state, "a")
      await states.set(key, { data: { cart: [1] } })
      clock.advance(1)
      const expired = await states.get(key)
      assert.deepEqual(
        [expired.state, expired.stateExpired, expired.data, expired.dataExpired],
        [undefined, true, { cart: [1] }, false],
      )
      assert.notEqual(expired.version, 0)
      clock.advance(day - 1)
      assert.deepEqual(await states.get(key), {
        state: undefined,
        data: undefined,
        version: 0,
        stateExpired: true,
        dataExpired: true,
      })
      assert.deepEqual(await states.getMany([key]), [await states.get(key)])
    })

    it("takes other times to live from the store and from the call", async () => {
      states = open({ stateTtlMs: hour })
      await states.set(key, { state: "a", data: { cart: [] } }, { dataTtlMs: 1_000 })
      clock.advance(1_000)
      let found = await states.get(key)
      assert.deepEqual([found.state, found.dataExpired], ["a", true])
      clock.advance(hour)
      found = await states.get(key)
      assert.equal(found.stateExpired, true)
    })

    it("makes what lives live on when it is touched, under the same version", async () => {
      const version = await states.set(key, { state: "a", data: { cart: [] } }, { dataTtlMs: hour })
      clock.advance(2 * hour)
      assert.equal(await states.touch(key), true)
      clock.advance(day - 1)
      const found = await states.get(key)
      assert.deepEqual([found.state, found.version, found.dataExpired], ["a", version, true])
      clock.advance(1)
      assert.equal(await states.touch(key), false)
      assert.equal((await states.get(key)).stateExpired, true)
      assert.equal(await states.touch("never"), false)
    })

    it("can shorten a life by a touch", async () => {
      await states.set(key, { state: "a" })
      await states.touch(key, { stateTtlMs: 1_000 })
      clock.advance(1_000)
      assert.equal((await states.get(key)).stateExpired, true)
    })

    it("changes only the version that was read", async () => {
      const first = await states.compareAndSet(key, 0, { state: "a" })
      assert.ok(first !== undefined)
      assert.equal(await states.compareAndSet(key, 0, { state: "b" }), undefined)
      const second = await states.compareAndSet(key, first, { data: { cart: [1] } })
      assert.ok(second !== undefined)
      assert.equal(await states.compareAndSet(key, first, { state: "c" }), undefined)
      const { state, data, version } = await states.get(key)
      assert.deepEqual({ state, data, version }, { state: "a", data: { cart: [1] }, version: second })
    })

    it("takes a key whose time is over as one that has nothing", async () => {
      const version = (await states.compareAndSet(key, 0, { state: "a" })) as number
      clock.advance(day)
      assert.equal(await states.compareAndSet(key, version, { state: "late" }), undefined)
      const next = await states.compareAndSet(key, 0, { data: { cart: [] } })
      assert.ok(next !== undefined && next !== version)
      const { state, stateExpired } = await states.get(key)
      assert.deepEqual({ state, stateExpired }, { state: undefined, stateExpired: true })
    })

    it("never takes a version of an earlier life of the key for one of this", async () => {
      const versions: number[] = []
      for (let life = 0; life < 3; life++) {
        versions.push(await states.set(key, { state: `life ${life}` }))
        for (const old of versions.slice(0, -1)) {
          assert.equal(await states.compareAndSet(key, old, { state: "lost" }), undefined)
        }
        assert.equal(await states.delete(key), true)
        assert.equal(await states.compareAndSet(key, versions.at(-1)!, { state: "lost" }), undefined)
      }
    })

    it("tells whether it deleted anything that lived", async () => {
      assert.equal(await states.delete(key), false)
      await states.set(key, { state: "a" })
      assert.equal(await states.delete(key), true)
      assert.equal((await states.get(key)).version, 0)
      await states.set(key, { state: "a" })
      clock.advance(day)
      assert.equal(await states.delete(key), false)
      assert.equal((await states.get(key)).stateExpired, false)
    })

    it("updates by a function of what is there, and gives the outcome", async () => {
      const made = await states.update(key, (current) => {
        assert.equal(current.version, 0)
        return { state: "a", data: { note: "n", cart: [1] } }
      })
      assert.deepEqual(made, await states.get(key))
      const more = await states.update(key, async ({ data }) => ({ data: { ...data!, cart: [...data!.cart, 2] } }))
      assert.deepEqual(more, await states.get(key))
      assert.deepEqual(more.data?.cart, [1, 2])
      assert.deepEqual(await states.update(key, () => undefined), more)
      const emptied = await states.update(key, () => ({ state: null, data: null }))
      assert.deepEqual(emptied, await states.get(key))
      assert.equal(emptied.version, 0)
    })

    it("updates many keys in one transaction without a complaint about reads row by row", async () => {
      await transaction(async () => {
        for (let index = 0; index < 20; index++) await states.update(`bot:1:${index}`, () => ({ state: "a" }))
      })
      assert.equal((await states.get("bot:1:19")).state, "a")
    })

    it("loses no update of callers at once", async () => {
      const others = open({ coherence: undefined })
      await Promise.all(
        Array.from({ length: 8 }, async () => {
          for (let count = 0; count < 5; count++) {
            await states.update(key, ({ data }) => ({ data: { cart: [...(data?.cart ?? []), count] } }))
          }
        }),
      )
      assert.equal((await others.get(key)).data?.cart.length, 40)
      assert.equal((await states.get(key)).data?.cart.length, 40)
    })

    it("gives an update up that is overtaken each time", async () => {
      const change = async (): Promise<StateChanges<Cart>> => {
        await states.set(key, { state: "another" })
        return { state: "mine" }
      }
      await assert.rejects(
        states.update(key, change, { attempts: 3 }),
        (error) => error instanceof ConflictError && error.code === "CONFLICT" && /3 changes/.test(error.message),
      )
      assert.equal((await states.get(key)).state, "another")
    })

    it("changes with its transaction or not at all", async () => {
      await states.set(key, { state: "before" })
      await states.get(key)
      const failed = transaction(async () => {
        await states.set(key, { state: "inside" })
        await states.delete("other")
        assert.equal((await states.get(key)).state, "inside")
        throw new Error("undone")
      })
      await assert.rejects(failed, /undone/)
      assert.equal((await states.get(key)).state, "before")
      await transaction(async () => {
        await states.set(key, { state: "inside" })
        const nested = transaction(
          async () => {
            await states.set(key, { state: "savepoint" })
            await states.set("other", { state: "savepoint" })
            throw new Error("undone")
          },
          { nested: true },
        )
        await assert.rejects(nested, /undone/)
        assert.equal((await states.get(key)).state, "inside")
        await transaction(() => states.set("kept", { state: "savepoint" }), { nested: true })
      })
      assert.equal((await states.get(key)).state, "inside")
      assert.equal((await states.get("kept")).state, "savepoint")
      assert.equal((await states.get("other")).version, 0)
    })

    it("shows nobody what is not committed, and everybody what is", async () => {
      await states.set(key, { state: "before" })
      const inside = Promise.withResolvers<void>()
      const looked = Promise.withResolvers<void>()
      const running = transaction(async () => {
        await states.set(key, { state: "after" })
        inside.resolve()
        await looked.promise
      })
      await inside.promise
      if (place.url !== undefined) assert.equal((await states.get(key)).state, "before")
      looked.resolve()
      await running
      assert.equal((await states.get(key)).state, "after")
    })

    it("hears of a write in a transaction that nobody waited for", async () => {
      await states.set(key, { state: "before" })
      await states.get(key)
      await transaction(async () => {
        void states.set(key, { state: "after" })
      })
      assert.equal((await states.get(key)).state, "after")
    })

    it("is updated in transactions at once without a loss", async () => {
      await Promise.all(
        Array.from({ length: 6 }, () =>
          transaction(() => states.update(key, ({ data }) => ({ data: { cart: [...(data?.cart ?? []), 1] } })), {
            isolation: "serializable",
            retries: 20,
          }),
        ),
      )
      assert.equal((await states.get(key)).data?.cart.length, 6)
    })

    it("removes what expired long enough ago, in portions", async () => {
      states = open({ expiredForMs: hour })
      const keys = Array.from({ length: 25 }, (_, index) => `bot:1:${index}`)
      for (const one of keys) await states.set(one, { state: "a" }, { stateTtlMs: hour })
      await states.set("long", { state: "a", data: { cart: [] } }, { stateTtlMs: hour, dataTtlMs: 3 * hour })
      await states.getMany(keys)
      clock.advance(2 * hour - 1)
      assert.equal(await states.prune({ portion: 10 }), 0)
      assert.equal((await states.get(keys[7]!)).stateExpired, true)
      clock.advance(1)
      assert.equal(await states.prune({ portion: 10 }), 25)
      assert.equal((await states.get(keys[7]!)).stateExpired, false)
      assert.deepEqual((await states.get("long")).data, { cart: [] })
      assert.equal(await states.prune(), 0)
      clock.advance(2 * hour)
      assert.equal(await states.prune(), 1)
    })

    it("does not remove what was touched or changed after it had expired in part", async () => {
      states = open({ expiredForMs: 1 })
      await states.set(key, { state: "a", data: { cart: [] } }, { stateTtlMs: hour, dataTtlMs: 2 * hour })
      clock.advance(hour)
      await states.touch(key, { dataTtlMs: 10 * hour })
      clock.advance(5 * hour)
      assert.equal(await states.prune(), 0)
      await states.set(key, { state: "b" }, { stateTtlMs: 1_000 })
      clock.advance(4 * hour)
      assert.equal(await states.prune(), 0)
      assert.deepEqual((await states.get(key)).data, { cart: [] })
    })

    it("refuses data that are too large, and says how large", async () => {
      states = open({ maxDataBytes: 100 })
      await states.set(key, { data: { cart: [], note: "я".repeat(38) } })
      await refuses(states.set(key, { data: { cart: [], note: "я".repeat(50) } }), {
        code: "VALIDATION",
        message: 'The data of "bot:17:42" have 121 bytes as JSON; at most 100 are kept.',
      })
      assert.equal((await states.get(key)).data?.note, "я".repeat(38))
    })

    it("refuses what is no key, no state, no data, no time and no change", async () => {
      const bad = { code: "VALIDATION" }
      for (const wrong of ["", "a\nb", "\u0000", "\ud800", "x".repeat(201), 7 as never]) {
        await refuses(states.get(wrong), { ...bad, message: /^The key is/ })
        await refuses(states.set(wrong, { state: "a" }), bad)
        await refuses(
          states.update(wrong, () => undefined),
          bad,
        )
        await refuses(states.delete(wrong), bad)
        await refuses(states.touch(wrong), bad)
        await refuses(states.getMany([key, wrong]), bad)
      }
      await states.set("🪴".repeat(200), { state: "я".repeat(100) })
      for (const state of ["", "x".repeat(101), "a\tb", 7 as never]) {
        await refuses(states.set(key, { state }), { ...bad, message: /^The state is/ })
      }
      const loop: unknown[] = []
      loop.push(loop)
      for (const data of [() => 1, "\u0000", "\udc00", loop, 1n]) {
        await refuses(states.set(key, { data: data as never }), { ...bad, message: /^The data of "bot:17:42" / })
      }
      await refuses(states.set(key, {}), { ...bad, message: /neither a state nor data/ })
      await refuses(
        states.update(key, () => ({})),
        bad,
      )
      for (const stateTtlMs of [0, -1, 1.5, Number.NaN, 1e15]) {
        await refuses(states.set(key, { state: "a" }, { stateTtlMs }), { ...bad, message: /no time to live/ })
      }
      await refuses(states.compareAndSet(key, -1, { state: "a" }), bad)
      await refuses(states.prune({ portion: 0 }), bad)
      assert.throws(() => open({ dataTtlMs: 0 }), { code: "VALIDATION" })
      assert.throws(() => open({ maxDataBytes: 0 }), { code: "VALIDATION" })
      assert.equal((await states.get(key)).version, 0)
    })

    it("asks for many keys at once", async () => {
      const keys = Array.from({ length: 30 }, (_, index) => `bot:1:${index}`)
      for (const one of keys) await states.set(one, { state: one })
      const read = async () => {
        let calls = 0
        const stop = place.db.on("query", ({ sql }) => {
          if (sql.includes("conversation_states")) calls++
        })
        const found = await withRequestScope(() => states.getMany(keys))
        stop()
        assert.deepEqual(
          found.map(({ state }) => state),
          keys,
        )
        return calls
      }
      assert.equal(await transaction(read), 1)
      // Over Redis their turns to load them may come apart.
      assert.ok((await read()) <= (tier.name === "over Redis" ? 30 : 1))
    })

    it("does not remove what is changed while it is pruned", async () => {
      // In memory nothing else can be done while a transaction is open.
      if (place.url === undefined) return
      states = open({ expiredForMs: hour })
      await states.set(key, { state: "old" })
      await states.set("other", { state: "old" })
      clock.advance(2 * day)
      const changed = Promise.withResolvers<void>()
      const end = Promise.withResolvers<void>()
      const changing = transaction(async () => {
        await states.set(key, { state: "revived" })
        changed.resolve()
        await end.promise
      })
      await changed.promise
      const pruning = states.prune()
      // Time for the pruning to come upon the row.
      for (let turn = 0; turn < 20; turn++) await place.db.ping()
      end.resolve()
      await changing
      assert.equal(await pruning, 1)
      assert.equal((await states.get(key)).state, "revived")
    })

    it("does not ask the database for what is kept", async () => {
      await states.set(key, { state: "a" })
      const { calls, kept } = await asked(place, tier, "conversation_states", states, async () => {
        await states.get(key)
      })
      assert.deepEqual([calls, kept], tier.name === "without a cache" ? [3, 0] : [0, 2])
    })
  })
})
