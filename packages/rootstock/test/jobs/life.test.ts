import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { elapsed } from "../../src/clock/index.ts"
import { defineJob, handle, JobInterruptedError, type Jobs } from "../../src/jobs/index.ts"
import { uuidv7 } from "../../src/schema/index.ts"
import { done, forEachJobs, numbered, quick, until } from "./support.ts"

const plain = defineJob("plain", { queue: "work", payload: numbered, attempts: 2, backoff: () => 1 })
const atomic = defineJob("atomic", { queue: "work", payload: numbered, transactional: true })
const kinds = [plain, atomic]

const never = new Promise<never>(() => undefined)

/** A worker that says it lives, of a process that does not. */
async function deadWorker(jobs: Jobs): Promise<string> {
  const { id } = await jobs.store.workers.create({ host: "elsewhere", pid: 1, seen: jobs.clock.now() })
  return id
}

describe("a worker that stops", () => {
  forEachJobs((place) => {
    it("waits for what runs, gives back what was not begun, and takes nothing more", async () => {
      const jobs = place.open(kinds)
      const begun: number[] = []
      const { promise: go, resolve } = Promise.withResolvers<void>()
      const worker = await place.work(
        jobs,
        [
          handle(plain, async ({ n }, { commit }) => {
            begun.push(n)
            await go
            await commit(() => place.ledger.create({ n }))
          }),
        ],
        { concurrency: 2 },
      )
      await jobs.sendMany(
        plain,
        Array.from({ length: 6 }, (_, n) => ({ n })),
      )
      await until(() => begun.length === 2, "two are begun")
      const stopped = worker.stop()
      await jobs.send(plain, { n: 6 })
      await until(async () => (await jobs.store.jobs.count({ state: "wait" })) === 5, "five wait")
      resolve()
      await stopped
      assert.deepEqual(begun, [0, 1])
      assert.deepEqual((await place.effects()).sort(), [0, 1])
      const left = await jobs.store.jobs.list()
      assert.deepEqual(
        new Set(left.map(({ state, attempt, worker: holder }) => `${state} ${attempt} ${holder}`)),
        new Set(["wait 0 null"]),
      )
      assert.equal(await jobs.store.workers.count(), 0)
      await worker.stop()
    })

    it("aborts what runs for longer than its patience, and gives it back without counting the attempt", async () => {
      const jobs = place.open(kinds)
      const reasons: unknown[] = []
      const begun = Promise.withResolvers<void>()
      const worker = await place.work(
        jobs,
        [
          handle(plain, async ({ n }, { signal, commit }) => {
            begun.resolve()
            await new Promise((resolve) => signal.addEventListener("abort", resolve))
            reasons.push(signal.reason)
            await commit(() => place.ledger.create({ n })).catch((error) => reasons.push(error))
          }),
        ],
        { patienceMs: 20 },
      )
      const id = await jobs.send(plain, { n: 1 })
      await begun.promise
      await worker.stop()
      const row = await jobs.store.jobs.get(id)
      assert.deepEqual([row?.state, row?.attempt, row?.worker], ["wait", 0, null])
      await until(() => reasons.length === 2, "the handler has seen its signal")
      assert.ok(reasons.every((reason) => reason instanceof JobInterruptedError))
      assert.deepEqual(await place.effects(), [])
      assert.equal(await jobs.store.errors.count(), 0)
    })

    for (const [title, hurry] of [
      ["a second call", (worker: { stop(options?: object): Promise<void> }) => worker.stop()],
      ["now", (worker: { stop(options?: object): Promise<void> }) => worker.stop({ now: true })],
    ] as const) {
      it(`waits no longer at ${title}`, async () => {
        const jobs = place.open(kinds)
        const begun = Promise.withResolvers<void>()
        const worker = await place.work(
          jobs,
          [
            handle(plain, async () => {
              begun.resolve()
              await never
            }),
          ],
          { patienceMs: 600_000 },
        )
        const id = await jobs.send(plain, { n: 1 })
        await begun.promise
        const start = elapsed()
        const first = worker.stop()
        await hurry(worker)
        await first
        assert.ok(elapsed() - start < 10_000)
        assert.equal((await jobs.store.jobs.get(id))?.state, "wait")
        assert.equal(await jobs.store.workers.count(), 0)
      })
    }

    it("lets another worker of the process go on with what it gave back", async () => {
      const jobs = place.open(kinds)
      const begun = Promise.withResolvers<void>()
      const first = await place.work(jobs, [
        handle(plain, async () => {
          begun.resolve()
          await never
        }),
      ])
      await jobs.sendMany(plain, [{ n: 1 }, { n: 2 }])
      await begun.promise
      await place.work(jobs, [handle(plain, async ({ n }) => void (await place.ledger.create({ n })))], {
        pollMs: 600_000,
      })
      await first.stop({ now: true })
      await done(jobs)
      assert.deepEqual((await place.effects()).sort(), [1, 2])
    })

    it("was never started, and has nothing to stop", async () => {
      const jobs = place.open(kinds)
      const worker = jobs.worker({ handlers: [handle(plain, () => undefined)] })
      await worker.stop()
      assert.equal(worker.id, undefined)
    })
  })
})

