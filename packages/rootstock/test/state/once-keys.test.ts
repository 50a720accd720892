import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { manualClock } from "../../src/clock/index.ts"
import { transaction } from "../../src/index.ts"
import { OnceKeys } from "../../src/state/index.ts"
import { forEachDatabase } from "../storage/support.ts"
import { refuses } from "./support.ts"
import { tables } from "./tables.ts"

describe("once-keys", () => {
  forEachDatabase(tables, (place) => {
    const open = (clock = manualClock("2026-01-31T09:00:00Z")) => new OnceKeys(place.db, { clock })

    it("gives a key to one caller only", async () => {
      const keys = open()
      const outcomes = await Promise.all(Array.from({ length: 12 }, () => keys.once("order:7:paid")))
      assert.deepEqual(outcomes.filter(Boolean), [true])
      assert.equal(await keys.once("order:7:paid"), false)
      assert.equal(await keys.once("order:8:paid"), true)
    })

    it("gives a key to one of several transactions, of which each does its work or not", async () => {
      const keys = open()
      let effects = 0
      await Promise.all(
        Array.from({ length: 8 }, () =>
          transaction(async () => {
            if (await keys.once("a")) effects++
          }),
        ),
      )
      assert.equal(effects, 1)
    })

    it("frees a key that was taken in a transaction which rolled back", async () => {
      const keys = open()
      const failed = transaction(async () => {
        assert.equal(await keys.once("a"), true)
        assert.equal(await keys.once("a"), false)
        throw new Error("undone")
      })
      await assert.rejects(failed, /undone/)
      assert.equal(await keys.once("a"), true)
    })

    it("frees a key with the savepoint in which it was taken", async () => {
      const keys = open()
      await transaction(async () => {
        const nested = transaction(
          async () => {
            await keys.once("a")
            throw new Error("undone")
          },
          { nested: true },
        )
        await assert.rejects(nested, /undone/)
        assert.equal(await keys.once("a"), true)
      })
      assert.equal(await keys.once("a"), false)
    })

    it("waits for a transaction that holds the key, and takes it where that one rolls back", async () => {
      const keys = open()
      const held = Promise.withResolvers<void>()
      const end = Promise.withResolvers<void>()
      const holder = transaction(async () => {
        await keys.once("a")
        held.resolve()
        await end.promise
        throw new Error("undone")
      })
      await held.promise
      const waiting = keys.once("a")
      end.resolve()
      await assert.rejects(holder, /undone/)
      assert.equal(await waiting, true)
    })

    it("can be taken again once its time is over, by one caller only", async () => {
      const clock = manualClock("2026-01-31T09:00:00Z")
      const keys = open(clock)
      assert.equal(await keys.once("a", { ttlMs: 1_000 }), true)
      clock.advance(999)
      assert.equal(await keys.once("a", { ttlMs: 1_000 }), false)
      clock.advance(1)
      const outcomes = await Promise.all(Array.from({ length: 8 }, () => keys.once("a", { ttlMs: 1_000 })))
      assert.deepEqual(outcomes.filter(Boolean), [true])
      clock.advance(999)
      assert.equal(await keys.once("a"), false)
      clock.advance(1)
      assert.equal(await keys.once("a"), true)
      clock.advance(365 * 86_400_000)
      assert.equal(await keys.once("a"), false)
    })

    it("removes expired keys in portions, and no others", async () => {
      const clock = manualClock("2026-01-31T09:00:00Z")
      const keys = open(clock)
      for (let index = 0; index < 25; index++) await keys.once(`short:${index}`, { ttlMs: 1_000 })
      await keys.once("long", { ttlMs: 5_000 })
      await keys.once("for ever")
      clock.advance(1_000)
      assert.equal(await keys.prune({ portion: 10 }), 25)
      assert.equal(await keys.prune({ portion: 10 }), 0)
      assert.equal(await keys.once("long"), false)
      assert.equal(await keys.once("for ever"), false)
    })

    it("refuses what is no key and no time to live", async () => {
      const keys = open()
      for (const wrong of ["", "a\u0007", "x".repeat(201)]) await refuses(keys.once(wrong), { code: "VALIDATION" })
      for (const ttlMs of [0, -1, 0.5]) await refuses(keys.once("a", { ttlMs }), { code: "VALIDATION" })
      assert.equal(await keys.once("a"), true)
    })
  })
})
