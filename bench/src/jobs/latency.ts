import { tableRow, verdict } from "../cache/report.ts"
import { rounded } from "../run/report.ts"
import { inRounds } from "../run/rounds.ts"
import { median, percentile } from "../run/statistics.ts"
import { type Engine, engineTitles } from "./databases.ts"
import type { JobsReport, JobsRun } from "./libraries.ts"
import { type Entrant, openEntrants } from "./rates.ts"

const everyMs = 10

/** How long a job takes where little is to do. */
export async function jobLatency(run: JobsRun): Promise<JobsReport> {
  const entrants = new Map<Engine, Entrant>()
  for (const engine of ["sqlite", "postgres"] as const) {
    const opened = await openEntrants(run, engine, { effects: true, among: ["rootstock"] })
    for (const entrant of opened.values()) entrants.set(engine, entrant)
  }
  const slice = async (engine: Engine, seconds: number) =>
    (await entrants.get(engine)?.asked.ask({ kind: "latency", seconds, everyMs })) as number[]
  const engines = [...entrants.keys()]
  for (const engine of engines) await slice(engine, 1)
  const seconds = Math.max(run.seconds, 2)
  const latencies = await inRounds("latency: ", engines, run.rounds, (engine) => slice(engine, seconds))
  const lines = [
    "## Jobs: latency",
    "",
    `One job every ${everyMs} ms, nothing else to do; from the call of \`send\` to the end of the transaction with the effect and the completion, in one process. Milliseconds, medians of ${run.rounds} rounds of ${seconds} s.`,
    "",
    tableRow(["engine", "p50", "p99", "longest of all", "target"]),
    tableRow(["---", "---:", "---:", "---:", "---"]),
  ]
  for (const [engine, rounds] of latencies) {
    const p50 = median(rounds.map(median))
    const p99 = median(rounds.map((values) => percentile(values, 0.99)))
    lines.push(
      tableRow([
        engineTitles[engine],
        rounded(p50),
        rounded(p99),
        rounded(Math.max(...rounds.flat())),
        verdict(p50 <= 10 && p99 <= 50, "p50 ≤ 10, p99 ≤ 50"),
      ]),
    )
  }
  return { markdown: [...lines, ""].join("\n"), packages: [] }
}
