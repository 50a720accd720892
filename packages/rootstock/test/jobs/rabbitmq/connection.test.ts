import assert from "node:assert/strict"
import { it } from "node:test"
import { setTimeout as pause } from "node:timers/promises"
import { ConfigError } from "../../../src/index.ts"
import { handle } from "../../../src/jobs/index.ts"
import { openBroker, QueueMismatchError } from "../../../src/jobs/rabbitmq/index.ts"
import { startTcpProxy } from "../../support/index.ts"
import { done, until } from "../support.ts"
import { type BrokerPlace, forEachBroker, oneEngine, recording, type Served } from "./support.ts"

forEachBroker(
  "a RabbitMQ that comes and goes",
  (place) => {
    it("may be away at the start: jobs wait in the database, and flow when it is there", async () => {
      await using proxy = await startTcpProxy(place.broker.url)
      proxy.away()
      const { jobs, kind, served } = await recordingBy(place, proxy.url, false)
      await jobs.sendMany(kind, numbers(20))
      await pause(300)
      assert.equal(served.broker.state, "away")
      assert.equal(await jobs.store.jobs.count({ state: "wait", attempt: 0 }), 20)
      proxy.restore()
      await done(jobs)
      assert.deepEqual(
        await place.effects(),
        numbers(20).map(({ n }) => n),
      )
      await until(() => served.broker.state === "connected", "it is connected")
      assert.equal(logged(place, "WARNING").length, 1)
      assert.match(logged(place, "WARNING")[0] ?? "", /is away; jobs wait in the database/)
      assert.match(logged(place, "INFO").join("\n"), /is back/)
    })

    it("may break connections at any time: nothing is lost, and nothing is done twice", async () => {
      await using proxy = await startTcpProxy(place.broker.url)
      const { jobs, kind } = await recordingBy(place, proxy.url)
      for (let cut = 0; cut < 6; cut++) {
        await jobs.sendMany(kind, numbers(100, cut * 100))
        await pause(20 + 60 * cut)
        proxy.cut()
      }
      await done(jobs)
      assert.deepEqual(
        await place.effects(),
        numbers(600).map(({ n }) => n),
      )
      assert.equal(await jobs.store.dead.count(), 0)
    })

    it("may hang: that is found out, and nothing is lost", async () => {
      await using proxy = await startTcpProxy(place.broker.url)
      const { jobs, kind, served } = await recordingBy(place, `${proxy.url}?heartbeat=1`)
      await jobs.sendMany(kind, numbers(10))
      proxy.hang()
      await jobs.sendMany(kind, numbers(10, 10))
      await until(() => served.broker.state === "away", "it is found out")
      proxy.cut()
      proxy.restore()
      await done(jobs)
      assert.deepEqual(
        await place.effects(),
        numbers(20).map(({ n }) => n),
      )
    })

    it("may take no messages for a while, as when it is short of memory", async () => {
      await using proxy = await startTcpProxy(place.broker.url)
      const { jobs, kind, served } = await recordingBy(place, proxy.url)
      proxy.inject(blocked("low on memory"))
      await until(() => served.broker.state === "away", "it is known")
      await jobs.sendMany(kind, numbers(10))
      await pause(200)
      assert.equal(await jobs.store.jobs.count({ state: "wait", attempt: 0 }), 10)
      assert.match(logged(place, "WARNING").join("\n"), /takes no messages.*low on memory/)
      proxy.inject(unblocked)
      await done(jobs)
      assert.equal(served.broker.state, "connected")
    })

    it("may have a queue with other properties: that is said with its cure, and the other queues flow", async () => {
      const kind = recording(place.queue())
      const other = recording(place.queue())
      await place.broker.channel.assertQueue(kind.queue, { durable: true })
      const jobs = place.open([kind, other])
      const record = ({ n }: { n: number }) => place.ledger.create({ n })
      const served = await place.serve(jobs, [handle(kind, record), handle(other, record)], { waits: false })
      await jobs.send(kind, { n: 1 })
      await jobs.send(other, { n: 2 })
      await until(async () => (await place.effects()).length === 1, "the other queue flows")
      await until(() => served.broker.problems.length > 0, "the problem is known")
      const [problem] = served.broker.problems
      assert.ok(problem instanceof QueueMismatchError)
      assert.equal(problem.queue, kind.queue)
      assert.match(problem.cure, new RegExp(`delete_queue ${kind.queue}`))
      assert.equal(served.broker.state, "away")
      assert.equal(await jobs.store.jobs.count({ state: "wait", attempt: 0 }), 1)
      const warnings = logged(place, "WARNING").filter((line) => line.includes(kind.queue))
      assert.ok(warnings.length > 0 && warnings.length <= 3, warnings.join("\n"))
      await place.broker.channel.deleteQueue(kind.queue)
      await done(jobs)
      assert.deepEqual(await place.effects(), [1, 2])
      await until(() => served.broker.state === "connected", "all queues can be used")
    })

    it("may refuse the user: the password is told to nobody", async () => {
      const url = new URL(place.broker.url)
      url.password = "wrong-and-secret"
      const { jobs, kind, served } = await recordingBy(place, url.href, false)
      await jobs.send(kind, { n: 1 })
      await until(() => logged(place, "WARNING").length > 0, "it is said")
      assert.match(logged(place, "WARNING")[0] ?? "", /ACCESS_REFUSED/)
      assert.doesNotMatch(place.lines.join("\n"), /wrong-and-secret/)
      assert.equal(served.broker.state, "away")
    })

    it("is left without a connection, also where it hangs or is away", async () => {
      for (const disturb of ["restore", "hang", "away"] as const) {
        await using proxy = await startTcpProxy(place.broker.url)
        const { jobs, kind, served } = await recordingBy(place, proxy.url)
        proxy[disturb]()
        await jobs.send(kind, { n: 1 })
        await served.stop()
        await served.stop()
        assert.equal(served.broker.state, "away")
        assert.equal(await jobs.store.jobs.count({ state: "held" }), 0)
        assert.equal(await jobs.store.workers.count(), 0)
        proxy.restore()
        await until(() => proxy.connections === 0, "no connection is left")
      }
    })

    it("need not be there: then workers look into the database by themselves", async () => {
      const kind = recording(place.queue())
      const jobs = place.open([kind])
      const broker = openBroker(jobs, { url: "database:" })
      broker.start()
      assert.equal(broker.state, "off")
      assert.deepEqual(broker.metrics(), [])
      const worker = jobs.worker({ handlers: [handle(kind, ({ n }) => place.ledger.create({ n }))], broker })
      await worker.start()
      await jobs.send(kind, { n: 1 })
      await done(jobs)
      await worker.stop()
      await broker.stop()
      assert.throws(() => broker.transport(), ConfigError)
    })

    it("needs a URL of its own kind, and a size that is a number", () => {
      const jobs = place.open([])
      assert.throws(
        () => openBroker(jobs, { url: "redis://user:secret@host" }),
        (error) => {
          assert.ok(error instanceof ConfigError)
          assert.doesNotMatch(error.message + error.cure, /secret/)
          return true
        },
      )
      assert.throws(() => openBroker(jobs, { url: place.broker.url, largestMessage: 0.5 }), ConfigError)
    })
  },
  oneEngine,
)

