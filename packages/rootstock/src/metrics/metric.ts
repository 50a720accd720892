/** What was measured under one set of labels. */
export type Sample = {
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
}

/** Observations in buckets, under one set of labels. */
export type HistogramSample = {
  readonly labels?: Readonly<Record<string, string>>
  /** Upper bounds, ascending, without infinity. */
  readonly bounds: readonly number[]
  /** Observations up to each bound and beyond the last, not cumulated: one more than `bounds`. */
  readonly counts: readonly number[]
  readonly sum: number
}

/** One thing that is measured, as it stands; units are in the name, e.g. `job_wait_seconds`. */
export type Metric =
  | {
      /** Lower-case words with underscores; a counter's ends in `_total`. */
      readonly name: string
      readonly help: string
      readonly type: "counter" | "gauge"
      readonly samples: readonly Sample[]
    }
  | {
      readonly name: string
      readonly help: string
      readonly type: "histogram"
      readonly samples: readonly HistogramSample[]
    }

/** Gives what is measured as it stands. */
export type MetricSource = () => readonly Metric[] | Promise<readonly Metric[]>
