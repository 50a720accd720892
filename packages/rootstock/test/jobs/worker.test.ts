import assert from "node:assert/strict"
import { AsyncLocalStorage } from "node:async_hooks"
import { describe, it } from "node:test"
import { setTimeout as pause } from "node:timers/promises"
import fc from "fast-check"
import { elapsed } from "../../src/clock/index.ts"
import { afterCommit, ConfigError, transaction } from "../../src/index.ts"
import {
  defineJob,
  FencedOutError,
  handle,
  JobTimeoutError,
  type Lane,
  PermanentError,
  RetryAfterError,
} from "../../src/jobs/index.ts"
import { currentRequestId } from "../../src/log/index.ts"
import { currentActor } from "../../src/shared/index.ts"
import { queriesOf, refuses } from "../storage/support.ts"
import { carryOutLate, done, forEachJobs, type JobsPlace, numbered, until } from "./support.ts"

const atomic = defineJob("atomic", { queue: "work", payload: numbered, transactional: true, backoff: () => 1 })
const plain = defineJob("plain", { queue: "work", payload: numbered })
const fails = defineJob("fails", { queue: "work", payload: numbered, attempts: 3, backoff: () => 1 })
const short = defineJob("short", { queue: "work", payload: numbered, attempts: 1, timeoutMs: 20 })
const shortAtomic = defineJob("short_atomic", {
  queue: "work",
  payload: numbered,
  attempts: 1,
  timeoutMs: 20,
  transactional: true,
})
const other = defineJob("other", { queue: "other", payload: numbered })
const all = [atomic, plain, fails, short, shortAtomic, other]

const never = new Promise<never>(() => undefined)

/** A handler that writes its number into the ledger. */
const records =
  (place: JobsPlace) =>
  async ({ n }: { n: number }) => {
    await place.ledger.create({ n })
  }

