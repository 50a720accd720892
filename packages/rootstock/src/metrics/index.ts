export { Histogram, secondsBounds } from "./histogram.ts"
export { labelled } from "./labelled.ts"
export type { HistogramSample, Metric, MetricSource, Sample } from "./metric.ts"
export { prometheusText, prometheusType } from "./prometheus.ts"
