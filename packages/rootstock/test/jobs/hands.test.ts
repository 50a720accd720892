import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { setTimeout as pause } from "node:timers/promises"
import { UnavailableError } from "../../src/errors/index.ts"
import { objectOf, uuidText, wholeNumber } from "../../src/fields/index.ts"
import { transaction } from "../../src/index.ts"
import { Claim } from "../../src/jobs/claim.ts"
import { pauseQueue, resumeQueue } from "../../src/jobs/control/queues.ts"
import { DueJobs } from "../../src/jobs/due-jobs.ts"
import type { Offer } from "../../src/jobs/hands.ts"
import { defineJob, handle, type Jobs } from "../../src/jobs/index.ts"
import { newJob } from "../../src/jobs/send.ts"
import type { Identity } from "../../src/jobs/source.ts"
import { uuidv7 } from "../../src/schema/index.ts"
import { carryOutLate, done, forEachJobs, type JobsPlace, numbered, until } from "./support.ts"

const plain = defineJob("plain", { queue: "work", payload: numbered })
const atomic = defineJob("atomic", { queue: "work", payload: numbered, transactional: true })
const unserved = defineJob("unserved", { queue: "work", payload: numbered })
const named = defineJob("named", {
  queue: "work",
  payload: objectOf("Named", { n: wholeNumber(0), name: uuidText }),
})
const all = [plain, atomic, unserved, named]

/** The calls of the statements that a piece of work runs, until all jobs are done. */
async function callsOf(place: JobsPlace, jobs: Jobs, work: () => Promise<unknown>): Promise<string[]> {
  const calls: string[] = []
  const off = place.db.on("query", ({ call }) => calls.push(call))
  await work()
  await done(jobs)
  off()
  return calls.filter((call) => /^jobs\.(send|claim|complete)$/.test(call))
}

/** Waits until the worker has looked, and found nothing. */
async function caughtUp(place: JobsPlace, jobs: Jobs): Promise<void> {
  await until(async () => {
    const calls = await callsOf(place, jobs, () => jobs.send(plain, { n: 0 }))
    return calls.includes("jobs.send") && !calls.includes("jobs.claim")
  }, "the worker has caught up")
}

