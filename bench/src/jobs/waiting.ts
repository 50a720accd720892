import { tableRow, verdict } from "../cache/report.ts"
import { AskedProcess } from "../run/process.ts"
import { progress } from "../run/progress.ts"
import { rounded } from "../run/report.ts"
import { inRounds } from "../run/rounds.ts"
import { median, percentile, ratio } from "../run/statistics.ts"
import { type Engine, engineTitles } from "./databases.ts"
import type { JobsReport, JobsRun } from "./libraries.ts"
import type { WaitingRequest } from "./waiting-worker.ts"

const most = 1.5

type Form = "empty" | "full" | "held" | "full-held"
type Place = `${Engine} ${Form}`

/** On SQLite a snapshot that is held open is no hindrance to look for: rows that are gone leave the index at once. */
const places: readonly Place[] = [
  "postgres empty",
  "postgres full",
  "postgres held",
  "postgres full-held",
  "sqlite empty",
  "sqlite full",
]

/** The time of a claim where many jobs wait, and what a send adds to a transaction. */
export async function waitingJobs(run: JobsRun): Promise<JobsReport> {
  const count = run.waiting.toLocaleString("en-US")
  const forms: Record<Form, string> = {
    empty: "an empty table",
    full: `${count} jobs wait`,
    held: "an empty table, a snapshot held open for the whole run",
    "full-held": `${count} jobs wait, a snapshot held open for the whole run`,
  }
  const processes = new Map<Place, AskedProcess<WaitingRequest>>()
  for (const place of places) {
    const [engine, form] = place.split(" ") as [Engine, Form]
    progress(`filling: ${place}`)
    const asked = new AskedProcess<WaitingRequest>(place, new URL("waiting-worker.ts", import.meta.url))
    run.atEnd(() => asked.kill())
    const waiting = form.startsWith("full") ? run.waiting : 0
    const database = await run.databases.make(engine)
    await asked.ask({ kind: "open", database, pool: run.pool, waiting, held: form.endsWith("held") })
    processes.set(place, asked)
  }
  const slice = async (place: Place, seconds: number) =>
    (await processes.get(place)?.ask({ kind: "claims", seconds })) as number[]
  for (const place of places) {
    progress(`claims: warming ${place} up`)
    await slice(place, 0.5)
  }
  const times = await inRounds("claims: ", places, run.rounds, (place) => slice(place, run.seconds))
  const lines = [
    "## Jobs: many waiting",
    "",
    `Milliseconds of the statement that claims ten jobs, as the worker sees it; medians of ${run.rounds} rounds of ${run.seconds} s, each with a database of its own. Where the table is empty, ten jobs are sent whenever the last ten are done; otherwise the worker takes what waits, all of it due and in one queue.`,
    "",
    tableRow(["engine", "", "p50", "p99", "claims", "of an empty table", "target"]),
    tableRow(["---", "---", "---:", "---:", "---:", "---:", "---"]),
  ]
  for (const place of places) {
    const [engine, form] = place.split(" ") as [Engine, Form]
    const rounds = times.get(place) ?? []
    const medians = rounds.map(median)
    const against = ratio(medians, (times.get(`${engine} empty`) ?? []).map(median))
    lines.push(
      tableRow([
        engineTitles[engine],
        forms[form],
        rounded(median(medians)),
        rounded(median(rounds.map((values) => percentile(values, 0.99)))),
        String(rounds.flat().length),
        form === "empty" ? "" : against.toFixed(2),
        form === "empty" ? "" : verdict(against <= most, `≤ ${most}`),
      ]),
    )
  }
  lines.push("")
  for (const engine of ["postgres", "sqlite"] as const) {
    const counted = (await processes.get(`${engine} empty`)?.ask({ kind: "statements" })) as Record<
      "without" | "with",
      string[]
    >
    const added = counted.with.length - counted.without.length
    lines.push(
      `A send inside a transaction adds ${added} statement${added === 1 ? "" : "s"} on ${engineTitles[engine]}: ${verdict(added === 1, "1")} (${counted.without.length} without it, ${counted.with.length} with it).`,
      "",
    )
  }
  return { markdown: lines.join("\n"), packages: [] }
}
