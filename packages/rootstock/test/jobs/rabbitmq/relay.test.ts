import assert from "node:assert/strict"
import { it } from "node:test"
import { setTimeout as pause } from "node:timers/promises"
import { outsideTransaction, transaction } from "../../../src/index.ts"
import { pauseQueue, resumeQueue } from "../../../src/jobs/control/queues.ts"
import { defineJob, handle, PermanentError } from "../../../src/jobs/index.ts"
import { carryOutLate, done, numbered, until } from "../support.ts"
import { busy } from "./busy.ts"
import { count, forEachBroker, recording } from "./support.ts"

forEachBroker("jobs by way of RabbitMQ", (place) => {
  it("are done once each, in the transaction of their effects", async () => {
    const kind = recording(place.queue())
    const jobs = place.open([kind])
    const served = await place.serve(jobs, [handle(kind, ({ n }) => place.ledger.create({ n }))])
    await jobs.sendMany(
      kind,
      Array.from({ length: 300 }, (_, n) => ({ n })),
    )
    await done(jobs)
    assert.deepEqual(
      await place.effects(),
      Array.from({ length: 300 }, (_, n) => n),
    )
    assert.equal(count(served, "published", kind.queue), 300)
    assert.equal(served.broker.state, "connected")
  })

  it("are told by messages that name the job, its attempt, its kind and its payload, and outlive the broker", async () => {
    const { jobs, kind, release } = await busy(place)
    const id = await jobs.send(kind, { n: 7 })
    const { properties, content } = await place.broker.peek(kind.queue)
    assert.deepEqual([properties.messageId, properties.type], [`job:${id}:1`, kind.kind])
    assert.deepEqual([properties.contentType, properties.deliveryMode], ["application/json", 2])
    assert.deepEqual(JSON.parse(content.toString()), { n: 7 })
    await until(async () => {
      const row = await jobs.store.jobs.get(id)
      return row?.state === "at_broker" && row.worker === null
    }, "nobody but the broker answers for it")
    release()
    await done(jobs)
  })

  it("commit with their data, or are never published", async () => {
    const kind = recording(place.queue())
    const jobs = place.open([kind])
    const served = await place.serve(jobs, [handle(kind, ({ n }) => place.ledger.create({ n }))])
    await assert.rejects(
      transaction(async () => {
        await jobs.send(kind, { n: 1 })
        throw new Error("rolled back")
      }),
    )
    await transaction(() => jobs.send(kind, { n: 2 }))
    await done(jobs)
    assert.deepEqual(await place.effects(), [2])
    assert.equal(count(served, "published", kind.queue), 1)
  })

  it("wait in the database until they are due, and between their attempts", async () => {
    const kind = recording(place.queue(), { backoff: () => 150 })
    const jobs = place.open([kind])
    const attempts: number[] = []
    const served = await place.serve(jobs, [
      handle(kind, async ({ n }, { attempt }) => {
        attempts.push(attempt)
        await place.ledger.create({ n })
        if (attempt < 3) throw new Error("a passing failure")
      }),
    ])
    const id = await jobs.send(kind, { n: 4 }, { delayMs: 200 })
    assert.equal((await jobs.store.jobs.get(id))?.state, "wait")
    assert.equal(count(served, "published", kind.queue), 0)
    await done(jobs)
    assert.deepEqual(attempts, [1, 2, 3])
    assert.deepEqual(await place.effects(), [4])
    assert.equal(await place.broker.waiting(kind.queue), 0)
    assert.equal((await jobs.store.errors.list({ where: { jobId: id } })).length, 2)
  })

  it("are dead when their attempts are used up, or their error says that they never can be done", async () => {
    const kind = recording(place.queue(), { attempts: 2, backoff: () => 1 })
    const jobs = place.open([kind])
    await place.serve(jobs, [
      handle(kind, ({ n }) => {
        throw n === 0 ? new PermanentError("it never can") : new Error("it cannot")
      }),
    ])
    await jobs.send(kind, { n: 0 })
    await jobs.send(kind, { n: 1 })
    await done(jobs)
    const dead = await jobs.store.dead.list({ orderBy: { id: "asc" } })
    assert.deepEqual(
      dead.map(({ reason, attempt }) => [reason, attempt]),
      [
        ["permanent", 1],
        ["attempts", 2],
      ],
    )
  })

  it("are done once where their messages come again", async () => {
    const { jobs, kind, served, release } = await busy(place)
    await jobs.send(kind, { n: 7 })
    const { properties, content } = await place.broker.peek(kind.queue)
    for (let again = 0; again < 3; again++) {
      await place.broker.publish(kind.queue, content, { messageId: properties.messageId })
    }
    release()
    await until(() => count(served, "stale", kind.queue) === 3, "the others are dropped")
    await done(jobs)
    assert.deepEqual(await place.effects(), [0, 7])
  })

  it("are begun at a message of an earlier attempt, too, and are those of the present one", async () => {
    const { jobs, kind, served, release } = await busy(place)
    const id = await jobs.send(kind, { n: 7 })
    await place.broker.peek(kind.queue)
    // As if it had been tried twice since, and its own message were still to come.
    await jobs.store.jobs.update(id, { attempt: 3 })
    release()
    await done(jobs)
    assert.deepEqual(await place.effects(), [0, 7])
    assert.equal(count(served, "stale", kind.queue), 0)
  })

  it("are begun by who published them without taking them from the database, and noted as held if they take a while", async () => {
    const { jobs, kind, served, release } = await busy(place)
    const statements: string[] = []
    const off = place.db.on("query", ({ call }) => statements.push(call))
    const [running] = await jobs.store.jobs.list()
    await until(async () => (await jobs.store.jobs.get(running?.id as string))?.state === "held", "it is held")
    // The broker has delivered it to nobody else, and what is in hand is not begun again.
    await place.broker.publish(kind.queue, { n: 0 }, { messageId: `job:${running?.id}:1` })
    release()
    await until(() => count(served, "stale", kind.queue) === 1, "the second message is dropped")
    await jobs.send(kind, { n: 7 })
    await done(jobs)
    off()
    assert.deepEqual(await place.effects(), [0, 7])
    const taken = statements.filter((call) => call === "jobs.take")
    // For the second message, of which nobody knew.
    assert.equal(taken.length, 1, statements.join())
  })

  it("make room for others when their handlers have returned, before that is written down", async () => {
    const kind = defineJob("plain", { queue: place.queue(), payload: numbered })
    const jobs = place.open([kind])
    // There, nobody else could write.
    if (jobs.engine.singleWriter) return
    const begun: number[] = []
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    const handler = async ({ n }: { n: number }) => {
      begun.push(n)
      if (n === 1) await released
    }
    await place.serve(jobs, [handle(kind, handler)], { worker: { concurrency: 1 } })
    const id = await jobs.send(kind, { n: 1 })
    await until(() => begun.length === 1, "the first is begun")
    await transaction(async () => {
      await place.db.fetch`SELECT id FROM job WHERE id = ${id} FOR UPDATE`
      release()
      await outsideTransaction(async () => {
        await jobs.send(kind, { n: 2 })
        await until(() => begun.length === 2, "the second is begun")
        assert.equal(await jobs.store.jobs.count({ id }), 1)
      })
    })
    await done(jobs)
    assert.deepEqual(begun, [1, 2])
  })

  it("are not begun by who published them where their queue is paused meanwhile", async () => {
    const { jobs, kind, served, release } = await busy(place)
    await jobs.send(kind, { n: 7 })
    await until(() => count(served, "published", kind.queue) === 2, "it is at the broker")
    await pauseQueue(jobs, kind.queue)
    release()
    await until(async () => (await place.effects()).length === 1, "what was begun is done")
    await pause(300)
    assert.deepEqual(await place.effects(), [0])
    await resumeQueue(jobs, kind.queue)
    await done(jobs)
    assert.deepEqual(await place.effects(), [0, 7])
  })

  it("wait again, not tried, where they are interrupted before it is noted who does them", async () => {
    const kind = recording(place.queue())
    const jobs = place.open([kind])
    const begun = Promise.withResolvers<void>()
    const forever = () => {
      begun.resolve()
      return new Promise<void>(() => undefined)
    }
    const served = await place.serve(jobs, [handle(kind, forever)], { worker: { patienceMs: 1 } })
    const id = await jobs.send(kind, { n: 7 })
    await begun.promise
    assert.equal((await jobs.store.jobs.get(id))?.state, "at_broker")
    await served.stop()
    const { state, attempt, worker } = (await jobs.store.jobs.get(id)) ?? {}
    assert.deepEqual({ state, attempt, worker }, { state: "wait", attempt: 0, worker: null })
  })

  it("are tried again where their worker dies before it is noted who does them, and count as tried", async () => {
    const kind = defineJob("poison", { queue: place.queue(), payload: numbered, attempts: 2, backoff: () => 1 })
    const jobs = place.open([kind])
    const [once, twice] = await jobs.sendMany(kind, [{ n: 1 }, { n: 2 }], { delayMs: 3_600_000 })
    // As a process leaves them that was killed: it may be the jobs that ended it.
    const worker = "00000000-0000-7000-8000-000000000000"
    await jobs.store.jobs.update(once as string, { state: "at_broker", attempt: 1, worker })
    await jobs.store.jobs.update(twice as string, { state: "at_broker", attempt: 2, worker })
    const attempts: number[] = []
    await place.serve(jobs, [handle(kind, (_, { attempt }) => attempts.push(attempt))])
    await done(jobs)
    assert.deepEqual(attempts, [2])
    const dead = await jobs.store.dead.list()
    assert.deepEqual(
      dead.map(({ id, reason, attempt }) => [id, reason, attempt]),
      [[twice, "attempts", 2]],
    )
  })

  it("go again to a queue that was deleted, which is made anew", async () => {
    const kind = recording(place.queue())
    const jobs = place.open([kind])
    const served = await place.serve(jobs, [handle(kind, ({ n }) => place.ledger.create({ n }))])
    await place.broker.channel.deleteQueue(kind.queue)
    await jobs.sendMany(
      kind,
      Array.from({ length: 20 }, (_, n) => ({ n })),
    )
    await done(jobs)
    assert.equal((await place.effects()).length, 20)
    assert.ok(count(served, "returned", kind.queue) > 0)
    await until(() => served.broker.state === "connected", "all queues can be used again")
  })

  it("are found and published again where the broker has lost their messages", async () => {
    const { jobs, kind, served, release } = await busy(place, { lostMs: 100 })
    await jobs.sendMany(kind, [{ n: 7 }, { n: 8 }])
    await place.broker.peek(kind.queue)
    await place.broker.channel.purgeQueue(kind.queue)
    await until(() => count(served, "lost", kind.queue) === 2, "both are found missing")
    release()
    await done(jobs)
    assert.deepEqual(await place.effects(), [0, 7, 8])
  })

  it("are not taken from a paused queue, neither in the database nor at the broker", async () => {
    const { jobs, kind, release } = await busy(place)
    await jobs.send(kind, { n: 7 })
    await place.broker.peek(kind.queue)
    await pauseQueue(jobs, kind.queue)
    await jobs.send(kind, { n: 8 })
    release()
    await until(async () => (await place.effects()).length === 1, "what was begun is done")
    // The message of the first is delivered, and the second was looked for, several times.
    await pause(300)
    assert.deepEqual(await place.effects(), [0])
    await resumeQueue(jobs, kind.queue)
    await done(jobs)
    assert.deepEqual(await place.effects(), [0, 7, 8])
  })

  it("are given back where a worker stops before they are begun", async () => {
    const { jobs, kind, served, release } = await busy(place)
    const ids = await jobs.sendMany(kind, [{ n: 7 }, { n: 8 }])
    await place.broker.peek(kind.queue)
    release()
    await served.stop()
    const again = place.open([kind])
    await place.serve(again, [handle(kind, ({ n }) => place.ledger.create({ n }))])
    await done(again)
    assert.equal(ids.length, 2)
    assert.deepEqual(await place.effects(), [0, 7, 8])
    assert.equal(await again.store.dead.count(), 0)
  })

  it("are done once where they were taken after somebody has looked whether they are", async () => {
    const { jobs, kind, release } = await busy(place)
    const id = await jobs.send(kind, { n: 7 })
    await until(async () => {
      const row = await jobs.store.jobs.get(id)
      return row?.state === "at_broker" && row.worker === null
    }, "nobody but the broker answers for it")
    const carriedOut = carryOutLate(jobs, "jobs.take")
    release()
    await until(carriedOut, "it is taken")
    await done(jobs)
    assert.deepEqual(await place.effects(), [0, 7])
  })

  it("wait again where their worker stops without knowing that it took them", async () => {
    const { jobs, kind, served, release } = await busy(place)
    const id = await jobs.send(kind, { n: 7 }, { delayMs: 3_600_000 })
    const [worker] = await jobs.store.workers.list()
    // As a claim leaves it whose answer was lost.
    await jobs.store.jobs.update(id, { state: "at_broker", attempt: 1, worker: worker?.id ?? null })
    release()
    await until(async () => (await place.effects()).length === 1, "what was begun is done")
    await served.stop()
    const again = place.open([kind])
    await place.serve(again, [handle(kind, ({ n }) => place.ledger.create({ n }))])
    await until(async () => (await again.store.jobs.get(id))?.state === "wait", "it waits again")
    assert.equal((await again.store.jobs.get(id))?.attempt, 0)
  })
})