describe("jobs that are sent where a worker of the process has nothing else to do", () => {
  forEachJobs((place) => {
    const slow = { pollMs: 600_000, concurrency: 20 }

    it("are the worker's from the start, and need not be claimed", async () => {
      const jobs = place.open(all)
      const record = async ({ n }: { n: number }) => {
        await place.ledger.create({ n })
      }
      await place.work(jobs, [handle(atomic, record), handle(plain, () => undefined)], slow)
      await caughtUp(place, jobs)
      assert.ok(!(await callsOf(place, jobs, () => jobs.send(atomic, { n: 1 }))).includes("jobs.claim"))
      const some = [2, 3, 4].map((n) => ({ n }))
      assert.ok(!(await callsOf(place, jobs, () => jobs.sendMany(atomic, some))).includes("jobs.claim"))
      assert.deepEqual((await place.effects()).sort(), [1, 2, 3, 4])
    })

    it("are stored as if they had been claimed", async () => {
      const jobs = place.open(all)
      const { promise, resolve } = Promise.withResolvers<void>()
      const worker = await place.work(jobs, [handle(plain, ({ n }) => (n === 0 ? undefined : promise))], slow)
      await caughtUp(place, jobs)
      const [one] = await jobs.sendMany(plain, [{ n: 1 }, { n: 2 }])
      const { state, worker: holder, attempt, dedupe, payload } = (await jobs.store.jobs.get(one as string)) ?? {}
      assert.deepEqual(
        { state, holder, attempt, dedupe, payload },
        { state: "held", holder: worker.id, attempt: 1, dedupe: null, payload: { n: 1 } },
      )
      resolve()
      await done(jobs)
    })

    it("wait where the transaction may still be undone, where they are for later, and where twins may be", async () => {
      const jobs = place.open(all)
      await place.work(jobs, [handle(plain, () => undefined)], slow)
      await caughtUp(place, jobs)
      const send = async (...parameters: Parameters<typeof jobs.send<{ n: number }>>) =>
        (await jobs.store.jobs.get(await jobs.send(...parameters)))?.state
      await transaction(async () => {
        assert.equal(await send(plain, { n: 1 }), "wait")
      })
      assert.equal(await send(plain, { n: 2 }, { delayMs: 60_000 }), "wait")
      await jobs.store.jobs.deleteWhere({ state: "wait" })
      const calls = await callsOf(place, jobs, () =>
        jobs.send(plain, { n: 3 }, { dedupe: { key: "k", onTwin: "ignore" } }),
      )
      assert.ok(calls.includes("jobs.claim"))
    })

    it("wait where more are sent than there is room for, and where the worker has no handler", async () => {
      const jobs = place.open(all)
      const { promise, resolve } = Promise.withResolvers<void>()
      const begun: number[] = []
      const handler = ({ n }: { n: number }) => {
        if (n > 0) begun.push(n)
        return n === 1 ? promise : undefined
      }
      await place.work(jobs, [handle(plain, handler)], { pollMs: 600_000, concurrency: 1, prefetch: 0 })
      await caughtUp(place, jobs)
      await jobs.send(plain, { n: 1 })
      const second = await jobs.send(plain, { n: 2 })
      assert.equal((await jobs.store.jobs.get(second))?.state, "wait")
      // Who is sent later is begun later.
      await jobs.sendMany(plain, [{ n: 3 }, { n: 4 }])
      resolve()
      await done(jobs)
      assert.deepEqual(begun, [1, 2, 3, 4])
      const strange = await jobs.send(unserved, { n: 5 })
      await until(async () => (await jobs.store.errors.count({ jobId: strange })) > 0, "it is refused as ever")
    })

    it("leave others their turn, however many are sent", async () => {
      const jobs = place.open(all)
      const begun: number[] = []
      const handler = ({ n }: { n: number }) => begun.push(n)
      await place.work(jobs, [handle(plain, handler)], { concurrency: 4, prefetch: 0 })
      await caughtUp(place, jobs)
      let sending = true
      const sender = async () => {
        while (sending) await jobs.sendMany(plain, [{ n: 0 }, { n: 0 }])
      }
      const senders = Promise.all([sender(), sender(), sender()])
      // As another process sends it, which tells nobody.
      const present = new Date()
      await jobs.store.jobs.createMany(
        Array.from({ length: 20 }, (_, n) => {
          return { queue: "work", kind: "plain", lane: 2, runAt: present, payload: { n: n + 1 } }
        }),
      )
      await until(() => begun.some((n) => n === 20), "all are begun")
      sending = false
      await senders
      await done(jobs)
      assert.deepEqual(
        begun.filter((n) => n > 0).sort((one, other) => one - other),
        Array.from({ length: 20 }, (_, n) => n + 1),
      )
    })

    it("take no more than half of a little room while something may wait", async () => {
      const jobs = place.open(all)
      // A worker without a row, which claims nothing.
      const identity = { id: uuidv7() } as Identity
      const taker = { room: () => 4, capacity: () => 4, accept: () => undefined, has: () => false }
      const claim = new Claim(jobs.backend.dialect)
      const giveBackUnknown = () => Promise.resolve()
      const due = new DueJobs({ jobs, queue: "work", claim, pollMs: 600_000, giveBackUnknown })
      const offer = () => jobs.hands.offer([1, 2].map((n) => newJob(plain, { n }, {}, jobs.clock.now())))
      await due.start(identity, taker)
      let first: Offer | undefined
      await until(() => {
        first = offer()
        return first !== undefined
      }, "it has looked, and found nothing")
      const second = offer()
      assert.ok(second !== undefined)
      // All room is kept, so that it cannot look at what comes.
      jobs.wake("work", jobs.clock.now().getTime())
      first?.decline()
      assert.equal(offer(), undefined)
      second.decline()
      await due.stop()
    })

    it("leave others their share, though all of a large room is kept for what is sent here", async () => {
      const jobs = place.open(all)
      const { id } = await jobs.store.workers.create({ id: uuidv7(), host: "here", pid: 1, seen: new Date() })
      const taken: string[] = []
      const accept = (some: readonly { id: string }[]) => void taken.push(...some.map((one) => one.id))
      const taker = { room: () => 200, capacity: () => 200, accept, has: () => false }
      const claim = new Claim(jobs.backend.dialect)
      const giveBackUnknown = () => Promise.resolve()
      const due = new DueJobs({ jobs, queue: "work", claim, pollMs: 600_000, giveBackUnknown })
      const mine = Array.from({ length: 200 }, (_, n) => newJob(plain, { n }, {}, jobs.clock.now()))
      await due.start({ id } as Identity, taker)
      let offer: Offer | undefined
      await until(() => {
        offer = jobs.hands.offer(mine)
        return offer !== undefined
      }, "it has looked, and found nothing")
      const others = await jobs.sendMany(
        plain,
        [1, 2, 3].map((n) => ({ n })),
      )
      await until(() => taken.length > 0, "what waits is taken")
      assert.deepEqual(taken.sort(), [...others].sort())
      offer?.decline()
      await due.stop()
    })

    it("are not begun while their queue is paused", async () => {
      const jobs = place.open(all)
      const begun: number[] = []
      await place.work(jobs, [handle(plain, ({ n }) => begun.push(n))], { concurrency: 20 })
      await caughtUp(place, jobs)
      begun.length = 0
      await pauseQueue(jobs, "work")
      const id = await jobs.send(plain, { n: 1 })
      assert.equal((await jobs.store.jobs.get(id))?.state, "wait")
      await pause(100)
      assert.deepEqual(begun, [])
      await resumeQueue(jobs, "work")
      await done(jobs)
      assert.deepEqual(begun, [1])
    })

    it("carry what was stored, whatever becomes of the sender's object", async () => {
      const jobs = place.open(all)
      const names: string[] = []
      const instants = new Set<Date>()
      const handler = ({ name }: { name: string }, { job }: { job: { createdAt: Date } }) => {
        names.push(name)
        instants.add(job.createdAt)
      }
      await place.work(jobs, [handle(named, handler), handle(plain, () => undefined)], slow)
      await caughtUp(place, jobs)
      const first = uuidv7()
      const payload = { n: 1, name: first }
      await jobs.sendMany(named, [payload, payload])
      payload.name = uuidv7()
      await done(jobs)
      assert.deepEqual(names, [first, first])
      assert.equal(instants.size, 2)
    })

    it("are done once where nobody knows whether they were stored", async () => {
      const jobs = place.open(all)
      const record = async ({ n }: { n: number }) => {
        if (n > 0) await place.ledger.create({ n })
      }
      await place.work(jobs, [handle(atomic, record), handle(plain, () => undefined)], { concurrency: 20 })
      await caughtUp(place, jobs)
      const { backend } = jobs
      const run = backend.run.bind(backend)
      let lost = 0
      backend.run = (async (query: { label: string }, ...others: never[]) => {
        const result = await run(query as never, ...(others as unknown as [never, never]))
        if (query.label !== "jobs.send" || lost > 0) return result
        lost++
        throw new UnavailableError("The answer was lost.", { cure: "Nothing." })
      }) as never
      await assert.rejects(jobs.send(atomic, { n: 1 }), { code: "UNAVAILABLE" })
      backend.run = run
      await done(jobs)
      assert.deepEqual([lost, await place.effects()], [1, [1]])
    })

    it("are done once where they are stored after somebody has looked whether they are", async () => {
      const jobs = place.open(all)
      const record = async ({ n }: { n: number }) => {
        if (n > 0) await place.ledger.create({ n })
      }
      await place.work(jobs, [handle(atomic, record), handle(plain, () => undefined)], slow)
      await caughtUp(place, jobs)
      const carriedOut = carryOutLate(jobs, "jobs.send")
      await assert.rejects(jobs.send(atomic, { n: 1 }), { code: "UNAVAILABLE" })
      await until(carriedOut, "it is stored")
      await done(jobs)
      assert.deepEqual(await place.effects(), [1])
    })

    it("are given back where the worker stops before it begins them", async () => {
      const jobs = place.open(all)
      const { promise, resolve } = Promise.withResolvers<void>()
      const options = { pollMs: 600_000, concurrency: 1, prefetch: 10 }
      const begun = Promise.withResolvers<void>()
      const handler = ({ n }: { n: number }) => {
        if (n === 1) begun.resolve()
        return n === 1 ? promise : undefined
      }
      const worker = await place.work(jobs, [handle(plain, handler)], options)
      await caughtUp(place, jobs)
      const ids = await jobs.sendMany(
        plain,
        [1, 2, 3].map((n) => ({ n })),
      )
      await begun.promise
      const stopped = worker.stop()
      resolve()
      await stopped
      const left = await jobs.store.jobs.list({ orderBy: { id: "asc" } })
      assert.deepEqual(
        left.map(({ id, state, attempt, worker: holder }) => [id, state, attempt, holder]),
        ids.slice(1).map((id) => [id, "wait", 0, null]),
      )
    })
  })
})
