import assert from "node:assert/strict"
import { describe, it } from "node:test"
import fc from "fast-check"
import type { Kind, Target } from "../../src/cache/coherence.ts"
import { Memory, newCounters } from "../../src/cache/index.ts"

/** A kind that knows which of its targets are in memory, as rows do. */
function newKind() {
  const present = new Set<Target>()
  const kind: Kind = {
    pattern: "x:{id}",
    ttlMs: 1_000,
    negativeTtlMs: 0,
    softTtlMs: undefined,
    jitter: 0,
    counters: newCounters(),
    encode: String,
    decode: (text) => text,
    freeze: (value) => value,
    sizeOf: Number,
    kept: (target) => present.add(target),
    left: (target) => present.delete(target),
  }
  return { kind, present }
}

const target = (kind: Kind, key: string, tags: readonly string[] = []): Target => ({ kind, key, tags, slot: undefined })

describe("the memory of a cache", () => {
  it("drops the least recently used beyond its entries", () => {
    const { kind, present } = newKind()
    const memory = new Memory({ entries: 3 })
    const made = ["a", "b", "c"].map((key) => target(kind, key))
    for (const one of made) memory.keep(one, 1, 1, 9)
    memory.touch(made[0]!.slot!)
    memory.keep(target(kind, "d"), 1, 1, 9)
    assert.deepEqual([...memory.keys()].sort(), ["a", "c", "d"])
    assert.equal(kind.counters.evictions, 1)
    assert.equal(present.size, 3)
    assert.equal(made[1]!.slot, undefined)
  })

  it("drops as many as are needed beyond its bytes, and does not keep what is larger than all of it", () => {
    const { kind } = newKind()
    const memory = new Memory({ bytes: 100 })
    for (const key of ["a", "b", "c", "d"]) memory.keep(target(kind, key), 1, 25, 9)
    memory.keep(target(kind, "e"), 1, 60, 9)
    assert.deepEqual([...memory.keys()], ["d", "e"])
    assert.equal(memory.bytes, 85)
    const large = target(kind, "e")
    memory.keep(large, 1, 101, 9)
    assert.equal(memory.find("e"), undefined)
    assert.equal(memory.bytes, 25)
  })

  const calls = fc.oneof(
    fc.record({ call: fc.constant("keep" as const), key: fc.nat(7), size: fc.integer({ min: 1, max: 40 }) }),
    fc.record({ call: fc.constant("touch" as const), key: fc.nat(7) }),
    fc.record({ call: fc.constant("drop" as const), key: fc.nat(7) }),
    fc.record({ call: fc.constant("tag" as const), key: fc.nat(2) }),
    fc.record({ call: fc.constant("clear" as const) }),
  )

  it("is what a plain list of entries in the order of their use would be", () => {
    fc.assert(
      fc.property(fc.array(calls, { maxLength: 60 }), (list) => {
        const { kind, present } = newKind()
        const memory = new Memory({ entries: 5, bytes: 100 })
        // The least recently used first.
        let model: { key: string; size: number; tags: string[] }[] = []
        const without = (key: string) => model.filter((one) => one.key !== key)
        for (const one of list) {
          if (one.call === "keep") {
            const key = `x:${one.key}`
            const tags = [`tag:${one.key % 3}`, "tag:all"]
            memory.keep(target(kind, key, tags), one.size, one.size, 9)
            model = [...without(key), { key, size: one.size, tags }]
            while (model.length > 5 || model.reduce((sum, { size }) => sum + size, 0) > 100) model.shift()
          } else if (one.call === "touch") {
            const key = `x:${one.key}`
            const slot = memory.find(key)?.slot
            if (slot !== undefined) memory.touch(slot)
            const entry = model.find((entry) => entry.key === key)
            if (entry !== undefined) model = [...without(key), entry]
          } else if (one.call === "drop") {
            memory.drop(`x:${one.key}`)
            model = without(`x:${one.key}`)
          } else if (one.call === "tag") {
            memory.drop(`tag:${one.key}`)
            model = model.filter(({ tags }) => !tags.includes(`tag:${one.key}`))
          } else {
            memory.clear()
            model = []
          }
          assert.deepEqual([...memory.keys()].sort(), model.map(({ key }) => key).sort())
          assert.equal(memory.entries, model.length)
          assert.equal(
            memory.bytes,
            model.reduce((sum, { size }) => sum + size, 0),
          )
          assert.deepEqual([...present].map(({ key }) => key).sort(), [...memory.keys()].sort())
        }
        memory.drop("tag:all")
        assert.equal(memory.entries, 0)
      }),
      { numRuns: 500 },
    )
  })
})
