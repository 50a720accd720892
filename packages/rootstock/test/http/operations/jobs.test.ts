import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { JobOperations } from "../../../src/http/index.ts"
import { AuditStorage } from "../../../src/shared/index.ts"
import { clean, forEachPlace, holder, letter, start, sweep } from "./support.ts"

const unknown = "00000000-0000-7000-8000-00000000dead"
const range = (count: number) => Array.from({ length: count }, (_, n) => n)

describe("operations on jobs", () => {
  forEachPlace((place) => {
    /** Follows the cursors of a list; the ids, page by page. */
    async function pages(query: string): Promise<string[][]> {
      const all: string[][] = []
      for (let cursor: string | null = ""; cursor !== null; ) {
        const { status, body }: any = await place.send("GET", `/jobs?${query}${cursor && `&cursor=${cursor}`}`)
        assert.equal(status, 200)
        all.push(body.items.map(({ id }: { id: string }) => id))
        cursor = body.next_cursor
      }
      return all
    }

    it("list those that wait in a queue as they will be taken, a page at a time", async () => {
      const { jobs } = place
      const late = await jobs.send(letter, { n: 1 }, { delayMs: 5_000 })
      const [second, third] = await jobs.sendMany(letter, [{ n: 2 }, { n: 3 }])
      const urgent = await jobs.send(letter, { n: 4 }, { lane: 0 })
      await jobs.send(sweep, { n: 5 })
      assert.deepEqual(await pages("queue=letters&limit=2"), [
        [urgent, second],
        [third, late],
      ])
      assert.deepEqual((await pages("limit=3")).flat().length, 5)
      assert.deepEqual((await pages("kind=sweep")).flat().length, 1)
      assert.deepEqual(await pages("queue=nowhere"), [[]])
    })

    it("list those that are held or dead, with what is known of them", async () => {
      const { jobs, clock } = place
      const held = await jobs.send(letter, { n: 1 })
      await place.hold(held)
      const first = await place.kill(letter, 2)
      clock.advance(1_000)
      const last = await place.kill(sweep, 3)
      assert.deepEqual(await pages("state=dead&limit=1"), [[last], [first]])
      assert.deepEqual(await pages("state=dead&queue=letters"), [[first]])
      assert.deepEqual(await pages("state=at_broker"), [[]])
      const { body } = await place.send("GET", "/jobs?state=held")
      assert.deepEqual(body.items, [
        {
          id: held,
          state: "held",
          queue: "letters",
          kind: "letter",
          lane: 2,
          attempt: 1,
          max_attempts: 20,
          run_at: start,
          fire_at: null,
          worker: holder,
          last_error: null,
          created_at: start,
          died_at: null,
          reason: null,
        },
      ])
    })

    for (const query of ["limit=0", "limit=101", "state=done", "cursor=x", "cursor=", "colour=red"]) {
      it(`refuse a list with ${query}`, async () => {
        const { status, body } = await place.send("GET", `/jobs?${query}`)
        assert.deepEqual([status, body.error_code], [422, "VALIDATION_FAILED"])
        assert.match(body.errors[0].path, /^query/)
      })
    }

    it("show one with its payload and what went wrong", async () => {
      const id = await place.kill(letter, 9)
      const { status, body } = await place.send("GET", `/jobs/${id}`)
      assert.equal(status, 200)
      assert.deepEqual([body.state, body.reason, body.payload, body.run_at], ["dead", "attempts", { n: 9 }, null])
      assert.deepEqual(body.errors, [
        { attempt: 2, error: "Error: second", at: start },
        { attempt: 1, error: "Error: first", at: start },
      ])
      assert.equal((await place.send("GET", `/jobs/${unknown}`)).body.error_code, "JOB_NOT_FOUND")
      assert.equal((await place.send("GET", "/jobs/7")).status, 422)
    })

    it("retry, hasten, cancel and delete one, and write down who asked", async () => {
      const id = await place.kill(letter, 1)
      const retried = await place.send("POST", `/jobs/${id}/retry`)
      assert.deepEqual([retried.status, retried.body.state, retried.body.max_attempts], [200, "waiting", 22])
      await place.jobs.store.jobs.update(id, { runAt: new Date("2027-01-01T00:00:00Z") })
      assert.equal((await place.send("POST", `/jobs/${id}/run`)).body.run_at, start)
      const cancelled = await place.send("POST", `/jobs/${id}/cancel`)
      assert.deepEqual([cancelled.body.state, cancelled.body.reason], ["dead", "cancelled"])
      assert.equal((await place.send("DELETE", `/jobs/${id}`)).status, 204)
      assert.equal((await place.send("GET", `/jobs/${id}`)).status, 404)
      assert.equal(await place.jobs.store.errors.count({ jobId: id }), 0)
      const before = { queue: "letters", kind: "letter", attempt: 2, last_error: "Error: second" }
      assert.deepEqual(await place.audited(), [
        { action: "jobs.retry", entity: "job", id, before, after: { state: "waiting" } },
        { action: "jobs.run", entity: "job", id, before, after: { state: "waiting" } },
        { action: "jobs.cancel", entity: "job", id, before, after: { state: "dead" } },
        { action: "jobs.delete", entity: "job", id, before, after: null },
      ])
    })

    it("refuse what a job's state does not allow, and jobs that are not there", async () => {
      const waiting = await place.jobs.send(letter, { n: 1 })
      const dead = await place.kill(letter, 2)
      for (const [id, action, state, possible] of [
        [waiting, "retry", "waiting", ["dead"]],
        [dead, "run", "dead", ["waiting"]],
        [dead, "cancel", "dead", ["waiting", "held", "at_broker"]],
      ] as const) {
        const { status, body } = await place.send("POST", `/jobs/${id}/${action}`)
        assert.deepEqual([status, body.error_code], [409, "WRONG_JOB_STATE"])
        assert.deepEqual([body.state, body.possible_in], [state, possible])
      }
      for (const action of ["retry", "run", "cancel"]) {
        assert.equal((await place.send("POST", `/jobs/${unknown}/${action}`)).body.error_code, "JOB_NOT_FOUND")
      }
      assert.equal((await place.send("DELETE", `/jobs/${unknown}`)).status, 404)
      assert.deepEqual(await place.audited(), [])
    })

    it("act on several, and leave those that are in no state for it", async () => {
      const dead = await Promise.all([1, 2].map((n) => place.kill(letter, n)))
      const waiting = await place.jobs.send(letter, { n: 3 })
      const { status, body } = await place.send("POST", "/jobs/retry", { ids: [...dead, ...dead, waiting, unknown] })
      assert.deepEqual([status, body], [200, { count: 2 }])
      const held = await place.jobs.send(letter, { n: 4 })
      await place.hold(held)
      assert.deepEqual((await place.send("POST", "/jobs/run", { ids: [held, waiting] })).body, { count: 1 })
      const written = (await place.audited()).map(({ id }) => id)
      assert.deepEqual([written.slice(0, 2).sort(), written.slice(2)], [[...dead].sort(), [waiting]])
    })

    it("act on all that a filter finds, however many, and on no others", async () => {
      const { jobs } = place
      await jobs.sendMany(
        sweep,
        range(1_100).map((n) => ({ n })),
        { delayMs: 60_000 },
      )
      await jobs.send(clean, { n: 1 }, { delayMs: 60_000 })
      const run = await place.send("POST", "/jobs/run", { filter: { kind: "sweep" } })
      assert.deepEqual(run.body, { count: 1_100 })
      assert.equal((await place.send("GET", "/queues/lists.sweep")).body.oldest_ready_ms, 0)
      assert.equal((await place.send("GET", "/queues/lists.clean")).body.oldest_ready_ms, null)
      const cancelled = await place.send("POST", "/jobs/cancel", { filter: { state: "waiting", queue: "lists.sweep" } })
      assert.deepEqual(cancelled.body, { count: 1_100 })
      assert.deepEqual((await place.send("POST", "/jobs/retry", { filter: { queue: "letters" } })).body, { count: 0 })
      assert.deepEqual((await place.send("POST", "/jobs/delete", { filter: { state: "dead" } })).body, { count: 1_100 })
      assert.deepEqual(await pages("limit=100"), [[(await jobs.store.jobs.list())[0]?.id]])
      const written = Map.groupBy(await place.audited(), ({ action }) => action)
      assert.deepEqual(
        [...written].map(([action, rows]) => [action, new Set(rows.map(({ id }) => id)).size]),
        [
          ["jobs.run", 1_100],
          ["jobs.cancel", 1_100],
          ["jobs.delete", 1_100],
        ],
      )
    })

    it("demand to be told the state of what is deleted or cancelled", async () => {
      await place.kill(letter, 1)
      for (const [path, body] of [
        ["/jobs/delete", { filter: {} }],
        ["/jobs/cancel", { filter: { queue: "letters" } }],
        ["/jobs/cancel", { filter: { state: "dead" } }],
        ["/jobs/delete", {}],
        ["/jobs/retry", { filter: { state: "dead" } }],
      ] as const) {
        assert.equal((await place.send("POST", path, body)).status, 422, JSON.stringify(body))
      }
      assert.equal(await place.jobs.store.dead.count(), 1)
    })

    it("answer a repeated request with the same key alike, and act once", async () => {
      await place.kill(letter, 1)
      const headers = { "idempotency-key": "once" }
      const ask = () => place.send("POST", "/jobs/retry", { filter: {} }, headers)
      assert.deepEqual((await ask()).body, { count: 1 })
      await place.kill(letter, 2)
      assert.deepEqual((await ask()).body, { count: 1 })
      assert.equal(await place.jobs.store.dead.count(), 1)
    })

    it("change nothing where it cannot be written down", async () => {
      class FullAudit extends AuditStorage {
        override recordAll(): Promise<void> {
          return Promise.reject(new Error("the disk is full"))
        }
      }
      const operations = new JobOperations(place.jobs, place.db.storage(FullAudit))
      const dead = await place.kill(letter, 1)
      const waiting = await place.jobs.send(letter, { n: 2 }, { delayMs: 1_000 })
      await assert.rejects(operations.actOnOne("retry", dead), /disk is full/)
      await assert.rejects(operations.act("delete", { filter: { state: "dead" } }), /disk is full/)
      await assert.rejects(operations.act("cancel", { ids: [waiting] }), /disk is full/)
      await assert.rejects(operations.act("run", { ids: [waiting] }), /disk is full/)
      assert.equal((await place.send("GET", `/jobs/${dead}`)).body.state, "dead")
      const { state, run_at } = (await place.send("GET", `/jobs/${waiting}`)).body
      assert.deepEqual([state, run_at], ["waiting", "2026-03-28T12:00:01.000Z"])
    })
  })
})
