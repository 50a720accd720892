import type { Jobs } from "../jobs.ts"
import type { AtBroker } from "./at-broker.ts"
import type { Link } from "./link.ts"
import type { BrokerMeasures } from "./measures.ts"
import type { Mark } from "./message.ts"
import { waitingMessages } from "./topology.ts"

export type LostMessagesOptions = {
  readonly jobs: Jobs
  readonly link: Link
  readonly receivers: readonly Receiver[]
  readonly atBroker: AtBroker
  readonly measures: BrokerMeasures
}

/** Who receives the messages of a queue. */
export type Receiver = {
  readonly queue: string
  /** How many came since the start. */
  readonly delivered: number
  readonly busy: boolean
  /** Receives by another channel. */
  reopen(): void
}

/**
 * Finds jobs whose messages the broker no longer has, since somebody purged or deleted the queue or the broker lost its
 * data, and lets them wait again.
 *
 * Where a queue is empty, and was so at the look before, a job that was at the broker at both looks was not received in
 * between. If its message is found after all, in the hand of a receiver, nothing is lost either: the job is taken once.
 *
 * Where messages wait, and none of them came to an idle receiver from one look to the next, it receives anew: a broker may
 * forget a receiver whose queue was deleted and made again.
 */
export class LostMessages {
  readonly #options: LostMessagesOptions
  /** What was at the broker at the last look, where the queue was empty. */
  readonly #before = new Map<string, ReadonlySet<string>>()
  /** What an idle receiver had received at the last look, where messages waited. */
  readonly #idle = new Map<string, number>()

  constructor(options: LostMessagesOptions) {
    this.#options = options
  }

  /** One look. */
  async run(signal: AbortSignal): Promise<void> {
    for (const receiver of this.#options.receivers) {
      if (signal.aborted || !this.#options.link.connected) return
      const waiting = await this.#waiting(receiver.queue)
      this.#watch(receiver, waiting)
      if (waiting === 0) await this.#look(receiver.queue)
      else this.#before.delete(receiver.queue)
    }
  }

  #watch(receiver: Receiver, waiting: number): void {
    const { queue, delivered, busy } = receiver
    if (waiting === 0 || busy) this.#idle.delete(queue)
    else if (this.#idle.get(queue) !== delivered) this.#idle.set(queue, delivered)
    else {
      this.#idle.delete(queue)
      this.#options.jobs.log.warning(`Messages of the queue ${queue} wait and do not come; it is received from anew`)
      receiver.reopen()
    }
  }

  async #look(queue: string): Promise<void> {
    const { atBroker, jobs, measures } = this.#options
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
