import type { Metric } from "./metric.ts"

/** The same metrics with more labels. */
export function labelled(metrics: readonly Metric[], labels: Readonly<Record<string, string>>): readonly Metric[] {
  const more = <S extends { readonly labels?: Readonly<Record<string, string>> }>(samples: readonly S[]): S[] =>
    samples.map((sample) => ({ ...sample, labels: { ...labels, ...sample.labels } }))
  return metrics.map((metric) =>
    metric.type === "histogram"
      ? { ...metric, samples: more(metric.samples) }
      : { ...metric, samples: more(metric.samples) },
  )
}
