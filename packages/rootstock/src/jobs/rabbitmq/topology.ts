import type { Channel } from "rabbitmq-client"
import { QueueMismatchError } from "./errors.ts"
import { messageOf } from "./sentences.ts"

/** The exchange to which RabbitMQ moves messages that it gives up; its routing keys are the names of the queues. */
export const deadExchange = "rootstock:dead-letters"

/** Where the dead letters of a queue stand until they are in the database. No queue of jobs has a colon in its name. */
export const deadQueueOf = (queue: string): string => `${deadExchange}:${queue}`

/**
 * How often RabbitMQ delivers a message that nobody acknowledges, before it gives it up: each time the process died, or its
 * connection broke.
 */
export const deliveryLimit = 20

/**
 * The arguments of a queue. Whoever declares the same queue must give the same, so they are never changed.
 *
 * Dead letters wait in the queue until the queue for them has confirmed them, which demands that a full queue refuses
 * (https://www.rabbitmq.com/docs/quorum-queues#dead-lettering).
 */
export const queueArguments = (queue: string) => ({
  "x-queue-type": "quorum",
  "x-dead-letter-exchange": deadExchange,
  "x-dead-letter-routing-key": queue,
  "x-dead-letter-strategy": "at-least-once",
  "x-overflow": "reject-publish",
  "x-delivery-limit": deliveryLimit,
})

/** Dead letters are given up by nobody. */
const deadQueueArguments = { "x-queue-type": "quorum", "x-delivery-limit": 1_000_000 }

/** Makes queues, one after another: a queue that two connections make at once may be used by one before it is ready. */
export class Topology {
  #last: Promise<unknown> = Promise.resolve()

  /**
   * Makes a queue and the way of its dead letters, where they are not there. The channel is lost where it throws.
   *
   * @throws QueueMismatchError where the queue exists with other properties
   */
  declare(channel: Channel, queue: string): Promise<void> {
    const declared = this.#last.then(() => declareQueue(channel, queue))
    this.#last = declared.catch(() => undefined)
    return declared
  }
}

async function declareQueue(channel: Channel, queue: string): Promise<void> {
  const dead = deadQueueOf(queue)
  await channel.exchangeDeclare({ exchange: deadExchange, type: "direct", durable: true })
  await declare(channel, dead, deadQueueArguments)
  await channel.queueBind({ queue: dead, exchange: deadExchange, routingKey: queue })
  await declare(channel, queue, queueArguments(queue))
}

async function declare(channel: Channel, queue: string, args: Readonly<Record<string, unknown>>): Promise<void> {
  try {
    await channel.queueDeclare({ queue, durable: true, arguments: args })
  } catch (cause) {
    if (!isMismatch(cause)) throw cause
    throw new QueueMismatchError(queue, { reason: messageOf(cause), cause })
  }
}

/** Not the same arguments, or a queue of one connection only. */
function isMismatch(error: unknown): boolean {
  const code = codeOf(error)
  return code === "PRECONDITION_FAILED" || code === "RESOURCE_LOCKED"
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined
}

/** How many messages of a queue wait to be delivered: none where there is no queue. The channel is lost where it throws. */
export async function waitingMessages(channel: Channel, queue: string): Promise<number> {
  try {
    const { messageCount } = await channel.queueDeclare({ queue, passive: true })
    return messageCount
  } catch (error) {
    if (codeOf(error) === "NOT_FOUND") return 0
    throw error
  }
}
