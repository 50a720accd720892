import { tableRow, verdict } from "../cache/report.ts"
import { rounded } from "../run/report.ts"
import { median, spread } from "../run/statistics.ts"
import type { JobsReport, JobsRun } from "./libraries.ts"
import { jobRates, openEntrants } from "./rates.ts"

const wanted = 10_000

/** Durable jobs on SQLite, each with an effect. */
export async function sqliteJobs(run: JobsRun): Promise<JobsReport> {
  const entrants = await openEntrants(run, "sqlite", { effects: true, among: ["rootstock"] })
  const lines = [
    "## Jobs: with an effect, on SQLite",
    "",
    `Jobs a second from the first call to the last completion, each with one INSERT as its effect; medians of ${run.rounds} rounds of ${run.seconds} s of sending. WAL with \`synchronous=FULL\`; jobs that wait beside each other share a commit.`,
    "",
    tableRow(["sent", "jobs a second", "±", "target"]),
    tableRow(["---", "---:", "---:", "---"]),
  ]
  const ways = [
    { title: "1,000 at a time by two callers", callers: 2, batch: 1_000, ahead: 10_000 },
    { title: "one by one by 50 callers", callers: 50, batch: 1, ahead: 500 },
  ]
  for (const way of ways) {
    const rates = (await jobRates(run, entrants, way)).get("rootstock") ?? []
    const rate = median(rates)
    lines.push(
      tableRow([
        way.title,
        rounded(rate),
        `${Math.round(spread(rates) * 100)} %`,
        verdict(rate >= wanted, `≥ ${wanted.toLocaleString("en-US")}`),
      ]),
    )
  }
  return { markdown: [...lines, ""].join("\n"), packages: [] }
}
