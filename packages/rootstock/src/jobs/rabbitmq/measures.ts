import { Histogram, type Metric } from "../../metrics/index.ts"

/** What happened between the database and the broker in one queue since the start, in this process; raised in place. */
export type QueueMeasures = {
  /** Messages that the broker has confirmed. */
  published: number
  /** Messages that came back, as no queue took them. */
  returned: number
  /** Messages of which the broker did not say whether it has them. */
  unknown: number
  /** Messages of others that became jobs. */
  received: number
  /** Messages of others that were refused. */
  refused: number
  /** Messages for jobs that were done, or another's, by then. */
  stale: number
  /** Messages that the broker gave up. */
  deadLetters: number
  /** Jobs whose messages the broker had lost. */
  lost: number
  /** Seconds from when a job was due to the broker's confirmation. */
  readonly lag: Histogram
}

type Counter = Exclude<keyof QueueMeasures, "lag">

const counters: readonly (readonly [key: Counter, name: string, help: string])[] = [
  ["published", "jobs_broker_published_total", "Messages that the broker has confirmed."],
  ["returned", "jobs_broker_returned_total", "Messages that came back, as no queue took them."],
  ["unknown", "jobs_broker_unknown_total", "Messages of which the broker did not say whether it has them."],
  ["received", "jobs_broker_received_total", "Messages of others that became jobs."],
  ["refused", "jobs_broker_refused_total", "Messages of others that were refused."],
  ["stale", "jobs_broker_stale_total", "Messages for jobs that were done, or another's, by then."],
  ["deadLetters", "jobs_broker_dead_letters_total", "Messages that the broker gave up."],
  ["lost", "jobs_broker_lost_total", "Jobs whose messages the broker had lost."],
]

/** What is counted of a broker in this process. */
export class BrokerMeasures {
  readonly #byQueue = new Map<string, QueueMeasures>()

  of(queue: string): QueueMeasures {
    let found = this.#byQueue.get(queue)
    if (found === undefined) {
      found = {
        published: 0,
        returned: 0,
        unknown: 0,
        received: 0,
        refused: 0,
        stale: 0,
        deadLetters: 0,
        lost: 0,
        lag: new Histogram(),
      }
      this.#byQueue.set(queue, found)
    }
    return found
  }

  read(): readonly Metric[] {
    const queues = [...this.#byQueue]
    return [
      ...counters.map(
        ([key, name, help]): Metric => ({
          name,
          help,
          type: "counter",
          samples: queues.map(([queue, one]) => ({ labels: { queue }, value: one[key] })),
        }),
      ),
      {
        name: "jobs_broker_lag_seconds",
        help: "From when a job was due to the broker's confirmation of its message.",
        type: "histogram",
        samples: queues.map(([queue, { lag }]) => lag.sample({ queue })),
      },
    ]
  }
}
