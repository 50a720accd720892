import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { manualClock, systemClock } from "../../src/clock/index.ts"
import { transaction } from "../../src/index.ts"
import {
  cancelJobs,
  defineJob,
  deleteJobs,
  handle,
  JobInterruptedError,
  type JobState,
  type Jobs,
  jobStats,
  type Lane,
  listJobs,
  PermanentError,
  pauseQueue,
  resumeQueue,
  retryJobs,
  runJobsNow,
  showJob,
} from "../../src/jobs/index.ts"
import { prometheusText } from "../../src/metrics/index.ts"
import { refuses } from "../storage/support.ts"
import { done, forEachJobs, numbered, until } from "./support.ts"

const start = "2026-01-31T09:00:00.000Z"
const later = (milliseconds: number) => new Date(Date.parse(start) + milliseconds)

const plain = defineJob("plain", { queue: "work", payload: numbered, attempts: 4 })
const atomic = defineJob("atomic", { queue: "work", payload: numbered, transactional: true })
const other = defineJob("other", { queue: "other", payload: numbered })
const kinds = [plain, atomic, other]

const numbersOf = async (jobs: Jobs, ids: readonly string[]) =>
  (await jobs.store.jobs.getMany(ids)).map(({ payload }) => (payload as { n: number }).n)

/** The ids of all pages. */
async function pages(jobs: Jobs, filter: Parameters<typeof listJobs>[1], limit: number): Promise<string[]> {
  const ids: string[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await listJobs(jobs, filter, { cursor, limit })
    assert.ok(page.jobs.length <= limit)
    ids.push(...page.jobs.map(({ id }) => id))
    if (page.next === undefined) return ids
    cursor = page.next
  }
}

