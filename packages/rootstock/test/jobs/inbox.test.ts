import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { transaction } from "../../src/index.ts"
import { defineJob, receiveOnce } from "../../src/jobs/index.ts"
import { refuses } from "../storage/support.ts"
import { forEachJobs, numbered } from "./support.ts"

const plain = defineJob("plain", { queue: "work", payload: numbered })

describe("receiveOnce", () => {
  forEachJobs((place) => {
    const receive = (consumer: string, id: string, n: number, fails = false) =>
      transaction(async () => {
        const first = await receiveOnce(place.open([plain]), consumer, id)
        if (first) await place.ledger.create({ n })
        if (fails) throw new Error("no")
        return first
      })

    it("says yes once for each consumer and message", async () => {
      assert.equal(await receive("a", "1", 1), true)
      assert.equal(await receive("a", "1", 2), false)
      assert.equal(await receive("b", "1", 3), true)
      assert.equal(await receive("a", "2", 4), true)
      assert.deepEqual(await place.effects(), [1, 3, 4])
    })

    it("forgets a message whose transaction was rolled back", async () => {
      await assert.rejects(receive("a", "1", 1, true))
      assert.equal(await receive("a", "1", 2), true)
      assert.deepEqual(await place.effects(), [2])
    })

    it("lets one of many through that come at the same time", async () => {
      const answers = await Promise.all(Array.from({ length: 12 }, (_, n) => receive("a", "1", n)))
      assert.equal(answers.filter(Boolean).length, 1)
      assert.equal((await place.effects()).length, 1)
    })

    it("counts what came again", async () => {
      const jobs = place.open([plain])
      for (let n = 0; n < 3; n++) await transaction(() => receiveOnce(jobs, "a", "1"))
      assert.equal(jobs.measures.inboxHits, 2)
    })

    it("is refused outside of a transaction, and for an id that cannot be kept", async () => {
      const jobs = place.open([plain])
      await refuses(receiveOnce(jobs, "a", "1"), { code: "SESSION" })
      await refuses(
        transaction(() => receiveOnce(jobs, "a", "x".repeat(256))),
        { code: "VALIDATION", message: /messageId/ },
      )
    })
  })
})
