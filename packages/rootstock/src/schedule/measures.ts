import { Histogram, type Metric } from "../metrics/index.ts"
import type { Database } from "../storage/index.ts"
import type { Fire } from "./make-fires.ts"

/** Counts what schedules do in this process. */
export class Measures {
  readonly #lateness = new Histogram()
  readonly #fires: Record<Fire["cause"], number> = { due: 0, hand: 0, replay: 0 }
  #missed = 0
  #failed = 0

  fired(cause: Fire["cause"], count: number): void {
    this.#fires[cause] += count
  }

  /** A fire at its time; how late it was, in milliseconds. */
  late(milliseconds: number): void {
    this.#lateness.observe(milliseconds / 1_000)
  }

  missed(count: number): void {
    this.#missed += count
  }

  failed(): void {
    this.#failed++
  }

  async metrics(database: Database, now: Date): Promise<Metric[]> {
    const states = await database.fetch<{ source: string; state: string; count: number }>`
      SELECT source, CASE WHEN next_at IS NULL THEN 'ended' WHEN enabled = ${true} THEN 'active' ELSE 'paused' END AS state,
        count(*) AS count
      FROM schedule GROUP BY 1, 2 ORDER BY 1, 2`
    const first = await firstDue(database)
    const overdueMs = first === undefined ? 0 : Math.max(0, now.getTime() - first.getTime())
    return [
      {
        name: "schedule_fire_lateness_seconds",
        help: "From the time of a fire to its job.",
        type: "histogram",
        samples: [this.#lateness.sample()],
      },
      {
        name: "schedule_fires_total",
        help: "Fires that were made: at their time, by hand, and replayed.",
        type: "counter",
        samples: Object.entries(this.#fires).map(([cause, value]) => ({ labels: { cause }, value })),
      },
      {
        name: "schedule_missed_fires_total",
        help: "Fires that were dropped because they were too late.",
        type: "counter",
        samples: [{ value: this.#missed }],
      },
      {
        name: "schedule_failures_total",
        help: "Schedules that were due and could not be fired; each is tried again.",
        type: "counter",
        samples: [{ value: this.#failed }],
      },
      {
        name: "schedules",
        help: "Schedules of the database by source and state.",
        type: "gauge",
        samples: states.map(({ source, state, count }) => ({ labels: { source, state }, value: Number(count) })),
      },
      {
        name: "schedule_overdue_seconds",
        help: "How long the oldest fire that is due waits for a scheduler.",
        type: "gauge",
        samples: [{ value: overdueMs / 1_000 }],
      },
    ]
  }
}

/** The earliest next fire of all active schedules. */
export async function firstDue(database: Database): Promise<Date | undefined> {
  const first = await database.fetchValue<Date | string | null>`
    SELECT min(next_at) FROM schedule WHERE enabled = ${true}`
  return first == null ? undefined : new Date(first)
}
