import { AsyncLocalStorage } from "node:async_hooks"
import type { AsyncMessage, Channel } from "rabbitmq-client"
import { transaction } from "../../session/index.ts"
import { retryDelay } from "../backoff.ts"
import { errorMessage, errorText } from "../error-text.ts"
import { PermanentError, WorkerLostError } from "../errors.ts"
import type { Jobs } from "../jobs.ts"
import { Acknowledgements } from "./acknowledgements.ts"
import type { AtBroker } from "./at-broker.ts"
import { messageIdOf } from "./deliveries.ts"
import { ForeignReader } from "./foreign.ts"
import { type Intake, newJobId } from "./intake.ts"
import type { KeptChannel } from "./kept-channel.ts"
import type { Link } from "./link.ts"
import type { BrokerMeasures } from "./measures.ts"
import { type Mark, markOf } from "./message.ts"
import { deadQueueOf, type Topology } from "./topology.ts"

export type DeadLettersOptions = {
  readonly jobs: Jobs
  readonly link: Link
  readonly topology: Topology
  readonly queue: string
  readonly atBroker: AtBroker
  readonly intake: Intake
  readonly measures: BrokerMeasures
  /** The largest message of others that is kept whole, in bytes. */
  readonly largest: number
}

/** The most messages in hand; they may be large. */
const prefetch = 10
/** Pauses between the tries while the database is away, in milliseconds. */
const firstPauseMs = 500
const longestPauseMs = 10_000

/** What is wrong where the broker gives messages up, by its word (https://www.rabbitmq.com/docs/dlx#effects). */
const reasons: Readonly<Record<string, string>> = {
  delivery_limit:
    "it was delivered too often without an acknowledgement, as its receivers died or lost their connections",
  expired: "it waited longer than it may",
  maxlen: "its queue was too long",
  rejected: "a receiver rejected it",
}

/**
 * Brings messages of a queue that the broker has given up back into the database: the job of one of ours waits for another
 * attempt, one of others becomes a dead job.
 */
export class DeadLetters {
  readonly #options: DeadLettersOptions
  readonly #inOwnContext = AsyncLocalStorage.snapshot()
  readonly #reader: ForeignReader
  #kept: KeptChannel | undefined
  readonly #handling = new Set<Promise<void>>()
  readonly #stopping = new AbortController()

  constructor(options: DeadLettersOptions) {
    const { jobs, queue, largest } = options
    const job = jobs.definitions.find((one) => one.queue === queue && one.foreign)
    this.#options = options
    this.#reader = new ForeignReader({ backend: jobs.backend, job, queue, largest })
  }

  start(): void {
    const { link, queue } = this.#options
    this.#kept = link.keep({
      purpose: `for the dead letters of the queue ${queue}`,
      setUp: (channel) => this.#consume(channel),
    })
  }

  /** Idempotent. What is in hand goes back to the broker. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await Promise.all(this.#handling)
    if (this.#kept !== undefined) await this.#options.link.drop(this.#kept)
  }

  async #consume(channel: Channel): Promise<void> {
    const { queue, topology } = this.#options
    await topology.declare(channel, queue)
    await channel.basicQos({ prefetchCount: prefetch })
    const acknowledgements = new Acknowledgements(channel)
    channel.on("basic.cancel", () => void channel.close())
    await channel.basicConsume({ queue: deadQueueOf(queue) }, (message) => {
      const handling = this.#inOwnContext(() => this.#handle(message, channel, acknowledgements))
      this.#handling.add(handling)
      void handling.then(() => this.#handling.delete(handling))
    })
  }

  /** Tries until the database has it, the channel is gone, or it is to stop. */
  async #handle(message: AsyncMessage, channel: Channel, acknowledgements: Acknowledgements): Promise<void> {
    const { jobs, queue } = this.#options
    const { signal } = this.#stopping
    for (let wait = firstPauseMs; channel.active && !signal.aborted; wait = Math.min(wait * 2, longestPauseMs)) {
      try {
        await this.#bringBack(message)
        acknowledgements.add(message.deliveryTag)
        acknowledgements.flush()
        return
      } catch (error) {
        jobs.log.warning(`A dead letter of the queue ${queue} cannot be written to the database`, { error })
        await pauseUnless(signal, wait)
      }
    }
  }

  async #bringBack(message: AsyncMessage): Promise<void> {
    const { queue, measures, jobs } = this.#options
    const mark = markOf(message)
    const why = reasonOf(message)
    const stood = mark === undefined ? await this.#bury(message, why) : await this.#retry(mark, message, why)
    if (!stood) return
    measures.of(queue).deadLetters++
    jobs.log.warning(`RabbitMQ gave up a message of the queue ${queue}: ${why}`, {
      job_id: mark?.id,
      message_id: mark === undefined ? messageIdOf(message) : undefined,
    })
  }

  /** @returns whether the message still stood for the job */
  #retry(mark: Mark, { type: kind = "" }: AsyncMessage, why: string): Promise<boolean> {
    const { jobs, atBroker, queue } = this.#options
    const { clock, store } = jobs
    const error = new WorkerLostError(`RabbitMQ gave the message of the job up: ${why}.`, {
      cure: "Look for what ended those who received it; it may be the job itself.",
    })
    const at = clock.now()
    const backoff = jobs.definition(kind)?.backoff ?? retryDelay
    const runAt = new Date(at.getTime() + backoff(mark.attempt, jobs.random()))
    return transaction(
      async () => {
        const stood = await atBroker.fail(mark, errorMessage(error), runAt)
        if (stood) await store.errors.create({ jobId: mark.id, attempt: mark.attempt, error: errorText(error), at })
        return stood
      },
      { name: "jobs.retry" },
    ).then((stood) => {
      if (stood) jobs.wake(queue, runAt.getTime())
      return stood
    })
  }

  /** @returns whether the message was not handled before */
  #bury(message: AsyncMessage, why: string): Promise<boolean> {
    const { intake, jobs, queue } = this.#options
    const error = new PermanentError(`RabbitMQ gave the message up: ${why}.`, {
      cure: "Look for the reason that RabbitMQ names, then retry the job.",
    })
    const job = jobs.definitions.find((one) => one.queue === queue && one.foreign)
    const payload = this.#reader.payloadOf(message)
    return intake.refuse({ id: newJobId(), messageId: messageIdOf(message), queue, job, payload, error })
  }
}

/** What the broker says of why it gave a message up. */
export function reasonOf({ headers }: Pick<AsyncMessage, "headers">): string {
  const deaths: unknown = headers?.["x-death"]
  const death: unknown = Array.isArray(deaths) ? deaths[0] : undefined
  const word = typeof death === "object" && death !== null && "reason" in death ? String(death.reason) : "unknown"
  const sentence = reasons[word]
  return sentence === undefined ? word : `${word}, ${sentence}`
}

function pauseUnless(signal: AbortSignal, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener("abort", end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener("abort", end)
    if (signal.aborted) end()
  })
}
