import { after, afterEach, before, beforeEach, describe } from "node:test"
import { type ChannelModel, type ConfirmChannel, connect, type GetMessage, type Options } from "amqplib"
import { type Database, openDatabase, type TableStorage } from "../../../src/index.ts"
import {
  defineJob,
  type Job,
  type JobHandler,
  type Jobs,
  openJobs,
  type WorkerOptions,
} from "../../../src/jobs/index.ts"
import { type BrokerOptions, type JobBroker, openBroker } from "../../../src/jobs/rabbitmq/index.ts"
import { createLogger } from "../../../src/log/index.ts"
import type { Metric } from "../../../src/metrics/index.ts"
import { createSchema } from "../../../src/migrate/index.ts"
import { registerTables } from "../../../src/schema/index.ts"
import { plainSql } from "../../storage/sql.ts"
import { type Engine, engines, requireService, type TemporaryDatabase, temporaryVhost } from "../../support/index.ts"
import { Ledger, type ledger, numbered, quick, tables, until } from "../support.ts"

/** A virtual host of the broker that only these tests know. */
export type TestBroker = {
  readonly url: string
  /** A client that is none of ours. */
  readonly channel: ConfirmChannel
  /** Publishes to a queue as anybody does; resolves when the broker has it. */
  publish(queue: string, body: unknown, options?: Options.Publish): Promise<void>
  /** How many messages of a queue wait to be delivered. */
  waiting(queue: string): Promise<number>
  /** The first message that waits in a queue; it stays there, delivered once more. */
  peek(queue: string): Promise<GetMessage>
}

/** A database with jobs, emptied before each test, and a broker. */
export type BrokerPlace = {
  readonly db: Database<typeof tables>
  readonly url: string
  readonly broker: TestBroker
  readonly ledger: TableStorage<typeof ledger>
  /** What was logged, JSON. */
  readonly lines: readonly string[]
  /** A name that no other test has. */
  queue(): string
  open(jobs: readonly Job[]): Jobs
  /** Starts a broker and a worker that is served by it; both are stopped after the test. */
  serve(jobs: Jobs, handlers: readonly JobHandler[], options?: ServeOptions): Promise<Served>
  /** The numbers in the ledger, ascending. */
  effects(): Promise<number[]>
}

export type ServeOptions = {
  readonly worker?: WorkerOptions
  readonly broker?: Partial<BrokerOptions>
  /** Whether it is waited for that all can be used (default true). */
  readonly waits?: boolean
}

export type Served = { readonly broker: JobBroker; stop(options?: { now?: boolean }): Promise<void> }

/** Short intervals, so that nothing has to be waited for. */
export const quickBroker: Omit<BrokerOptions, "url"> = { pollMs: 50 }

/** SQLite, and one PostgreSQL: what the versions of it have in common is shown elsewhere. */
export const twoEngines = ["sqlite", "postgres"].flatMap(
  (dialect) => engines.findLast((one) => one.dialect === dialect) ?? [],
)

/** One, for what has nothing to do with the database. */
export const oneEngine = twoEngines.slice(0, 1)

/** Defines the same cases on engines, with a virtual host of their own at the broker. */
export function forEachBroker(title: string, define: (place: BrokerPlace) => void, on = twoEngines): void {
  withBroker(title, (broker) => {
    for (const engine of on) describe(`on ${engine.name}`, () => definePlace(engine, broker, define))
  })
}

function definePlace(engine: Engine, broker: TestBroker, define: (place: BrokerPlace) => void): void {
  let temporary: TemporaryDatabase
  let queues = 0
  const lines: string[] = []
  const served: Served[] = []
  const log = createLogger({
    name: "jobs",
    level: "debug",
    format: "json",
    destination: { write: (line) => lines.push(line) },
  })
  const place: { -readonly [K in keyof BrokerPlace]: BrokerPlace[K] } = {
    db: undefined as never,
    ledger: undefined as never,
    url: "",
    broker,
    lines,
    queue: () => `${engine.name}${++queues}`,
    open: (jobs) => openJobs(place.db, { jobs, log }),
    async serve(jobs, handlers, options = {}) {
      const opened = openBroker(jobs, { url: broker.url, ...quickBroker, ...options.broker })
      const worker = jobs.worker({ handlers, ...quick, ...options.worker, broker: opened })
      const one: Served = {
        broker: opened,
        async stop(how = {}) {
          await worker.stop(how)
          await opened.stop()
        },
      }
      served.push(one)
      opened.start()
      await worker.start()
      if (options.waits !== false) await until(() => opened.state === "connected", "the broker is connected")
      return one
    },
    async effects() {
      return (await place.ledger.list()).map(({ n }) => n).sort((left, right) => left - right)
    },
  }
  before(async () => {
    temporary = await engine.temporaryDatabase()
    await createSchema(temporary.url, tables)
    place.url = temporary.url
    place.db = await openDatabase(temporary.url, { tables, nPlusOne: { mode: "off" } })
    place.ledger = place.db.storage(Ledger)
  })
  beforeEach(async () => {
    lines.length = 0
    for (const name of registerTables(tables).byName.keys()) await place.db.execute(plainSql(`DELETE FROM "${name}"`))
  })
  afterEach(async () => {
    await Promise.all(served.splice(0).map((one) => one.stop({ now: true })))
  })
  after(async () => {
    await place.db?.close()
    await temporary?.dispose()
  })
  define(place)
}

/** Defines tests with a virtual host of their own, and a client that is connected to it. */
export function withBroker(title: string, define: (broker: TestBroker) => void): void {
  requireService("TEST_AMQP_URL", title, (server) => {
    const ends: (() => Promise<void>)[] = []
    const broker: { -readonly [K in keyof TestBroker]: TestBroker[K] } = {
      url: "",
      channel: undefined as never,
      publish: (queue, body, options = {}) =>
        new Promise((resolve, reject) => {
          const content = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body))
          const common = { contentType: "application/json", persistent: true }
          broker.channel.sendToQueue(queue, content, { ...common, ...options }, (error) =>
            error === null || error === undefined ? resolve() : reject(error),
          )
        }),
      waiting: async (queue) => (await broker.channel.checkQueue(queue)).messageCount,
      async peek(queue) {
        let message: GetMessage | false = false
        await until(async () => {
          message = await broker.channel.get(queue)
          return message !== false
        }, "a message waits")
        broker.channel.nack(message as unknown as GetMessage)
        return message as unknown as GetMessage
      },
    }
    before(async () => {
      const vhost = await temporaryVhost(server)
      ends.push(() => vhost.dispose())
      const connection: ChannelModel = await connect(vhost.url)
      ends.unshift(() => connection.close())
      broker.url = vhost.url
      broker.channel = await connection.createConfirmChannel()
    })
    after(async () => {
      for (const end of ends) await end()
    })
    define(broker)
  })
}

type RecordingOptions = Partial<Parameters<typeof defineJob<{ n: number }, true>>[1]>

/** A kind of job with a number, whose handler runs in the transaction that completes it. */
export function recording(queue: string, options: RecordingOptions = {}) {
  return defineJob(`kind_of_${queue}`, { queue, payload: numbered, transactional: true, ...options })
}

/** A count of a broker. */
export function count({ broker }: Pick<Served, "broker">, name: string, queue: string): number {
  const metric = broker.metrics().find((one: Metric) => one.name === `jobs_broker_${name}_total`)
  if (metric === undefined || metric.type === "histogram") throw new Error(`there is no count ${name}`)
  return metric.samples.find(({ labels }) => labels?.["queue"] === queue)?.value ?? 0
}
