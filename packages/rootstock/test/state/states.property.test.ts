import assert from "node:assert/strict"
import { describe, it } from "node:test"
import fc from "fast-check"
import { manualClock } from "../../src/clock/index.ts"
import { transaction } from "../../src/index.ts"
import { type StateChanges, StateStore } from "../../src/state/index.ts"
import { StateModel } from "./state-model.ts"
import { empty, forEachTier, unwatched } from "./support.ts"

const minute = 60_000
const keptFor = 30 * minute
const start = Date.parse("2026-01-31T09:00:00Z")
const keys = ["bot:1:1", "bot:1:2", "🪴"]

const oneKey = fc.constantFrom(...keys)
const life = fc.integer({ min: 1, max: 60 }).map((minutes) => minutes * minute)
const changes: fc.Arbitrary<StateChanges<unknown>> = fc
  .record({
    state: fc.option(fc.constantFrom("a", "b", "шаг"), { nil: null }),
    data: fc.option(fc.oneof(fc.constantFrom(0, false, ""), fc.array(fc.integer()), fc.record({ note: fc.string() })), {
      nil: null,
    }),
    which: fc.constantFrom("state", "data", "both"),
  })
  .map(({ state, data, which }) =>
    which === "state" ? { state } : which === "data" ? { data: clean(data) } : { state, data: clean(data) },
  )

/** Without what no database keeps. */
function clean(data: unknown): unknown {
  return JSON.parse(JSON.stringify(data).replaceAll("\\u0000", ""))
}

type Step =
  | { do: "set" | "compareAndSet" | "update"; key: string; changes: StateChanges<unknown>; old: boolean; life: number }
  | { do: "touch"; key: string; life: number }
  | { do: "delete"; key: string }
  | { do: "advance"; milliseconds: number }
  | { do: "prune" }

const writing = fc.record({
  do: fc.constantFrom("set" as const, "compareAndSet" as const, "update" as const),
  key: oneKey,
  changes,
  old: fc.boolean(),
  life,
})
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: writing },
  fc.record({ do: fc.constant("touch" as const), key: oneKey, life }),
  fc.record({ do: fc.constant("delete" as const), key: oneKey }),
  fc.record({
    do: fc.constant("advance" as const),
    milliseconds: fc.integer({ min: 1, max: 45 }).map((n) => n * minute),
  }),
  fc.record({ do: fc.constant("prune" as const) }),
)
/** Some steps, outside of a transaction or in one that commits, or rolls back. */
const group = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 4 }),
  end: fc.constantFrom("none", "commit", "rollback"),
})

describe("a state store under any calls", () => {
  forEachTier((place, tier) => {
    it("answers as the model does", async () => {
      const check = async (groups: readonly { steps: Step[]; end: string }[]) => {
        const coherence = tier.open()
        await empty(place, coherence)
        const clock = manualClock(new Date(start))
        const model = new StateModel(keptFor)
        model.now = start
        const store = new StateStore(place.db, { clock, coherence, expiredForMs: keptFor })
        const old = new Map<string, number>()
        const compare = async () => {
          const expected = keys.map((key) => model.get(key))
          assert.deepEqual(await Promise.all(keys.map((key) => store.get(key))), expected)
          assert.deepEqual(await store.getMany(keys), expected)
        }
        const take = async (one: Step): Promise<void> => {
          switch (one.do) {
            case "set":
            case "compareAndSet":
            case "update": {
              const lives = { stateTtlMs: one.life, dataTtlMs: 2 * one.life }
              const current = model.get(one.key).version
              const expected = one.old ? (old.get(one.key) ?? 1) : current
              let version: number | undefined
              if (one.do === "set") version = await store.set(one.key, one.changes, lives)
              else if (one.do === "compareAndSet") {
                version = await store.compareAndSet(one.key, expected, one.changes, lives)
                assert.equal(version !== undefined, expected === current)
              } else {
                const before = model.get(one.key)
                const after = await store.update(
                  one.key,
                  (seen) => {
                    assert.deepEqual(seen, before)
                    return one.changes
                  },
                  lives,
                )
                const [stored] = await store.getMany([one.key])
                assert.deepEqual(after, stored)
                version = after.version
              }
              if (version === undefined) return
              if (current !== 0) old.set(one.key, current)
              model.set(one.key, one.changes, lives.stateTtlMs, lives.dataTtlMs, version)
              return
            }
            case "touch": {
              const lives = { stateTtlMs: one.life, dataTtlMs: 2 * one.life }
              const touched = model.touch(one.key, lives.stateTtlMs, lives.dataTtlMs)
              assert.equal(await store.touch(one.key, lives), touched)
              return
            }
            case "delete": {
              const { version } = model.get(one.key)
              if (version !== 0) old.set(one.key, version)
              assert.equal(await store.delete(one.key), model.delete(one.key))
              return
            }
            case "advance":
              clock.advance(one.milliseconds)
              model.now += one.milliseconds
              return
            case "prune":
              assert.equal(await store.prune({ portion: 2 }), model.prune())
          }
        }
        for (const { steps, end } of groups) {
          const all = async () => {
            for (const one of steps) {
              await take(one)
              await compare()
            }
          }
          if (end === "none") await all()
          else if (end === "commit") await transaction(all, { retries: 0 })
          else {
            const before = new Map(model.rows)
            const undone = transaction(async () => {
              await all()
              throw new Error("undone")
            })
            await assert.rejects(undone, /^Error: undone$/)
            model.rows = before
          }
          await compare()
        }
      }
      await fc.assert(fc.asyncProperty(fc.array(group, { minLength: 1, maxLength: 8 }), check), { numRuns: 15 })
    })

    it("lets callers at once change a version once only, so that no change is lost", async () => {
      const key = "bot:2:2"
      const clock = manualClock(new Date(start))
      const store = new StateStore<number[]>(place.db, { clock, coherence: tier.open() })
      const outcomes: { from: number; to: number }[] = []
      await Promise.all(
        Array.from({ length: 8 }, async (_, caller) => {
          for (let count = 0; count < 12; count++) {
            const { version, data = [] } = await store.get(key)
            const to = await store.compareAndSet(key, version, { data: [...data, caller] })
            if (to !== undefined) outcomes.push({ from: version, to })
          }
        }),
      )
      const { data = [], version } = await store.get(key)
      assert.ok(outcomes.length >= 12)
      assert.equal(data.length, outcomes.length)
      // Each change came from the one before: a chain without a branch.
      const next = new Map(outcomes.map(({ from, to }) => [from, to]))
      assert.equal(next.size, outcomes.length)
      let at = 0
      for (let count = 0; count < outcomes.length; count++) at = next.get(at) as number
      assert.equal(at, version)
    })
  }, unwatched)
})