describe("a worker", () => {
  forEachJobs((place) => {
    it("does what was sent before and after its start, and removes what is done", async () => {
      const jobs = place.open(all)
      await jobs.send(atomic, { n: 1 })
      await place.work(jobs, [handle(atomic, records(place)), handle(plain, records(place))])
      await jobs.send(plain, { n: 2 })
      await transaction(() => jobs.send(atomic, { n: 3 }))
      await done(jobs)
      assert.deepEqual((await place.effects()).sort(), [1, 2, 3])
      assert.equal(await jobs.store.errors.count(), 0)
    })

    it("does what a claim took that was carried out after it had looked what the claim did", async () => {
      const jobs = place.open(all)
      await jobs.send(atomic, { n: 1 })
      const carriedOut = carryOutLate(jobs, "jobs.claim")
      await place.work(jobs, [handle(atomic, records(place)), handle(plain, records(place))])
      await until(carriedOut, "it is claimed")
      await done(jobs)
      assert.deepEqual(await place.effects(), [1])
    })

    it("can be started again where its start failed", async () => {
      const jobs = place.open(all)
      await jobs.send(plain, { n: 1 })
      await using worker = jobs.worker({ handlers: [handle(plain, records(place))], pollMs: 20 })
      await place.db.execute`ALTER TABLE worker RENAME TO away`
      await assert.rejects(worker.start())
      await worker.stop()
      await place.db.execute`ALTER TABLE away RENAME TO worker`
      await worker.start()
      await done(jobs)
      assert.deepEqual(await place.effects(), [1])
    })

    it("begins at once what is sent in its process, without waiting for its next look", async () => {
      const jobs = place.open(all)
      const begun: number[] = []
      await place.work(jobs, [handle(plain, ({ n }) => begun.push(n))], { pollMs: 600_000 })
      await jobs.send(plain, { n: 1 })
      await until(() => begun.length === 1, "the first is begun")
      await transaction(async () => {
        await jobs.send(plain, { n: 2 })
        await pause(5)
        assert.equal(begun.length, 1)
      })
      await until(() => begun.length === 2, "the second is begun after its commit")
      await jobs.send(plain, { n: 3 }, { delayMs: 20 })
      await until(() => begun.length === 3, "the third is begun when it is due")
    })

    it("begins at once what was sent before the last one taken, and stored after it", async () => {
      const jobs = place.open(all)
      // There, another transaction would wait for the first.
      if (jobs.engine.singleWriter) return
      const begun: number[] = []
      await place.work(jobs, [handle(plain, ({ n }) => begun.push(n))], { concurrency: 1, pollMs: 600_000 })
      const { promise: released, resolve: release } = Promise.withResolvers<void>()
      const early = transaction(async () => {
        await jobs.send(plain, { n: 1 })
        await released
      })
      await pause(5)
      await jobs.sendMany(plain, [{ n: 2 }, { n: 3 }, { n: 4 }])
      await until(() => begun.length === 3, "the later ones are done")
      release()
      await early
      await until(() => begun.length === 4, "the earlier one is done")
    })

    it("lets others have their turn between handlers that return at once", async () => {
      const jobs = place.open(all)
      let turn = 0
      let counting = true
      const count = () => {
        turn++
        if (counting) setImmediate(count)
      }
      const turns = new Map<number, number>()
      const handler = () => {
        const end = elapsed() + 4
        while (elapsed() < end);
        turns.set(turn, (turns.get(turn) ?? 0) + 1)
      }
      await jobs.sendMany(
        plain,
        Array.from({ length: 40 }, (_, n) => ({ n })),
      )
      count()
      await place.work(jobs, [handle(plain, handler)], { concurrency: 40 })
      await done(jobs)
      counting = false
      assert.ok(Math.max(...turns.values()) <= 4, `in a turn: ${[...turns.values()]}`)
    })

    it("finds by itself what nobody announced", async () => {
      const jobs = place.open(all)
      await place.work(jobs, [handle(plain, records(place))], { pollMs: 20 })
      const present = new Date(0)
      await jobs.store.jobs.create({ queue: "work", kind: "plain", lane: 2, runAt: present, payload: { n: 4 } })
      await done(jobs)
      assert.deepEqual(await place.effects(), [4])
    })

    it("takes the urgent lane first, and within a lane the longest due first", async () => {
      const jobs = place.open(all)
      const cases = fc.array(fc.record({ lane: fc.nat({ max: 4 }), age: fc.nat({ max: 5 }) }), { maxLength: 30 })
      await fc.assert(
        fc.asyncProperty(cases, fc.integer({ min: 1, max: 40 }), async (sent, prefetch) => {
          const begun: number[] = []
          const present = jobs.clock.now().getTime()
          await jobs.sendMany(
            plain,
            sent.map((_, n) => ({ n })),
            (_, n) => ({
              lane: sent[n]?.lane as Lane,
              runAt: new Date(present - 60_000 * (sent[n]?.age as number)),
            }),
          )
          const worker = await place.work(jobs, [handle(plain, ({ n }) => begun.push(n))], { concurrency: 1, prefetch })
          await done(jobs)
          await worker.stop()
          const expected = sent.map((one, n) => ({ ...one, n }))
          expected.sort((a, b) => a.lane - b.lane || b.age - a.age || a.n - b.n)
          assert.deepEqual(
            begun,
            expected.map(({ n }) => n),
          )
        }),
        { numRuns: 8 },
      )
    })

    it("leaves what is for later until it is due, also before what is due", async () => {
      const jobs = place.open(all)
      const due = new Date(jobs.clock.now().getTime() + 3_600_000)
      await jobs.send(plain, { n: 1 }, { runAt: due, lane: 0 })
      await place.work(jobs, [handle(plain, records(place))])
      await jobs.send(plain, { n: 2 }, { lane: 4 })
      await until(async () => (await jobs.store.jobs.count()) === 1, "the one that is due is done")
      assert.deepEqual(await place.effects(), [2])
    })

    it("does no more at a time than it may, in each queue", async () => {
      const jobs = place.open(all)
      let running = 0
      let most = 0
      const counts = async () => {
        most = Math.max(most, ++running)
        await pause(2)
        running--
      }
      await place.work(jobs, [handle(plain, counts)], { concurrency: { work: 3 } })
      await jobs.sendMany(
        plain,
        Array.from({ length: 40 }, (_, n) => ({ n })),
      )
      await done(jobs)
      assert.equal(most, 3)
    })

    it("lets more jobs share a commit than are done at a time, where one writes at a time", async () => {
      const jobs = place.open(all)
      const numbers = Array.from({ length: 400 }, (_, n) => n)
      await jobs.sendMany(
        atomic,
        numbers.map((n) => ({ n })),
      )
      let [running, most, uncommitted, together] = [0, 0, 0, 0]
      const handler = handle(atomic, async ({ n }, { attempt }) => {
        most = Math.max(most, ++running)
        await place.ledger.create({ n })
        running--
        // Undoes its own effect, and nobody else's.
        if (n % 20 === 7 && attempt === 1) throw new Error("not yet")
        together = Math.max(together, ++uncommitted)
        afterCommit(() => {
          uncommitted--
        })
      })
      await place.work(jobs, [handler], { concurrency: 2 })
      await done(jobs)
      assert.deepEqual(
        (await place.effects()).sort((a, b) => a - b),
        numbers,
      )
      assert.ok(most <= 2, `${most} at a time`)
      if (jobs.engine.singleWriter) assert.ok(together > 2, `${together} in one commit`)
    })

    it("claims and completes many with few statements", async () => {
      const jobs = place.open(all)
      const numbers = Array.from({ length: 300 }, (_, n) => ({ n }))
      await jobs.sendMany(plain, numbers)
      const calls = await queriesOf(place.db, async () => {
        await place.work(jobs, [handle(plain, () => undefined)], { concurrency: 50, pollMs: 600_000 })
        await done(jobs)
      })
      const count = (call: string) => calls.filter((one) => one === call).length
      assert.ok(count("jobs.claim") <= 8, `${count("jobs.claim")} claims`)
      assert.ok(count("jobs.complete") <= 30, `${count("jobs.complete")} completions`)
    })

    it("works on the queues that it is given, and on no others", async () => {
      const jobs = place.open(all)
      const handlers = [handle(plain, records(place)), handle(other, records(place))]
      await place.work(jobs, handlers, { queues: ["other"] })
      await jobs.send(plain, { n: 1 })
      await jobs.send(other, { n: 2 })
      await until(async () => (await jobs.store.jobs.count()) === 1, "one is done")
      assert.deepEqual(await place.effects(), [2])
    })

    it("refuses queues and handlers that make no sense", () => {
      const jobs = place.open([plain])
      assert.throws(() => jobs.worker(), ConfigError)
      assert.throws(() => jobs.worker({ handlers: [handle(plain, () => 1)], queues: ["other"] }), ConfigError)
      assert.throws(() => jobs.worker({ handlers: [handle(other, () => 1)] }), ConfigError)
      assert.throws(() => jobs.worker({ handlers: [handle(plain, () => 1), handle(plain, () => 1)] }), ConfigError)
      assert.throws(() => jobs.worker({ handlers: [handle(plain, () => 1)], concurrency: 0 }), ConfigError)
    })

    it("tells the handler what it works for", async () => {
      const jobs = place.open(all)
      const told: unknown[] = []
      const fireAt = new Date(jobs.clock.now().getTime() - 5_000)
      await place.work(jobs, [
        handle(plain, async ({ n }, { job, attempt, fireAt: instant, lateMs, signal }) => {
          told.push([n, job, attempt, instant, lateMs >= 5_000, signal.aborted, currentActor(), currentRequestId()])
        }),
      ])
      const id = await jobs.send(plain, { n: 1 }, { fireAt, lane: 3 })
      await done(jobs)
      const [[n, job, ...rest]] = told as [[number, { createdAt: Date }, ...unknown[]]]
      const { createdAt, ...facts } = job
      assert.deepEqual([n, facts], [1, { id, kind: "plain", queue: "work", lane: 3 }])
      assert.ok(createdAt instanceof Date)
      assert.deepEqual(rest, [1, fireAt, true, false, { kind: "job", id: "plain" }, id])
    })

    it("gives an instant that is the same at each attempt: when it was sent, or what it was delayed to", async () => {
      const jobs = place.open(all)
      const seen: Date[] = []
      await place.work(jobs, [
        handle(fails, (_, { fireAt, attempt }) => {
          seen.push(fireAt)
          if (attempt === 1) throw new Error("again")
        }),
      ])
      const id = await jobs.send(fails, { n: 1 }, { delayMs: 3 })
      const row = await jobs.store.jobs.get(id)
      await done(jobs)
      assert.deepEqual(seen, [row?.fireAt, row?.fireAt])
    })

    it("keeps nothing of the sender's context", async () => {
      const jobs = place.open(all)
      const context = new AsyncLocalStorage<string>()
      const seen: (string | undefined)[] = []
      await place.work(jobs, [handle(atomic, () => seen.push(context.getStore()))])
      await context.run("sender", () => jobs.send(atomic, { n: 1 }))
      await done(jobs)
      assert.deepEqual(seen, [undefined])
    })

    it("tries a failed job again, and remembers each failure", async () => {
      const jobs = place.open(all)
      await place.work(jobs, [
        handle(fails, async ({ n }, { attempt, commit }) => {
          if (attempt < 3) throw new Error(`attempt ${attempt}`, { cause: new TypeError("deep") })
          await commit(() => place.ledger.create({ n }))
        }),
      ])
      const id = await jobs.send(fails, { n: 5 })
      await done(jobs)
      assert.deepEqual(await place.effects(), [5])
      const errors = await jobs.store.errors.list({ where: { jobId: id }, orderBy: { attempt: "asc" } })
      assert.deepEqual(
        errors.map(({ attempt, error }) => [attempt, error.split("\n")[0]]),
        [
          [1, "Error: attempt 1"],
          [2, "Error: attempt 2"],
        ],
      )
      assert.match(errors[0]?.error ?? "", /Caused by TypeError: deep/)
      const measured = jobs.measures.of({ queue: "work", kind: "fails" })
      await until(() => measured.completed === 1, "it is counted")
      assert.equal(measured.retried, 2)
    })

    it("undoes what a transactional handler did before it failed", async () => {
      const jobs = place.open([...all])
      await place.work(jobs, [
        handle(atomic, async ({ n }, { attempt }) => {
          await place.ledger.create({ n: n * 10 + attempt })
          if (attempt === 1) throw new PermanentError("never")
        }),
      ])
      await jobs.sendMany(atomic, [{ n: 1 }, { n: 2 }])
      await done(jobs)
      assert.deepEqual(await place.effects(), [])
      assert.equal(await jobs.store.dead.count({ reason: "permanent" }), 2)
    })

    it("does the others of a group whose transaction one of them would spoil", async () => {
      const jobs = place.open(all)
      await place.work(jobs, [
        handle(atomic, async ({ n }) => {
          await place.ledger.create({ n })
          if (n % 5 === 0) throw new PermanentError("never")
        }),
      ])
      await jobs.sendMany(
        atomic,
        Array.from({ length: 50 }, (_, n) => ({ n })),
      )
      await done(jobs)
      const expected = Array.from({ length: 50 }, (_, n) => n).filter((n) => n % 5 !== 0)
      assert.deepEqual(
        (await place.effects()).sort((a, b) => a - b),
        expected,
      )
    })

    it("gives a job up when its attempts are over", async () => {
      const jobs = place.open(all)
      await place.work(jobs, [
        handle(fails, () => {
          throw new Error("always")
        }),
      ])
      const id = await jobs.send(fails, { n: 1 }, { lane: 4 })
      await done(jobs)
      const row = await jobs.store.dead.get(id)
      assert.deepEqual(
        [row?.reason, row?.attempt, row?.maxAttempts, row?.lane, row?.payload, row?.lastError],
        ["attempts", 3, 3, 4, { n: 1 }, "Error: always"],
      )
      assert.equal(await jobs.store.errors.count({ jobId: id }), 3)
      await until(() => jobs.measures.of({ queue: "work", kind: "fails" }).dead === 1, "it is counted")
      await until(() => place.lines.includes(`ERROR The job ${id} (fails) is dead after 3 attempts`), "it is told")
    })

    it("gives a job up at once where its error is for good", async () => {
      const jobs = place.open(all)
      await place.work(jobs, [
        handle(plain, () => {
          throw new PermanentError("There is no user 1.")
        }),
      ])
      const id = await jobs.send(plain, { n: 1 })
      await done(jobs)
      const row = await jobs.store.dead.get(id)
      assert.deepEqual(
        [row?.reason, row?.attempt, row?.lastError],
        ["permanent", 1, "PermanentError: There is no user 1."],
      )
    })

    it("tries a job again when its handler says, but for a longer pause of its kind", async () => {
      const slow = defineJob("slow", { queue: "work", payload: numbered, backoff: () => 90_000 })
      const jobs = place.open([fails, slow])
      const busy = () => {
        throw new RetryAfterError("The server is busy.", { delayMs: 60_000 })
      }
      const begun = jobs.clock.now().getTime()
      await place.work(jobs, [handle(fails, busy), handle(slow, busy)])
      await jobs.send(fails, { n: 1 })
      await jobs.send(slow, { n: 2 })
      await until(async () => (await jobs.store.errors.count()) === 2, "both have failed")
      const waiting = await jobs.store.jobs.list({ orderBy: { kind: "asc" } })
      const pauses = waiting.map(({ kind, runAt }) => [kind, Math.round((runAt.getTime() - begun) / 60_000)])
      assert.deepEqual(pauses, [
        ["fails", 1],
        ["slow", 2],
      ])
    })

    it("gives a job up at once whose stored payload does not fit", async () => {
      const jobs = place.open(all)
      await place.work(jobs, [handle(plain, records(place))])
      const stored = { queue: "work", kind: "plain", lane: 2, runAt: new Date(0), payload: { m: "x" } }
      const { id } = await jobs.store.jobs.create(stored)
      await done(jobs)
      const row = await jobs.store.dead.get(id)
      assert.deepEqual([row?.reason, row?.payload], ["permanent", { m: "x" }])
      assert.match(row?.lastError ?? "", /body\/n is required/)
    })

    it("leaves a kind that it does not know to others, and remembers why", async () => {
      const jobs = place.open(all)
      await place.work(jobs, [handle(plain, records(place))])
      const id = await jobs.send(fails, { n: 1 })
      await until(async () => (await jobs.store.errors.count({ jobId: id })) > 0, "it was tried")
      const row = await jobs.store.jobs.get(id)
      assert.equal(row?.state, "wait")
      assert.match(row?.lastError ?? "", /no handler for the kind of job fails/)
    })

    it("aborts a job at its time limit, which can change nothing more", async () => {
      const jobs = place.open(all)
      const late = Promise.withResolvers<void>()
      const refusals: unknown[] = []
      await place.work(jobs, [
        handle(short, async ({ n }, { signal, commit }) => {
          await new Promise((resolve) => signal.addEventListener("abort", resolve))
          assert.ok(signal.reason instanceof JobTimeoutError)
          const works = [
            () => commit(() => place.ledger.create({ n })),
            () => place.ledger.create({ n }),
            () => transaction(() => place.ledger.create({ n })),
            () => place.db.fetch`SELECT 1`,
            () => jobs.send(plain, { n }),
          ]
          for (const work of works) await work().catch((error) => refusals.push(error))
          late.resolve()
        }),
      ])
      const id = await jobs.send(short, { n: 1 })
      await Promise.all([done(jobs), late.promise])
      assert.equal(refusals.length, 5)
      for (const error of refusals) assert.ok(error instanceof JobTimeoutError, String(error))
      assert.deepEqual(await place.effects(), [])
      assert.match((await jobs.store.dead.get(id))?.lastError ?? "", /took longer than 20 ms/)
    })

    it("rolls a transactional job back at its time limit, though its handler never ends", async () => {
      const jobs = place.open(all)
      const ended: unknown[] = []
      await place.work(jobs, [
        handle(shortAtomic, async ({ n }) => {
          await place.ledger.create({ n })
          await pause(40)
          await place.ledger.create({ n: n + 1 }).catch((error) => ended.push(error))
          await never
        }),
        handle(atomic, records(place)),
      ])
      await jobs.send(shortAtomic, { n: 1 })
      await jobs.send(atomic, { n: 7 })
      await until(async () => (await jobs.store.dead.count()) === 1, "it is dead")
      await until(() => ended.length === 1, "its late call is refused")
      await done(jobs)
      assert.deepEqual(await place.effects(), [7])
    })

    it("ends a transaction that a timed-out handler leaves open", async () => {
      const jobs = place.open(all)
      await place.work(jobs, [
        handle(short, ({ n }) =>
          transaction(async () => {
            await place.ledger.create({ n })
            await never
          }),
        ),
      ])
      await jobs.send(short, { n: 1 })
      await done(jobs)
      await place.ledger.create({ n: 2 })
      assert.deepEqual(await place.effects(), [2])
    })

    it("commits effects and completion together, or neither", async () => {
      const jobs = place.open(all)
      await place.work(jobs, [
        handle(fails, async ({ n }, { attempt, commit }) => {
          const value = await commit(async () => {
            await place.ledger.create({ n: n + attempt })
            if (attempt < 3) throw new Error("not yet")
            return "done"
          })
          assert.equal(value, "done")
          assert.equal(await jobs.store.jobs.count(), 0)
        }),
      ])
      await jobs.send(fails, { n: 10 })
      await done(jobs)
      assert.deepEqual(await place.effects(), [13])
      await until(() => jobs.measures.of({ queue: "work", kind: "fails" }).completed === 1, "it is counted")
    })

    it("refuses to commit twice, inside of a transaction, and after the handler has returned", async () => {
      const jobs = place.open(all)
      const refusals: Promise<unknown>[] = []
      await place.work(jobs, [
        handle(plain, async ({ n }, { commit }) => {
          const effect = () => place.ledger.create({ n })
          await transaction(() => refuses(commit(effect), { code: "SESSION", message: /inside of a transaction/ }))
          const first = commit(effect)
          await refuses(commit(effect), { code: "SESSION", message: /twice/ })
          await first
          await refuses(commit(effect), { code: "SESSION", message: /twice/ })
        }),
        handle(other, (_, { commit }) => {
          const late = async () => {
            await until(async () => (await jobs.store.jobs.count()) === 0, "it is completed")
            await refuses(
              commit(() => undefined),
              { code: "JOB_INTERRUPTED" },
            )
          }
          refusals.push(late())
        }),
      ])
      await jobs.send(plain, { n: 1 })
      await jobs.send(other, { n: 1 })
      await done(jobs)
      await Promise.all(refusals)
      assert.equal(refusals.length, 1)
      assert.deepEqual(await place.effects(), [1])
      assert.deepEqual(await jobs.store.dead.list(), [])
    })

    it("lets a handler commit again where its effects failed", async () => {
      const jobs = place.open(all)
      await place.work(jobs, [
        handle(plain, async ({ n }, { commit }) => {
          await assert.rejects(commit(() => Promise.reject(new Error("no"))))
          await commit(() => place.ledger.create({ n }))
        }),
      ])
      await jobs.send(plain, { n: 1 })
      await done(jobs)
      assert.deepEqual(await place.effects(), [1])
    })

    it("counts a job as done whose handler fails after its commit", async () => {
      const jobs = place.open(all)
      await place.work(jobs, [
        handle(plain, async ({ n }, { commit }) => {
          await commit(() => place.ledger.create({ n }))
          throw new Error("too late")
        }),
      ])
      await jobs.send(plain, { n: 1 })
      await done(jobs)
      await until(() => place.lines.includes("ERROR The handler of plain failed after it had committed"), "it is told")
      assert.deepEqual(await place.effects(), [1])
      assert.equal(await jobs.store.errors.count(), 0)
    })

    it("changes nothing where the job is another's by then", async () => {
      const jobs = place.open(all)
      const begun = new Map<number, PromiseWithResolvers<void>>()
      for (const n of [1, 2, 3]) begun.set(n, Promise.withResolvers())
      const taken = Promise.withResolvers<void>()
      const errors: unknown[] = []
      const wait = async (n: number) => {
        begun.get(n)?.resolve()
        await taken.promise
      }
      await place.work(
        jobs,
        [
          handle(plain, async ({ n }, { commit }) => {
            await wait(n)
            if (n === 1) await commit(() => place.ledger.create({ n })).catch((error) => errors.push(error))
          }),
        ],
        { rescueMs: 600_000 },
      )
      const [first, second] = await jobs.sendMany(plain, [{ n: 1 }, { n: 2 }])
      await Promise.all([begun.get(1)?.promise, begun.get(2)?.promise])
      // As a rescue and another worker would have left them.
      for (const id of [first, second]) {
        await jobs.store.jobs.update(id as string, { attempt: 2, worker: "00000000-0000-7000-8000-000000000000" })
      }
      taken.resolve()
      const { measures } = jobs
      await until(() => measures.of({ queue: "work", kind: "plain" }).fencedOut === 2, "both are fenced out")
      assert.equal(errors.length, 1)
      assert.ok(errors[0] instanceof FencedOutError)
      assert.deepEqual(await place.effects(), [])
      assert.equal(await jobs.store.jobs.count(), 2)
    })

    it("keeps a job's place in the ledger exactly once, whatever fails on the way", async () => {
      const flaky = fc.record({
        kind: fc.constantFrom("atomic", "plain", "fails"),
        failures: fc.nat({ max: 2 }),
        commits: fc.boolean(),
      })
      await fc.assert(
        fc.asyncProperty(fc.array(flaky, { minLength: 1, maxLength: 25 }), async (cases) => {
          await place.ledger.deleteWhere({})
          const tries = new Map<number, number>()
          const failing = (n: number) => {
            const count = (tries.get(n) ?? 0) + 1
            tries.set(n, count)
            return count <= (cases[n]?.failures ?? 0)
          }
          const kinds = [
            { ...atomic, backoff: () => 0 },
            { ...plain, backoff: () => 0 },
            { ...fails, backoff: () => 0 },
          ] as const
          const own = place.open(kinds)
          const worker = await place.work(own, [
            handle(kinds[0], async ({ n }) => {
              await place.ledger.create({ n })
              if (failing(n)) throw new Error("no")
            }),
            ...[kinds[1], kinds[2]].map((kind) =>
              handle(kind, async ({ n }, { commit }) => {
                await commit(async () => {
                  await place.ledger.create({ n })
                  if (failing(n)) throw new Error("no")
                })
              }),
            ),
          ])
          for (const [n, { kind }] of cases.entries()) await own.sendJson(kind, { n })
          await done(own)
          await worker.stop()
          assert.deepEqual(
            (await place.effects()).sort((a, b) => a - b),
            cases.map((_, n) => n),
          )
        }),
        { numRuns: 6 },
      )
    })
  })
})
