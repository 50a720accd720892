import assert from "node:assert/strict"
import { it } from "node:test"
import { setTimeout as pause } from "node:timers/promises"
import { objectOf, wholeNumber, words } from "../../../src/fields/index.ts"
import { transaction } from "../../../src/index.ts"
import { defineJob, handle } from "../../../src/jobs/index.ts"
import { Pruning } from "../../../src/jobs/pruning.ts"
import { done, quick, until } from "../support.ts"
import { type BrokerPlace, count, forEachBroker, recording } from "./support.ts"

const payload = objectOf("Report", { reportDate: words(10), n: wholeNumber(0) })
const report = { reportDate: "2026-01-31", n: 3 }

const published = (place: BrokerPlace, keepDays = 7) => {
  const queue = place.queue()
  return defineJob(`report_of_${queue}`, { queue, payload, published: { keepDays } })
}

forEachBroker("jobs that are published for whoever listens", (place) => {
  it("are plain JSON with the job's id, and done when the broker has them", async () => {
    const kind = published(place)
    const jobs = place.open([kind])
    const served = await place.serve(jobs, [])
    const id = await transaction(() => jobs.send(kind, report))
    await done(jobs)
    const message = await place.broker.peek(kind.queue)
    assert.deepEqual(JSON.parse(message.content.toString()), { report_date: "2026-01-31", n: 3 })
    const { messageId, contentType, deliveryMode, headers } = message.properties
    assert.deepEqual([messageId, contentType, deliveryMode], [id, "application/json", 2])
    assert.deepEqual(
      Object.keys(headers ?? {}).filter((name) => name.startsWith("rootstock")),
      [],
    )
    assert.equal(count(served, "published", kind.queue), 1)
  })

  it("are not published where their transaction is rolled back", async () => {
    const kind = published(place)
    const jobs = place.open([kind])
    await place.serve(jobs, [])
    const rolledBack = transaction(async () => {
      await jobs.send(kind, { ...report, n: 1 })
      throw new Error("rolled back")
    })
    await assert.rejects(rolledBack)
    await jobs.send(kind, { ...report, n: 2 })
    await done(jobs)
    assert.equal(JSON.parse((await place.broker.peek(kind.queue)).content.toString()).n, 2)
    assert.equal(await place.broker.waiting(kind.queue), 1)
  })

  it("have a handler, if they want one, that runs when the broker has them; it fails, and they are published again", async () => {
    const queue = place.queue()
    const kind = defineJob(`told_of_${queue}`, {
      queue,
      payload,
      published: true,
      transactional: true,
      backoff: () => 1,
    })
    const jobs = place.open([kind])
    let waiting = 0
    await place.serve(jobs, [
      handle(kind, async ({ n }, { attempt }) => {
        waiting = await place.broker.waiting(queue)
        await place.ledger.create({ n })
        if (attempt === 1) throw new Error("a passing failure")
      }),
    ])
    const id = await jobs.send(kind, report)
    await done(jobs)
    assert.equal(waiting, 2)
    assert.deepEqual(await place.effects(), [3])
    const first = await place.broker.channel.get(queue, { noAck: true })
    const second = await place.broker.channel.get(queue, { noAck: true })
    assert.deepEqual(
      [first, second].map((one) => one !== false && one.properties.messageId),
      [id, id],
    )
  })

  it("are not lost where nobody listens yet, nor where somebody deletes the queue", async () => {
    const kind = published(place)
    const jobs = place.open([kind])
    await place.serve(jobs, [])
    await place.broker.channel.deleteQueue(kind.queue)
    await jobs.sendMany(
      kind,
      Array.from({ length: 50 }, (_, n) => ({ ...report, n })),
    )
    await done(jobs)
    await until(async () => (await place.broker.waiting(kind.queue)) === 50, "all are there")
  })

  it("stay in the database where there is no broker, for as long as is said", async () => {
    const [kind, other] = [published(place, 3), recording(place.queue())]
    const jobs = place.open([kind, other])
    const worker = jobs.worker({ handlers: [handle(other, () => undefined)], ...quick })
    await worker.start()
    assert.deepEqual(worker.queues, [other.queue])
    const ids = await jobs.sendMany(kind, [report, { ...report, n: 4 }])
    await jobs.send(other, { n: 1 })
    await until(async () => (await jobs.store.jobs.count()) === 2, "the other is done")
    await pause(100)
    const day = 86_400_000
    const longAgo = new Date(jobs.clock.now().getTime() - 3 * day - 1)
    await jobs.store.jobs.update(String(ids[0]), { createdAt: longAgo })
    assert.equal(await new Pruning(jobs, {}, false).run(), 0)
    assert.equal(await new Pruning(jobs, {}, true).run(), 1)
    assert.deepEqual(
      (await jobs.store.jobs.list()).map(({ id, state, attempt }) => [id, state, attempt]),
      [[ids[1], "wait", 0]],
    )
    await worker.stop()
    // With a broker, they go.
    await place.serve(jobs, [handle(other, () => undefined)])
    await done(jobs)
    assert.equal(await place.broker.waiting(kind.queue), 1)
  })
})
