import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { createLogger } from "../../src/log/index.ts"
import { type Prunable, Pruner } from "../../src/state/index.ts"

/** A store that tells when it is pruned, and a log that is read. */
function site(prune: (round: number, signal: AbortSignal | undefined) => number | Promise<number>) {
  const lines: string[] = []
  let rounds = 0
  const waiting: { round: number; resolve: () => void }[] = []
  const store: Prunable = {
    name: "things",
    async prune({ signal } = {}) {
      rounds++
      for (const one of waiting) if (one.round <= rounds) one.resolve()
      return prune(rounds, signal)
    },
  }
  const log = createLogger({ name: "test", format: "text", destination: { write: (line) => lines.push(line) } })
  return {
    store,
    log,
    lines,
    rounds: () => rounds,
    reached: (round: number) =>
      new Promise<void>((resolve) => {
        if (rounds >= round) resolve()
        else waiting.push({ round, resolve })
      }),
  }
}

describe("a pruner", () => {
  it("prunes at its start and again after its pause, and says what it removed", async () => {
    const { store, log, lines, reached } = site((round) => (round === 1 ? 7 : 0))
    const pruner = new Pruner({ stores: [store], log, everyMs: 1_000 })
    pruner.start()
    pruner.start()
    await reached(2)
    await pruner.stop()
    await pruner.stop()
    assert.equal(lines.length, 1)
    assert.match(lines[0] as string, /\[INFO\] test: Removed 7 expired rows of things$/m)
  })

  it("goes on with the next store where one fails, and says so", async () => {
    const failing = site(() => Promise.reject(new Error("away")))
    const { store, log, lines, reached } = site(() => 0)
    const pruner = new Pruner({ stores: [failing.store, store], log })
    pruner.start()
    await reached(1)
    await pruner.stop()
    assert.match(lines[0] as string, /\[WARNING\] test: Expired rows of things could not be removed/)
  })

  it("waits at its stop for what it removes, asks it to end, and can start again", async () => {
    const under = Promise.withResolvers<number>()
    const { store, log, reached, rounds } = site((round, signal) => {
      signal?.addEventListener("abort", () => under.resolve(3))
      return round === 1 ? under.promise : 0
    })
    const other = site(() => 0)
    const pruner = new Pruner({ stores: [store, other.store], log })
    pruner.start()
    await reached(1)
    await pruner.stop()
    assert.equal(rounds(), 1)
    assert.equal(other.rounds(), 0)
    pruner.start()
    await other.reached(1)
    await pruner.stop()
    assert.equal(rounds(), 2)
  })

  it("refuses a pause that is none", () => {
    const { log } = site(() => 0)
    assert.throws(() => new Pruner({ stores: [], log, everyMs: 0 }), { code: "VALIDATION" })
  })
})
