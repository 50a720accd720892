import assert from "node:assert/strict"
import { it } from "node:test"
import { handle } from "../../../src/jobs/index.ts"
import { deliveryLimit } from "../../../src/jobs/rabbitmq/topology.ts"
import { done, until } from "../support.ts"
import { busy, busyBackoffMs } from "./busy.ts"
import { type BrokerPlace, count, forEachBroker, recording } from "./support.ts"

forEachBroker("messages that RabbitMQ gives up", (place) => {
  it("are dead jobs with the reason where they are of others, each once", async () => {
    const kind = recording(place.queue(), { foreign: true })
    const jobs = place.open([kind])
    const handlers = [handle(kind, ({ n }) => place.ledger.create({ n }))]
    await (await place.serve(jobs, handlers)).stop()
    await place.broker.publish(kind.queue, { n: 1 }, { messageId: "too often" })
    await deliverTooOften(place, kind.queue)
    await place.broker.publish(kind.queue, { n: 2 }, { messageId: "too late", expiration: 1 })
    await place.broker.publish(kind.queue, Buffer.from("no JSON"), { expiration: 1 })
    const served = await place.serve(jobs, handlers)
    await until(async () => (await jobs.store.dead.count()) === 3, "they are dead")
    const dead = await jobs.store.dead.list({ orderBy: { id: "asc" } })
    const errors = dead.map(({ lastError }) => lastError ?? "")
    assert.match(errors.find((one) => one.includes("delivery_limit")) ?? "", /without an acknowledgement/)
    assert.equal(errors.filter((one) => one.includes("expired")).length, 2)
    assert.deepEqual(
      dead.map(({ kind: name, reason }) => [name, reason]),
      dead.map(() => [kind.kind, "permanent"]),
    )
    assert.ok(dead.some(({ payload }) => JSON.stringify(payload) === '{"n":1}'))
    assert.equal(count(served, "dead_letters", kind.queue), 3)
    assert.equal((await jobs.store.errors.list()).length, 3)
    // Handled as it is, it does nothing more.
    await place.broker.publish(kind.queue, { n: 1 }, { messageId: "too often" })
    await place.broker.publish(kind.queue, { n: 3 })
    await until(async () => (await place.effects()).length > 0, "the queue flows on")
    assert.deepEqual(await place.effects(), [3])
  })

  it("lead to another attempt where they are ours", async () => {
    const { jobs, kind, served, release } = await busy(place)
    const id = await jobs.send(kind, { n: 7 })
    await deliverTooOften(place, kind.queue)
    await until(() => count(served, "dead_letters", kind.queue) === 1, "it comes back")
    const row = await jobs.store.jobs.get(id)
    assert.deepEqual([row?.state, row?.attempt], ["wait", 1])
    assert.match(row?.lastError ?? "", /delivery_limit/)
    const errors = await jobs.store.errors.list({ where: { jobId: id } })
    assert.deepEqual(
      errors.map(({ at }) => at.getTime() + busyBackoffMs),
      [row?.runAt.getTime()],
    )
    release()
    await done(jobs)
    assert.deepEqual(await place.effects(), [0, 7])
  })
})

/** Receives the message of a queue and gives it back, until the broker gives it up. */
async function deliverTooOften({ broker }: BrokerPlace, queue: string): Promise<void> {
  let deliveries = 0
  while (deliveries <= deliveryLimit) {
    const { properties } = await broker.peek(queue)
    deliveries = Number(properties.headers?.["x-delivery-count"] ?? 0) + 1
  }
}
