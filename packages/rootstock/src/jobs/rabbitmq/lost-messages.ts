import type { Jobs } from "../jobs.ts"
import type { AtBroker } from "./at-broker.ts"
import type { Link } from "./link.ts"
import type { BrokerMeasures } from "./measures.ts"
import type { Mark } from "./message.ts"
import { waitingMessages } from "./topology.ts"

export type LostMessagesOptions = {
  readonly jobs: Jobs
  readonly link: Link
  readonly queues: readonly string[]
  readonly atBroker: AtBroker
  readonly measures: BrokerMeasures
}

/**
 * Finds jobs whose messages the broker no longer has, since somebody purged or deleted the queue or the broker lost its
 * data, and lets them wait again.
 *
 * Where a queue is empty, and was so at the look before, a job that was at the broker at both looks was not received in
 * between. If its message is found after all, in the hand of a receiver, nothing is lost either: the job is taken once.
 */
export class LostMessages {
  readonly #options: LostMessagesOptions
  /** What was at the broker at the last look, where the queue was empty. */
  readonly #before = new Map<string, ReadonlySet<string>>()

  constructor(options: LostMessagesOptions) {
    this.#options = options
  }

  /** One look. */
  async run(signal: AbortSignal): Promise<void> {
    for (const queue of this.#options.queues) {
      if (signal.aborted || !this.#options.link.connected) return
      await this.#look(queue)
    }
  }

  async #look(queue: string): Promise<void> {
    const { atBroker, jobs, measures } = this.#options
    if ((await this.#waiting(queue)) > 0) {
      this.#before.delete(queue)
      return
    }
    const present = await atBroker.inQueue(queue)
    const before = this.#before.get(queue)
    const lost = present.filter((mark) => before?.has(shown(mark)) === true)
    this.#before.set(queue, new Set(present.map(shown)))
    if (lost.length === 0) return
    const count = await atBroker.giveBackLost(lost)
    if (count === 0) return
    measures.of(queue).lost += count
    jobs.log.warning(`RabbitMQ has lost messages of the queue ${queue}; their jobs wait again`, { count })
    jobs.wake(queue, 0)
  }

  async #waiting(queue: string): Promise<number> {
    const channel = await this.#options.link.acquire()
    // An error of the channel is told by the call that failed.
    channel.on("error", () => undefined)
    try {
      return await waitingMessages(channel, queue)
    } finally {
      await channel.close()
    }
  }
}

const shown = ({ id, attempt }: Mark): string => `${id}.${attempt}`
