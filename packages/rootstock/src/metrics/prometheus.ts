import type { Metric } from "./metric.ts"

/** Media type of the text format. */
export const prometheusType = "text/plain; version=0.0.4; charset=utf-8"

/**
 * Metrics in the text format of Prometheus
 * (https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format). Samples of one name that come from
 * several sources stand together.
 */
export function prometheusText(metrics: readonly Metric[]): string {
  const byName = new Map<string, Metric[]>()
  for (const metric of metrics) {
    const same = byName.get(metric.name)
    if (same === undefined) byName.set(metric.name, [metric])
    else same.push(metric)
  }
  const lines: string[] = []
  for (const [name, same] of byName) {
    const { help, type } = same[0] as Metric
    lines.push(`# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}`, `# TYPE ${name} ${type}`)
    for (const metric of same) appendSamples(lines, metric)
  }
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`
}

function appendSamples(lines: string[], metric: Metric): void {
  const { name } = metric
  if (metric.type !== "histogram") {
    for (const { labels, value } of metric.samples) lines.push(`${name}${shownLabels(labels)} ${shownNumber(value)}`)
    return
  }
  for (const { labels, bounds, counts, sum } of metric.samples) {
    let total = 0
    counts.forEach((count, index) => {
      total += count
      const le = shownNumber(bounds[index] ?? Number.POSITIVE_INFINITY)
      lines.push(`${name}_bucket${shownLabels({ ...labels, le })} ${total}`)
    })
    lines.push(`${name}_sum${shownLabels(labels)} ${shownNumber(sum)}`, `${name}_count${shownLabels(labels)} ${total}`)
  }
}

function shownNumber(value: number): string {
  if (Number.isFinite(value)) return String(value)
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf"
}

function shownLabels(labels: Readonly<Record<string, string>> | undefined): string {
  const entries = Object.entries(labels ?? {})
  if (entries.length === 0) return ""
  const escaped = (text: string) => text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")
  return `{${entries.map(([name, value]) => `${name}="${escaped(value)}"`).join(",")}}`
}
