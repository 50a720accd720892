import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { type Ablation, ablations, type Fault, simulate } from "./simulate.ts"

/** The faults that show best what a part of the protocol is for. */
const shownBy: Record<Ablation, readonly Fault[] | undefined> = {
  token: undefined,
  epoch: ["cutRedis", "crash"],
  "run id": ["restart", "failOver"],
  fence: ["failOver", "longStall"],
  "commit wait": undefined,
  "quiet wait": undefined,
}

describe("the simulated system", () => {
  it("gives no stale read, whatever fails, and comes to rest afterwards", async () => {
    const sums = { reads: 0, bypassed: 0, faults: 0, acknowledged: 0, refusedFills: 0 }
    for (let seed = 1; seed <= 4; seed++) {
      const { tally, settled } = await simulate({ seed, reads: 50_000, processes: 3 + (seed % 3) })
      assert.equal(tally.stale, 0, `seed ${seed}: ${tally.first}`)
      assert.ok(settled, `seed ${seed} leaves a process without the cache, or invalidations undone`)
      sums.reads += tally.reads
      sums.bypassed += tally.counters.bypassed
      sums.faults += tally.faults
      sums.acknowledged += tally.acknowledged
      sums.refusedFills += tally.counters.refusedFills
    }
    assert.ok(sums.faults > 50 && sums.acknowledged > 500 && sums.refusedFills > 10, JSON.stringify(sums))
    assert.ok(sums.bypassed < sums.reads / 2, "the cache was not in use most of the time")
  })

  it("does the same again for the same seed", async () => {
    const once = await simulate({ seed: 7, reads: 10_000 })
    const again = await simulate({ seed: 7, reads: 10_000 })
    assert.deepEqual(again, once)
  })

  for (const without of ablations) {
    it(`gives stale reads without the ${without}`, async () => {
      const faults = shownBy[without]
      for (let seed = 1; seed <= 12; seed++) {
        const { tally } = await simulate({ seed, reads: 250_000, without, faults, untilStale: true })
        if (tally.stale > 0) return
      }
      assert.fail("12 runs went by without a stale read")
    })
  }

  it("keeps bounded staleness below two seconds while only Redis fails", async () => {
    const faults: readonly Fault[] = ["flush", "evict", "restart", "failOver", "hangUp", "redisStall"]
    const { tally } = await simulate({ seed: 1, reads: 80_000, mode: "bounded", faults })
    assert.ok(tally.stale > 0, "nothing was acknowledged before its invalidation")
    assert.ok(tally.longestStale < 2_000, `${tally.longestStale} ms`)
  })

  it("is stale in ttl mode for no longer than values live, when invalidations are lost", async () => {
    const { tally } = await simulate({ seed: 1, reads: 60_000, mode: "ttl" })
    assert.ok(tally.longestStale < 60_000, `${tally.longestStale} ms`)
  })
})
