import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { it } from "node:test"
import { objectOf, optional, wholeNumber, words } from "../../../src/fields/index.ts"
import { defineJob, handle, type JobHandler, PermanentError, retryJobs } from "../../../src/jobs/index.ts"
import { done, until } from "../support.ts"
import { type BrokerPlace, count, forEachBroker, type ServeOptions } from "./support.ts"

const payload = objectOf("Order", { n: wholeNumber(0), note: optional(words(100)) })

forEachBroker("messages that others publish to a queue", (place) => {
  it("are jobs that are done", async () => {
    const { jobs, queue, served } = await receiving(place)
    for (let n = 0; n < 20; n++) await place.broker.publish(queue, { n })
    await until(async () => (await place.effects()).length === 20, "all are done")
    await done(jobs)
    assert.equal(count(served, "received", queue), 20)
    await until(async () => (await place.broker.waiting(queue)) === 0, "all are acknowledged")
  })

  it("do something once where they have an id, and each time where they have none", async () => {
    const { jobs, queue } = await receiving(place)
    for (let again = 0; again < 5; again++) {
      await place.broker.publish(queue, { n: 1 }, { messageId: "order 1" })
      await place.broker.publish(queue, { n: 2 })
    }
    await place.broker.publish(queue, { n: 3 }, { messageId: "order 3" })
    await until(async () => (await place.effects()).includes(3), "the last is done")
    await done(jobs)
    assert.deepEqual(await place.effects(), [1, 2, 2, 2, 2, 2, 3])
    assert.equal(jobs.measures.inboxHits, 4)
    assert.deepEqual(
      (await jobs.store.inbox.list({ orderBy: { messageId: "asc" } })).map((row) => [row.consumer, row.messageId]),
      [
        [queue, "order 1"],
        [queue, "order 3"],
      ],
    )
  })

  it("tell their handler the id that they came with, at each attempt, and when they were dead", async () => {
    const seen: (string | undefined)[] = []
    const { jobs, queue } = await receiving(place, async ({ n }, attempt, messageId) => {
      seen.push(messageId)
      if (n === 1 && attempt === 1) throw new Error("a passing failure")
      if (n === 1 && attempt === 2) throw new PermanentError("There is no such product.")
      await place.ledger.create({ n })
    })
    await place.broker.publish(queue, { n: 1 }, { messageId: "order 1" })
    await until(async () => (await jobs.store.dead.count()) === 1, "it is dead")
    assert.equal((await jobs.store.dead.list())[0]?.messageId, "order 1")
    assert.equal(await retryJobs(jobs, { filter: { state: "dead" } }), 1)
    await until(async () => (await place.effects()).length === 1, "it is done")
    await place.broker.publish(queue, { n: 2 })
    await until(async () => (await place.effects()).length === 2, "the one without an id is done, too")
    assert.deepEqual(seen, ["order 1", "order 1", "order 1", undefined])
    await place.broker.publish(queue, "no JSON of ours", { messageId: "order 2" })
    await until(async () => (await jobs.store.dead.count()) === 1, "what cannot be read is dead")
    assert.equal((await jobs.store.dead.list())[0]?.messageId, "order 2")
    await done(jobs)
  })

  it("are repeated from the database where they fail, with growing pauses, until they are done", async () => {
    const attempts: number[] = []
    const { jobs, queue } = await receiving(place, async ({ n }, attempt) => {
      attempts.push(attempt)
      await place.ledger.create({ n })
      if (attempt < 3) throw new Error("a passing failure")
    })
    await place.broker.publish(queue, { n: 1 }, { messageId: "order 1" })
    await until(() => attempts.length === 3, "it is tried three times")
    await done(jobs)
    assert.deepEqual(attempts, [1, 2, 3])
    assert.deepEqual(await place.effects(), [1])
    assert.equal((await jobs.store.errors.list()).length, 2)
  })

  it("are dead at once where their handler says that they never can be done", async () => {
    const { jobs, queue } = await receiving(place, () => {
      throw new PermanentError("There is no such product.")
    })
    await place.broker.publish(queue, { n: 1 }, { messageId: "order 1" })
    await until(async () => (await jobs.store.dead.count()) === 1, "it is dead")
    const [dead] = await jobs.store.dead.list()
    assert.equal(dead?.reason, "permanent")
    assert.match(dead?.lastError ?? "", /no such product/)
    assert.deepEqual(dead?.payload, { n: 1 })
  })

  it("are dead at once with the reason where they cannot be read, and the queue flows on", async () => {
    const { jobs, queue, kind, served } = await receiving(place)
    const bad: [title: string, body: unknown, options: object, reason: RegExp, kept: RegExp][] = [
      ["no JSON", Buffer.from("{n: 1}"), {}, /is no JSON/, /"text":"\{n: 1\}"/],
      ["no JSON, and says what it is", Buffer.from("<n>1</n>"), { contentType: "text/xml" }, /is no JSON/, /text\/xml/],
      ["nothing", Buffer.from(""), {}, /is no JSON/, /"bytes":0/],
      ["another shape", { n: "one" }, {}, /does not fit/, /"n":"one"/],
      ["unknown fields", { n: 1, discount: 100 }, {}, /does not fit/, /"discount":100/],
      ["a list", [1, 2], {}, /does not fit/, /\[1,2\]/],
      ["null", Buffer.from("null"), {}, /is null/, /"text":"null"/],
      ["no UTF-8", Buffer.from([0x22, 0xff, 0xfe, 0x22]), { contentType: undefined }, /no JSON|not UTF-8/, /base64/],
      ["no UTF-8, said to be JSON", Buffer.from([0x22, 0xff, 0x22]), {}, /not UTF-8/, /"text":"\\"\uFFFD\\""/],
      [
        "a character that PostgreSQL cannot store",
        Buffer.from('{"n":1,"note":"\\u0000"}'),
        {},
        /cannot be stored/,
        /note/,
      ],
      ["compressed", Buffer.from([0x1f, 0x8b]), { contentEncoding: "gzip" }, /encoded as "gzip"/, /base64/],
      ["nested too deeply", Buffer.from("[".repeat(500_000)), {}, /no JSON|does not fit|cannot be/, /\[\[\[/],
      ["10 MB of JSON", { n: 1, note: "x".repeat(10_000_000) }, {}, /has 10\d{6} bytes/, /xxx/],
      ["10 MB of bytes", Buffer.alloc(10_000_000, "y"), { contentType: undefined }, /has 10000000 bytes/, /yyy/],
    ]
    for (const [title, body, options] of bad) await place.broker.publish(queue, body, { messageId: title, ...options })
    await place.broker.publish(queue, { n: 7 })
    await until(async () => (await place.effects()).length === 1, "what came behind them is done")
    await until(async () => (await jobs.store.dead.count()) === bad.length, "all are dead")
    const dead = await jobs.store.dead.list({ orderBy: { id: "asc" } })
    for (const [index, [title, , , reason, kept]] of bad.entries()) {
      const one = dead[index]
      assert.match(one?.lastError ?? "", reason, title)
      assert.match(JSON.stringify(one?.payload), kept, title)
      assert.ok(JSON.stringify(one?.payload).length < 20_000, title)
      assert.deepEqual([one?.kind, one?.queue, one?.reason], [kind.kind, queue, "permanent"], title)
    }
    assert.equal(count(served, "refused", queue), bad.length)
    assert.equal((await jobs.store.errors.list()).length, bad.length)
    await until(async () => (await place.broker.waiting(queue)) === 0, "all are acknowledged")
    // The same again is known.
    await place.broker.publish(queue, Buffer.from("{n: 1}"), { messageId: "no JSON" })
    await until(() => jobs.measures.inboxHits === 1, "it is dropped")
    assert.equal(await jobs.store.dead.count(), bad.length)
  })

  it("are dead where the queue takes none of others", async () => {
    const queue = place.queue()
    const kind = defineJob(`ours_of_${queue}`, { queue, payload })
    const jobs = place.open([kind])
    await place.serve(jobs, [handle(kind, () => undefined)])
    await place.broker.publish(queue, { n: 1 })
    await until(async () => (await jobs.store.dead.count()) === 1, "it is dead")
    const [dead] = await jobs.store.dead.list()
    assert.equal(dead?.kind, "unknown")
    assert.match(dead?.lastError ?? "", /takes no messages of others/)
  })

  it("are read up to the size that is said", async () => {
    const { jobs, queue } = await receiving(place, undefined, { broker: { largestMessage: 60 } })
    await place.broker.publish(queue, { n: 1, note: "x".repeat(40) })
    await place.broker.publish(queue, { n: 2, note: "x".repeat(60) })
    await until(async () => (await jobs.store.dead.count()) === 1, "the second is dead")
    await done(jobs)
    assert.deepEqual(await place.effects(), [1])
  })

  it("may be text or bytes, if they are JSON", async () => {
    const { jobs, queue } = await receiving(place)
    const options = ["text/plain", "application/octet-stream", "application/json; charset=utf-8", ""]
    for (const [n, contentType] of options.entries()) {
      await place.broker.publish(queue, Buffer.from(JSON.stringify({ n, note: "ёлка 🎄" })), { contentType })
    }
    await until(async () => (await place.effects()).length === options.length, "all are done")
    await done(jobs)
    assert.equal(await jobs.store.dead.count(), 0)
  })

  it("may pretend to be ours: nothing comes of it", async () => {
    const { jobs, queue, kind, served } = await receiving(place)
    const waiting = await jobs.send(kind, { n: 1 }, { delayMs: 60_000 })
    const forge = (id: string, attempt: unknown) =>
      place.broker.publish(queue, { n: 1 }, { messageId: `job:${id}:${attempt}` })
    await forge(waiting, 0)
    await forge(waiting, 1)
    await forge("00000000-0000-0000-0000-000000000000", 1)
    await until(() => count(served, "stale", queue) === 3, "they are dropped")
    assert.equal((await jobs.store.jobs.get(waiting))?.state, "wait")
    await forge("'; DROP TABLE job", 1)
    await until(async () => (await place.effects()).length === 1, "what has no mark is one of others")
  })

  const hasTool = spawnSync("amqp-publish", ["--version"]).error === undefined
  it("may come from the command line", {
    skip: hasTool ? false : "needs amqp-publish (Debian: amqp-tools)",
  }, async () => {
    const { queue } = await receiving(place)
    const url = new URL(place.broker.url)
    const place_ = ["--server", url.hostname, "--port", url.port, "--vhost", url.pathname.slice(1)]
    const who = ["--username", url.username, "--password", url.password]
    const { status, stderr } = spawnSync("amqp-publish", [...place_, ...who, "-r", queue, "-p", "-b", '{"n":5}'])
    assert.equal(status, 0, String(stderr))
    await until(async () => (await place.effects()).length === 1, "it is done")
    assert.deepEqual(await place.effects(), [5])
  })
})

type Order = { n: number; note?: string | undefined }

/** A worker for messages of others, which records their numbers unless it is told what to do. */
async function receiving(
  place: BrokerPlace,
  work: (order: Order, attempt: number, messageId: string | undefined) => unknown = ({ n }) =>
    place.ledger.create({ n }),
  options: ServeOptions = {},
) {
  const queue = place.queue()
  const kind = defineJob(`order_of_${queue}`, {
    queue,
    payload,
    transactional: true,
    foreign: true,
    backoff: () => 20,
  })
  const jobs = place.open([kind])
  const handler: JobHandler = handle(kind, (order, { attempt, messageId }) => work(order, attempt, messageId))
  const served = await place.serve(jobs, [handler], options)
  return { jobs, queue, kind, served }
}