describe("looking at jobs", () => {
  const clock = manualClock(start)
  forEachJobs((place) => {
    const open = () => {
      clock.set(start)
      return place.open(kinds)
    }

    /** Makes rows in the table of dead jobs. */
    const bury = (jobs: Jobs, n: number, queue = "work", diedAt = later(n)) =>
      jobs.store.dead.create({
        queue,
        kind: "plain",
        lane: 2,
        reason: "permanent",
        attempt: 3,
        maxAttempts: 4,
        payload: { n },
        lastError: "Error: no",
        createdAt: later(0),
        diedAt,
      })

    it("lists those that wait in the order in which they will be taken, page by page", async () => {
      const jobs = open()
      const sent = [3, 0, 2, 0, 2, 1, 4].map((lane, n) => ({ lane: lane as Lane, n, delayMs: 10 - n }))
      await jobs.sendMany(
        plain,
        sent.map(({ n }) => ({ n })),
        ({ n }) => ({ lane: sent[n]?.lane as Lane, delayMs: sent[n]?.delayMs as number }),
      )
      await jobs.send(other, { n: 100 })
      const expected = [3, 1, 5, 4, 2, 0, 6]
      for (const limit of [1, 2, 3, 50]) {
        const ids = await pages(jobs, { state: "waiting", queue: "work" }, limit)
        assert.deepEqual(await numbersOf(jobs, ids), expected)
      }
      const everywhere = await pages(jobs, { state: "waiting" }, 3)
      assert.deepEqual(await numbersOf(jobs, everywhere), [0, 1, 2, 3, 4, 5, 6, 100])
      assert.deepEqual(await pages(jobs, { state: "waiting", queue: "work", kind: "atomic" }, 3), [])
    })

    it("lists those that are held or at the broker, by queue and kind", async () => {
      const jobs = open()
      const ids = await jobs.sendMany(
        plain,
        [0, 1, 2, 3].map((n) => ({ n })),
      )
      await jobs.store.jobs.updateWhere({ id: ids.slice(0, 2) }, { state: "held", attempt: 1 })
      await jobs.store.jobs.update(ids[2] as string, { state: "at_broker" })
      const listed = async (state: JobState, more = {}) => numbersOf(jobs, await pages(jobs, { state, ...more }, 1))
      assert.deepEqual(await listed("held"), [0, 1])
      assert.deepEqual(await listed("at_broker", { queue: "work", kind: "plain" }), [2])
      assert.deepEqual(await listed("held", { queue: "other" }), [])
      assert.deepEqual(await listed("waiting", { kind: "plain" }), [3])
    })

    it("lists dead ones with the latest first", async () => {
      const jobs = open()
      for (const n of [2, 1, 3, 3]) await bury(jobs, n)
      await bury(jobs, 9, "other")
      const numbers = async (filter: object, limit: number) => {
        const ids = await pages(jobs, { state: "dead", ...filter }, limit)
        const rows = await jobs.store.dead.getMany(ids)
        return rows.map(({ payload }) => (payload as { n: number }).n)
      }
      assert.deepEqual(await numbers({ queue: "work" }, 2), [3, 3, 2, 1])
      assert.deepEqual(await numbers({}, 2), [9, 3, 3, 2, 1])
      assert.deepEqual(await numbers({ kind: "atomic" }, 2), [])
    })

    it("shows what is known of a job", async () => {
      const jobs = open()
      const id = await jobs.send(plain, { n: 1 }, { delayMs: 5, lane: 3 })
      const [page] = (await listJobs(jobs, { state: "waiting" })).jobs
      assert.deepEqual(page, {
        id,
        state: "waiting",
        queue: "work",
        kind: "plain",
        lane: 3,
        attempt: 0,
        maxAttempts: 4,
        runAt: later(5),
        fireAt: later(5),
        worker: undefined,
        lastError: undefined,
        createdAt: later(0),
        diedAt: undefined,
        reason: undefined,
      })
      for (const attempt of [1, 2])
        await jobs.store.errors.create({ jobId: id, attempt, error: `no ${attempt}`, at: later(attempt) })
      assert.deepEqual(await showJob(jobs, id), {
        ...page,
        payload: { n: 1 },
        errors: [
          { attempt: 2, error: "no 2", at: later(2) },
          { attempt: 1, error: "no 1", at: later(1) },
        ],
      })
      const dead = await bury(jobs, 7)
      const shown = await showJob(jobs, dead.id)
      assert.deepEqual(
        [shown?.state, shown?.reason, shown?.diedAt, shown?.payload, shown?.errors],
        ["dead", "permanent", later(7), { n: 7 }, []],
      )
      assert.equal(await showJob(jobs, "00000000-0000-7000-8000-000000000000"), undefined)
    })

    it("refuses pages that make no sense, and cursors of other lists", async () => {
      const jobs = open()
      await jobs.sendMany(plain, [{ n: 1 }, { n: 2 }])
      const { next } = await listJobs(jobs, { state: "waiting", queue: "work" }, { limit: 1 })
      await refuses(listJobs(jobs, { state: "waiting" }, { cursor: next }), { code: "VALIDATION" })
      await refuses(listJobs(jobs, { state: "dead" }, { cursor: next }), { code: "VALIDATION" })
      await refuses(listJobs(jobs, { state: "held" }, { cursor: "nonsense" }), { code: "VALIDATION" })
      for (const limit of [0, 1.5, 1_001])
        await refuses(listJobs(jobs, { state: "held" }, { limit }), { code: "VALIDATION" })
    })

    it("says how the queues and workers stand", async () => {
      const jobs = open()
      await jobs.sendMany(plain, [{ n: 1 }, { n: 2 }, { n: 3 }], ({ n }) => (n === 3 ? { delayMs: 60_000 } : {}))
      const held = await jobs.send(plain, { n: 4 })
      await jobs.store.jobs.update(held, { state: "held" })
      await jobs.store.jobs.create({ queue: "forgotten", kind: "gone", lane: 0, runAt: later(-5_000), payload: {} })
      await bury(jobs, 1)
      await pauseQueue(jobs, "other")
      await jobs.store.workers.create({ host: "here", pid: 7, seen: later(0) })
      clock.advance(1_500)
      const { queues, workers } = await jobStats(jobs)
      assert.deepEqual(queues, [
        { queue: "forgotten", waiting: 1, held: 0, atBroker: 0, dead: 0, oldestReadyMs: 6_500, paused: false },
        { queue: "other", waiting: 0, held: 0, atBroker: 0, dead: 0, oldestReadyMs: undefined, paused: true },
        { queue: "work", waiting: 3, held: 1, atBroker: 0, dead: 1, oldestReadyMs: 1_500, paused: false },
      ])
      assert.deepEqual(
        workers.map(({ host, pid }) => [host, pid]),
        [["here", 7]],
      )
    })

    it("counts no further than needed", async () => {
      const jobs = open()
      await jobs.sendMany(
        plain,
        Array.from({ length: 10_050 }, (_, n) => ({ n })),
      )
      const { queues } = await jobStats(jobs)
      assert.equal(queues.find(({ queue }) => queue === "work")?.waiting, 10_000)
    })

    it("gives all of it as metrics", async () => {
      const jobs = open()
      await jobs.send(plain, { n: 1 })
      const measured = jobs.measures.of({ queue: "work", kind: "plain" })
      measured.retried++
      measured.wait.observe(0.2)
      clock.advance(2_000)
      const text = prometheusText(await jobs.metrics())
      for (const line of [
        'jobs_waiting{queue="work"} 1',
        'jobs_oldest_ready_age_seconds{queue="work"} 2',
        'jobs_retried_total{queue="work",kind="plain"} 1',
        'jobs_fenced_out_total{queue="work",kind="plain"} 0',
        'jobs_wait_seconds_bucket{queue="work",kind="plain",le="0.25"} 1',
        "jobs_workers 0",
      ]) {
        assert.ok(text.split("\n").includes(line), `${line} is not in ${text}`)
      }
    })
  }, clock)
})

