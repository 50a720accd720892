import { setTimeout as pause } from "node:timers/promises"
import { Connection } from "rabbitmq-client"
import { answerRequests } from "../run/requests.ts"
import { openRootstock } from "./contestants/rootstock.ts"

/** What the bench asks of a process that publishes to RabbitMQ and consumes. */
export type BrokerRequest =
  | { kind: "open"; contestant: "raw" | "rootstock"; database: string; broker: string; pool: number; inFlight: number }
  /** Jobs through the broker for so long; a second. */
  | { kind: "rate"; seconds: number }
  | { kind: "close" }

type Opened = { send(count: number): Promise<unknown>; waiting(): Promise<number>; close(): Promise<void> }

const batch = 1_000
const mostAhead = 5_000
const patienceMs = 60_000

let opened: Opened
let sent = 0
let completed = 0

async function answer(request: BrokerRequest): Promise<unknown> {
  switch (request.kind) {
    case "open": {
      if (request.contestant === "raw") opened = await openRaw(request.broker, request.inFlight)
      else opened = await openOurs(request)
      return undefined
    }
    case "rate":
      globalThis.gc?.()
      return rate(request.seconds)
    case "close":
      return opened.close()
  }
}

async function openOurs({ database, broker, pool, inFlight }: Extract<BrokerRequest, { kind: "open" }>) {
  const done = () => {
    completed += 1
  }
  const ours = await openRootstock({ database, broker }, { effects: false, pool, concurrency: inFlight, done })
  return {
    send: (count: number) => ours.sendMany(Array.from({ length: count }, (_, n) => n)),
    waiting: ours.waiting,
    close: ours.close,
  }
}

/** Persistent messages in a durable quorum queue, each confirmed and each acknowledged. */
async function openRaw(url: string, inFlight: number): Promise<Opened> {
  const connections = [new Connection(url), new Connection(url)] as const
  for (const connection of connections) {
    connection.on("error", (error) => {
      throw error
    })
    await connection.onConnect()
  }
  const [publishing, consuming] = await Promise.all(connections.map((connection) => connection.acquire()))
  if (publishing === undefined || consuming === undefined) throw new Error("there is no channel")
  const routingKey = "raw"
  await publishing.queueDeclare({ queue: routingKey, durable: true, arguments: { "x-queue-type": "quorum" } })
  await publishing.confirmSelect()
  await consuming.basicQos({ prefetchCount: inFlight })
  await consuming.basicConsume({ queue: routingKey }, ({ deliveryTag }) => {
    consuming.basicAck({ deliveryTag })
    completed += 1
  })
  const properties = { routingKey, durable: true, mandatory: true, contentType: "application/json" }
  let pending = 0
  const free: (() => void)[] = []
  const publish = async (n: number): Promise<void> => {
    await publishing.basicPublish(properties, Buffer.from(JSON.stringify({ n })))
    pending -= 1
    free.shift()?.()
  }
  return {
    async send(count) {
      const all: Promise<void>[] = []
      for (let n = 0; n < count; n++) {
        while (pending >= inFlight) await new Promise<void>((resolve) => free.push(resolve))
        pending += 1
        all.push(publish(n))
      }
      await Promise.all(all)
    },
    waiting: async () => pending,
    async close() {
      for (const channel of [publishing, consuming]) await channel.close()
      for (const connection of connections) await connection.close()
    },
  }
}

async function rate(seconds: number): Promise<number> {
  const before = sent
  const start = performance.now()
  const end = start + seconds * 1_000
  const caller = async (): Promise<void> => {
    while (performance.now() < end) {
      if (sent - completed > mostAhead) {
        await pause(1)
        continue
      }
      sent += batch
      await opened.send(batch)
    }
  }
  await Promise.all([caller(), caller()])
  const late = performance.now() + patienceMs
  while (completed < sent || (await opened.waiting()) > 0) {
    if (performance.now() > late) throw new Error(`${completed} of ${sent} jobs were done`)
    await pause(1)
  }
  if (completed !== sent) throw new Error(`${sent} jobs were sent and ${completed} done`)
  return ((sent - before) * 1_000) / (performance.now() - start)
}

answerRequests<BrokerRequest>(answer)
