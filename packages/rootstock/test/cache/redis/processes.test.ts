import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { requireRedisServer } from "../../redis/redis-server.ts"
import { forEachEngine } from "../../support/index.ts"
import { History } from "./check/history.ts"
import { checkCache } from "./check/run.ts"

requireRedisServer("processes that are killed and stopped, with a Redis that is harmed", () => {
  forEachEngine(({ name, dialect }) => {
    // The embedded server is there where the other is not.
    if (dialect === "postgres" && name !== "postgres" && process.env["TEST_POSTGRES_URL"]) return
    it("read nothing stale", { timeout: 120_000 }, async () => {
      const { counts, stale, leftInOutbox } = await checkCache({
        engine: name,
        coherence: "strict",
        seconds: dialect === "postgres" ? 7 : 4,
        seed: 11,
        processes: 3,
      })
      assert.deepEqual(stale, [])
      assert.equal(leftInOutbox, 0)
      const { hitsLocal = 0, hitsRemote = 0 } = counts.cache
      assert.ok(
        counts.reads > 1_000 && counts.writes > 20 && hitsLocal > 100 && hitsRemote > 100,
        JSON.stringify(counts),
      )
    })
  })
})

describe("the history of reads and writes", () => {
  it("finds a read that missed an acknowledged write, and none that began before it", () => {
    const history = new History()
    history.acknowledge("a", 2, 100)
    history.acknowledge("a", 4, 300)
    history.acknowledge("a", 3, 200)
    history.saw("a", 1, 99)
    history.saw("a", 2, 101)
    history.saw("a", 2, 200)
    history.saw("a", 9, 999)
    history.saw("b", 1, 999)
    assert.deepEqual(history.staleReads(), [])
    history.saw("a", 2, 250)
    history.saw("a", 3, 999)
    assert.deepEqual(history.staleReads(), [
      { row: "a", version: 2, acknowledged: 3, sinceUs: 50 },
      { row: "a", version: 3, acknowledged: 4, sinceUs: 699 },
    ])
  })
})
