import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { clean, forEachPlace, holder, letter, sweep } from "./support.ts"

describe("operations on queues", () => {
  forEachPlace((place) => {
    it("show how each queue stands, and which workers live", async () => {
      const { jobs, clock } = place
      const held = await jobs.send(letter, { n: 1 })
      await place.hold(held)
      await jobs.send(letter, { n: 2 })
      await jobs.send(letter, { n: 3 }, { delayMs: 60_000 })
      await place.kill(letter, 4)
      await jobs.store.workers.create({ id: holder, host: "there", pid: 7, seen: clock.now() })
      clock.advance(1_500)
      const { status, body } = await place.send("GET", "/queues")
      assert.equal(status, 200)
      const none = { waiting: 0, held: 0, at_broker: 0, dead: 0, oldest_ready_ms: null, paused: false }
      const letters = { ...none, queue: "letters", waiting: 2, held: 1, dead: 1, oldest_ready_ms: 1_500 }
      assert.deepEqual(body, {
        queues: [letters, { ...none, queue: "lists.clean" }, { ...none, queue: "lists.sweep" }],
        workers: [{ id: holder, host: "there", pid: 7, seen: "2026-03-28T12:00:00.000Z" }],
      })
      assert.deepEqual((await place.send("GET", "/queues/letters")).body, letters)
      assert.deepEqual(await place.audited(), [])
    })

    it("pause and resume one, and write it down once", async () => {
      const paused = await place.send("POST", "/queues/letters/pause")
      assert.deepEqual([paused.status, paused.body.paused], [200, true])
      assert.ok(await place.jobs.store.paused.exists({ queue: "letters" }))
      assert.equal((await place.send("POST", "/queues/letters/pause")).status, 200)
      const resumed = await place.send("POST", "/queues/letters/resume")
      assert.deepEqual([resumed.status, resumed.body.paused], [200, false])
      assert.equal(await place.jobs.store.paused.count(), 0)
      const entity = { entity: "queue", id: "letters" }
      assert.deepEqual(await place.audited(), [
        { ...entity, action: "queues.pause", before: { paused: false }, after: { paused: true } },
        { ...entity, action: "queues.resume", before: { paused: true }, after: { paused: false } },
      ])
    })

    it("pause and resume several, and those whose names begin alike", async () => {
      const [first, second] = [sweep.queue, clean.queue]
      const some = await place.send("POST", "/queues/pause", { ids: [first, "letters", "nowhere"] })
      assert.deepEqual([some.status, some.body], [200, { count: 2 }])
      assert.deepEqual((await place.send("POST", "/queues/resume", { filter: { prefix: "lists" } })).body, { count: 1 })
      assert.deepEqual((await place.send("POST", "/queues/pause", { filter: {} })).body, { count: 2 })
      assert.deepEqual((await place.send("POST", "/queues/resume", { ids: [first, second] })).body, { count: 2 })
      const paused = await place.jobs.store.paused.list()
      assert.deepEqual(
        paused.map(({ queue }) => queue),
        ["letters"],
      )
      assert.equal((await place.audited()).length, 7)
    })

    it("refuse a queue that is not there, and what is no name", async () => {
      for (const path of ["/queues/nowhere/pause", "/queues/nowhere/resume"]) {
        const { status, body } = await place.send("POST", path)
        assert.deepEqual([status, body.error_code], [404, "QUEUE_NOT_FOUND"])
      }
      assert.equal((await place.send("GET", "/queues/nowhere")).status, 404)
      assert.equal((await place.send("POST", "/queues/-x/pause")).status, 422)
      assert.equal(await place.jobs.store.paused.count(), 0)
    })

    for (const body of [
      {},
      { ids: ["letters"], filter: {} },
      { ids: [] },
      { filter: { name: "letters" } },
      undefined,
    ]) {
      it(`refuse the target ${JSON.stringify(body)}`, async () => {
        const { status, body: problem } = await place.send("POST", "/queues/pause", body)
        assert.deepEqual([status, problem.error_code], [422, "VALIDATION_FAILED"])
        assert.equal(await place.jobs.store.paused.count(), 0)
      })
    }
  })
})