const numbers = (count: number, first = 0) => Array.from({ length: count }, (_, index) => ({ n: first + index }))

/** A worker that writes numbers into the ledger. */
async function recordingBy(place: BrokerPlace, url: string, waits = true) {
  const kind = recording(place.queue())
  const jobs = place.open([kind])
  const handlers = [handle(kind, ({ n }) => place.ledger.create({ n }))]
  const served: Served = await place.serve(jobs, handlers, { broker: { url }, waits })
  return { jobs, kind, served }
}

function logged(place: BrokerPlace, level: string): string[] {
  return place.lines.flatMap((line) => {
    const one = JSON.parse(line) as { level: string; message: string }
    return one.level === level ? [one.message] : []
  })
}

/** Frames of the broker: https://www.rabbitmq.com/docs/connection-blocked */
function blocked(reason: string): Buffer {
  return frame(60, Buffer.from([reason.length, ...Buffer.from(reason)]))
}
const unblocked = frame(61, Buffer.alloc(0))

/** A method of the class `connection`. */
function frame(method: number, parameters: Buffer): Buffer {
  const payload = Buffer.concat([Buffer.from([0, 10, 0, method]), parameters])
  const head = Buffer.from([1, 0, 0, 0, 0, 0, 0])
  head.writeUInt32BE(payload.length, 3)
  return Buffer.concat([head, payload, Buffer.from([0xce])])
}