describe("acting on jobs", () => {
  forEachJobs((place) => {
    const failing = handle(plain, () => {
      throw new PermanentError("no")
    })

    it("retries dead jobs, with all their attempts before them and none numbered twice", async () => {
      const jobs = place.open(kinds)
      const worker = await place.work(jobs, [failing])
      const ids = await jobs.sendMany(plain, [{ n: 1 }, { n: 2 }, { n: 3 }], { lane: 1 })
      await done(jobs)
      await worker.stop()
      assert.equal(
        await retryJobs(jobs, { ids: [ids[0] as string, ids[1] as string, "00000000-0000-7000-8000-000000000000"] }),
        2,
      )
      const rows = await jobs.store.jobs.getMany(ids)
      assert.deepEqual(
        rows.map(({ state, attempt, maxAttempts, lane, payload }) => [state, attempt, maxAttempts, lane, payload]),
        [
          ["wait", 1, 5, 1, { n: 1 }],
          ["wait", 1, 5, 1, { n: 2 }],
        ],
      )
      assert.equal(await jobs.store.dead.count(), 1)
      const attempts: number[] = []
      await place.work(jobs, [handle(plain, (_, { attempt }) => void attempts.push(attempt))])
      await done(jobs)
      assert.equal(await retryJobs(jobs, { filter: { state: "dead", queue: "work" } }), 1)
      await done(jobs)
      assert.deepEqual(attempts, [2, 2, 2])
      assert.equal(await retryJobs(jobs, { filter: { state: "dead" } }), 0)
      assert.equal(await jobs.store.errors.count(), 3)
    })

    it("retries a job once where two ask for it at the same time", async () => {
      const jobs = place.open(kinds)
      const worker = await place.work(jobs, [failing])
      const id = await jobs.send(plain, { n: 1 })
      await done(jobs)
      await worker.stop()
      const counts = await Promise.all(Array.from({ length: 5 }, () => retryJobs(jobs, { ids: [id] })))
      assert.deepEqual(counts.sort(), [0, 0, 0, 0, 1])
      assert.equal(await jobs.store.jobs.count(), 1)
    })

    it("acts on all that match a filter, in portions, and on none that were sent meanwhile", async () => {
      const jobs = place.open(kinds)
      const numbers = Array.from({ length: 1_200 }, (_, n) => ({ n }))
      await jobs.sendMany(plain, numbers, { delayMs: 60_000 })
      await jobs.sendMany(atomic, [{ n: 1 }], { delayMs: 60_000 })
      assert.equal(await cancelJobs(jobs, { filter: { state: "waiting", queue: "work", kind: "plain" } }), 1_200)
      assert.equal(await jobs.store.jobs.count(), 1)
      assert.equal(await jobs.store.dead.count({ reason: "cancelled" }), 1_200)
      assert.equal(await deleteJobs(jobs, { filter: { state: "dead", queue: "work" } }), 1_200)
      assert.equal(await jobs.store.dead.count(), 0)
    })

    it("acts on those of a producer whose clock is ahead, too, and on none that was sent meanwhile", async () => {
      const jobs = place.open(kinds)
      const numbers = Array.from({ length: 600 }, (_, n) => ({ n }))
      await jobs.sendMany(plain, numbers)
      await jobs.store.jobs.updateWhere({ queue: "work" }, { createdAt: new Date("2099-01-01T00:00:00.000Z") })
      await jobs.sendMany(plain, numbers, { delayMs: 60_000 })
      const meanwhile = async () => void (await jobs.send(plain, { n: 9_999 }, { delayMs: 60_000 }))
      assert.equal(await cancelJobs(jobs, { filter: { state: "waiting", queue: "work" } }, meanwhile), 1_200)
      const left = await jobs.store.jobs.list()
      assert.deepEqual([...new Set(left.map(({ payload }) => (payload as { n: number }).n))], [9_999])
    })

    it("runs many jobs now, each once, also those that are due", async () => {
      const jobs = place.open(kinds)
      await jobs.sendMany(
        plain,
        Array.from({ length: 1_200 }, (_, n) => ({ n })),
      )
      const counts = new Map<string, number>()
      const record = async (rows: readonly { readonly id: string }[]) => {
        for (const { id } of rows) counts.set(id, (counts.get(id) ?? 0) + 1)
      }
      assert.equal(await runJobsNow(jobs, { filter: { state: "waiting", queue: "work" } }, record), 1_200)
      assert.equal(counts.size, 1_200)
      assert.ok([...counts.values()].every((count) => count === 1))
    })

    it("runs a job now that waits for later", async () => {
      const jobs = place.open(kinds)
      await place.work(jobs, [handle(plain, async ({ n }) => void (await place.ledger.create({ n })))], {
        pollMs: 600_000,
      })
      const id = await jobs.send(plain, { n: 1 }, { delayMs: 3_600_000 })
      assert.equal(await runJobsNow(jobs, { ids: [id] }), 1)
      await done(jobs)
      assert.deepEqual(await place.effects(), [1])
      assert.equal(await runJobsNow(jobs, { ids: [id] }), 0)
    })

    it("cancels a job that runs: its signal is aborted, and it changes nothing", async () => {
      const jobs = place.open(kinds)
      const seen: unknown[] = []
      const begun = Promise.withResolvers<void>()
      await place.work(jobs, [
        handle(plain, async ({ n }, { signal, commit }) => {
          begun.resolve()
          await new Promise((resolve) => signal.addEventListener("abort", resolve))
          seen.push(signal.reason)
          await commit(() => place.ledger.create({ n })).catch((error) => seen.push(error))
        }),
      ])
      const id = await jobs.send(plain, { n: 1 })
      await begun.promise
      assert.equal(await cancelJobs(jobs, { ids: [id] }), 1)
      await until(() => seen.length === 2, "the handler has seen it")
      assert.ok(seen.every((reason) => reason instanceof JobInterruptedError))
      assert.deepEqual(await place.effects(), [])
      const row = await jobs.store.dead.get(id)
      assert.deepEqual([row?.reason, row?.attempt], ["cancelled", 1])
      assert.equal(await jobs.store.jobs.count(), 0)
    })

    it("removes jobs for good, waiting and dead ones, with what went wrong with them", async () => {
      const jobs = place.open(kinds)
      const worker = await place.work(jobs, [failing])
      const dead = await jobs.send(plain, { n: 1 })
      await done(jobs)
      await worker.stop()
      const waiting = await jobs.send(plain, { n: 2 })
      assert.equal(await deleteJobs(jobs, { ids: [dead, waiting, dead] }), 2)
      assert.deepEqual(
        [await jobs.store.jobs.count(), await jobs.store.dead.count(), await jobs.store.errors.count()],
        [0, 0, 0],
      )
    })

    it("is part of the transaction around it", async () => {
      const jobs = place.open(kinds)
      const id = await jobs.send(plain, { n: 1 }, { delayMs: 60_000 })
      await assert.rejects(
        transaction(async () => {
          assert.equal(await cancelJobs(jobs, { ids: [id] }), 1)
          await pauseQueue(jobs, "work")
          throw new Error("no")
        }),
      )
      assert.equal((await jobs.store.jobs.get(id))?.state, "wait")
      assert.equal(await jobs.store.paused.count(), 0)
    })

    it("leaves the states alone that an action is not for", async () => {
      const jobs = place.open(kinds)
      const id = await jobs.send(plain, { n: 1 }, { delayMs: 60_000 })
      const before = await jobs.store.jobs.get(id)
      assert.equal(await retryJobs(jobs, { ids: [id] }), 0)
      assert.equal(await retryJobs(jobs, { filter: { state: "waiting" } }), 0)
      assert.equal(await runJobsNow(jobs, { filter: { state: "dead" } }), 0)
      assert.equal(await cancelJobs(jobs, { filter: { state: "dead" } }), 0)
      assert.deepEqual(await jobs.store.jobs.get(id), before)
    })

    it("takes nothing from a paused queue until it is resumed, and goes on with others", async () => {
      const jobs = place.open(kinds)
      const records = async ({ n }: { n: number }) => void (await place.ledger.create({ n }))
      await pauseQueue(jobs, "work")
      await pauseQueue(jobs, "work")
      await place.work(jobs, [handle(plain, records), handle(other, records)])
      await jobs.send(plain, { n: 1 })
      await jobs.send(other, { n: 2 })
      await until(async () => (await place.effects()).length === 1, "the other queue goes on")
      assert.deepEqual(await place.effects(), [2])
      assert.equal(await resumeQueue(jobs, "work"), true)
      await done(jobs)
      assert.deepEqual(await place.effects(), [2, 1])
      assert.equal(await resumeQueue(jobs, "work"), false)
      await refuses(pauseQueue(jobs, "no queue"), { code: "DECLARATION" })
    })
  }, systemClock)
})