describe("a worker that dies", () => {
  forEachJobs((place) => {
    it("is removed by another when it shows no life, and its jobs wait again", async () => {
      const jobs = place.open(kinds)
      const dead = await deadWorker(jobs)
      const [first, second] = (await jobs.sendMany(plain, [{ n: 1 }, { n: 2 }])) as [string, string]
      await jobs.store.jobs.updateWhere({}, { state: "held", worker: dead, attempt: 1 })
      await place.work(jobs, [
        handle(
          plain,
          async ({ n }, { attempt, commit }) => void (await commit(() => place.ledger.create({ n: n * 10 + attempt }))),
        ),
      ])
      await done(jobs)
      assert.deepEqual((await place.effects()).sort(), [12, 22])
      assert.equal(await jobs.store.workers.get(dead), undefined)
      assert.equal(jobs.measures.of({ queue: "work", kind: "plain" }).rescued, 2)
      for (const id of [first, second]) {
        const [error] = await jobs.store.errors.list({ where: { jobId: id } })
        assert.match(error?.error ?? "", /WorkerLostError/)
      }
    })

    it("has its jobs rescued also where its row is gone already", async () => {
      const jobs = place.open(kinds)
      await jobs.send(plain, { n: 1 })
      await jobs.store.jobs.updateWhere({}, { state: "held", worker: uuidv7(), attempt: 1 })
      await place.work(jobs, [handle(plain, async ({ n }) => void (await place.ledger.create({ n })))])
      await done(jobs)
      assert.deepEqual(await place.effects(), [1])
    })

    it("takes a job with it that has ended processes as often as it may", async () => {
      const jobs = place.open(kinds)
      const id = await jobs.send(plain, { n: 1 })
      await jobs.store.jobs.updateWhere({}, { state: "held", worker: uuidv7(), attempt: 2 })
      await place.work(jobs, [handle(plain, async ({ n }) => void (await place.ledger.create({ n })))])
      await done(jobs)
      const row = await jobs.store.dead.get(id)
      assert.deepEqual([row?.reason, row?.attempt], ["attempts", 2])
      assert.match(row?.lastError ?? "", /WorkerLostError/)
      assert.deepEqual(await place.effects(), [])
    })

    it("is not taken for dead while it shows life, whatever its clock says", async () => {
      const jobs = place.open(kinds)
      const living = await deadWorker(jobs)
      let beats = 0
      const timer = setInterval(() => {
        // A clock that goes backwards, from years ago.
        void jobs.store.workers.updateWhere({ id: living }, { seen: new Date(1_000_000 - ++beats) })
      }, 50)
      try {
        await place.work(jobs, [handle(plain, () => undefined)], { lostAfterMs: 400 })
        await until(() => beats >= 16, "it was watched for twice the time")
        assert.notEqual(await jobs.store.workers.get(living), undefined)
      } finally {
        clearInterval(timer)
      }
      await until(async () => (await jobs.store.workers.get(living)) === undefined, "it is removed at last")
    })

    it("claims nothing more once its row is gone, drops what it has, and goes on as another", async () => {
      const jobs = place.open(kinds)
      const reasons: unknown[] = []
      const worker = await place.work(
        jobs,
        [
          handle(plain, async ({ n }, { attempt, signal, commit }) => {
            if (attempt === 1) {
              await new Promise((resolve) => signal.addEventListener("abort", resolve))
              reasons.push(signal.reason)
              await commit(() => place.ledger.create({ n: 100 })).catch((error) => reasons.push(error))
            } else await commit(() => place.ledger.create({ n }))
          }),
        ],
        { rescueMs: 100 },
      )
      const before = worker.id
      await jobs.send(plain, { n: 1 })
      await until(async () => (await jobs.store.jobs.count({ state: "held" })) === 1, "it is held")
      await jobs.store.workers.delete(before as string)
      await done(jobs)
      assert.deepEqual(await place.effects(), [1])
      await until(() => reasons.length === 2, "the first attempt has seen its signal")
      assert.ok(reasons.every((reason) => reason instanceof JobInterruptedError))
      assert.notEqual(worker.id, before)
      assert.deepEqual(
        (await jobs.store.workers.list()).map(({ id }) => id),
        [worker.id],
      )
    })

    it("changes nothing by jobs that it took ahead, and takes no others, before it knows", async () => {
      const jobs = place.open(kinds)
      const begun: number[] = []
      const go = Promise.withResolvers<void>()
      const worker = await place.work(
        jobs,
        [
          handle(plain, async ({ n }, { commit }) => {
            begun.push(n)
            if (n === 1) await go.promise
            await commit(() => place.ledger.create({ n }))
          }),
        ],
        { ...quick, concurrency: 1, rescueMs: 600_000, heartbeatMs: 600_000 },
      )
      const held = (count: number) =>
        until(async () => (await jobs.store.jobs.count({ state: "held" })) === count, `${count} are held`)
      // Short ones first, and enough of them that a slow one is forgotten, so that it takes jobs ahead.
      await jobs.sendMany(
        plain,
        Array.from({ length: 100 }, () => ({ n: 0 })),
      )
      await done(jobs)
      const behind = (numbers: readonly number[]) => numbers.filter((n) => n > 0)
      await jobs.send(plain, { n: 1 })
      await held(1)
      const ahead = await jobs.send(plain, { n: 2 })
      await held(2)
      // As others leave it who take it for dead.
      await jobs.store.workers.delete(worker.id as string)
      await jobs.store.jobs.update(ahead, { attempt: 2, worker: uuidv7() })
      go.resolve()
      const { measures } = jobs
      await until(() => measures.of({ queue: "work", kind: "plain" }).fencedOut === 1, "it is fenced out")
      assert.deepEqual([behind(begun), behind(await place.effects())], [[1, 2], [1]])
      const claims: (number | undefined)[] = []
      const stop = place.db.on("query", ({ call, rows }) => void (call === "jobs.claim" && claims.push(rows)))
      const left = await jobs.send(plain, { n: 3 })
      await until(() => claims.length > 0, "it tries to take it")
      stop()
      assert.ok(claims.every((rows) => rows === 0))
      assert.equal((await jobs.store.jobs.get(left))?.state, "wait")
    })
  })
})
