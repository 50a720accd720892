import { Histogram, type Metric } from "../metrics/index.ts"
import { depths } from "./depths.ts"
import type { Jobs } from "./jobs.ts"

/** What happened to the jobs of one kind since the start, in this process; plain numbers, raised in place. */
export type KindMeasures = {
  readonly queue: string
  readonly kind: string
  completed: number
  retried: number
  dead: number
  rescued: number
  /** Attempts whose taking stood no longer when they were to be completed. */
  fencedOut: number
  /** Seconds from when a job was due to the start of an attempt. */
  readonly wait: Histogram
  /** Seconds that attempts took. */
  readonly run: Histogram
}

type Counter = "completed" | "retried" | "dead" | "rescued" | "fencedOut"

const counters: readonly (readonly [key: Counter, name: string, help: string])[] = [
  ["completed", "jobs_completed_total", "Jobs that were completed."],
  ["retried", "jobs_retried_total", "Attempts that failed and are to be repeated."],
  ["dead", "jobs_dead_total", "Jobs that were given up."],
  ["rescued", "jobs_rescued_total", "Jobs that were taken back from workers without life."],
  ["fencedOut", "jobs_fenced_out_total", "Attempts that could change nothing, because the job was another's."],
]

/** What is counted of jobs in this process. */
export class Measures {
  /** Messages that were handled already when they came. */
  inboxHits = 0
  readonly #byQueue = new Map<string, Map<string, KindMeasures>>()

  of({ queue, kind }: { readonly queue: string; readonly kind: string }): KindMeasures {
    let byKind = this.#byQueue.get(queue)
    if (byKind === undefined) {
      byKind = new Map()
      this.#byQueue.set(queue, byKind)
    }
    let found = byKind.get(kind)
    if (found === undefined) {
      found = {
        queue,
        kind,
        completed: 0,
        retried: 0,
        dead: 0,
        rescued: 0,
        fencedOut: 0,
        wait: new Histogram(),
        run: new Histogram(),
      }
      byKind.set(kind, found)
    }
    return found
  }

  /** These, and what the database says of the queues. */
  async read(jobs: Jobs): Promise<readonly Metric[]> {
    const { queues, workers } = await depths(jobs)
    const gauge = (name: string, help: string, value: (queue: (typeof queues)[number]) => number): Metric => ({
      name,
      help,
      type: "gauge",
      samples: queues.map((one) => ({ labels: { queue: one.queue }, value: value(one) })),
    })
    const kinds = [...this.#byQueue.values()].flatMap((byKind) => [...byKind.values()])
    const labels = ({ queue, kind }: KindMeasures) => ({ queue, kind })
    return [
      gauge("jobs_waiting", "Jobs that wait, due or not; counted up to 10,000.", ({ waiting }) => waiting),
      gauge("jobs_held", "Jobs that are being done; counted up to 10,000.", ({ held }) => held),
      gauge("jobs_dead", "Dead jobs that are kept; counted up to 10,000.", ({ dead }) => dead),
      gauge("jobs_oldest_ready_age_seconds", "How long the job that waits longest has been due.", (one) =>
        one.oldestReadyMs === undefined ? 0 : one.oldestReadyMs / 1_000,
      ),
      gauge("jobs_paused", "1 where nothing is taken from the queue.", ({ paused }) => (paused ? 1 : 0)),
      { name: "jobs_workers", help: "Workers that live.", type: "gauge", samples: [{ value: workers }] },
      ...counters.map(
        ([key, name, help]): Metric => ({
          name,
          help,
          type: "counter",
          samples: kinds.map((one) => ({ labels: labels(one), value: one[key] })),
        }),
      ),
      {
        name: "jobs_inbox_hits_total",
        help: "Messages that were handled already when they came.",
        type: "counter",
        samples: [{ value: this.inboxHits }],
      },
      {
        name: "jobs_wait_seconds",
        help: "From when a job was due to the start of an attempt.",
        type: "histogram",
        samples: kinds.map((one) => one.wait.sample(labels(one))),
      },
      {
        name: "jobs_run_seconds",
        help: "How long attempts took.",
        type: "histogram",
        samples: kinds.map((one) => one.run.sample(labels(one))),
      },
    ]
  }
}
