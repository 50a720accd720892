import { ratesTable, usedAs } from "../cache/report.ts"
import { AskedProcess } from "../run/process.ts"
import { progress } from "../run/progress.ts"
import { inRounds } from "../run/rounds.ts"
import type { Engine } from "./databases.ts"
import { type JobsReport, type JobsRun, type Library, libraries, titles } from "./libraries.ts"
import type { Rate, RatesRequest } from "./rates-worker.ts"

/** A contestant in a process of its own. */
export interface Entrant {
  form: Library
  title: string
  used: string
  packages: readonly string[]
  asked: AskedProcess<RatesRequest>
}

/** Jobs that are done at a time. */
export const concurrency = 50

export async function openEntrants(
  run: JobsRun,
  engine: Engine,
  options: { effects: boolean; among: readonly Library[] },
): Promise<Map<Library, Entrant>> {
  const entrants = new Map<Library, Entrant>()
  for (const library of options.among) {
    if (!run.only.includes(library)) continue
    progress(`starting ${library}`)
    const asked = new AskedProcess<RatesRequest>(library, new URL("rates-worker.ts", import.meta.url))
    run.atEnd(() => asked.kill())
    const places = {
      database: await run.databases.make(engine),
      redis: library === "bullmq" ? `${await run.redis()}/${options.effects ? 0 : 1}` : "",
    }
    const setting = { effects: options.effects, pool: run.pool, concurrency }
    const { form, packages } = (await asked.ask({ kind: "open", library, places, setting })) as {
      form: string
      packages: readonly string[]
    }
    entrants.set(library, { form: library, title: titles[library], used: form, packages, asked })
  }
  return entrants
}

/** Jobs a second of each, in the order of the rounds. */
export async function jobRates(
  run: JobsRun,
  entrants: ReadonlyMap<Library, Entrant>,
  how: { title: string; callers: number; batch: number; ahead: number },
): Promise<Map<Library, number[]>> {
  const { title, ...task } = how
  const slice = async (library: Library, seconds: number): Promise<number> => {
    const { asked } = entrants.get(library) as Entrant
    const { jobs, seconds: took } = (await asked.ask({ kind: "rate", seconds, ...task })) as Rate
    return jobs / took
  }
  const names = [...entrants.keys()]
  for (const name of names) {
    progress(`${title}: warming ${name} up`)
    await slice(name, Math.min(run.seconds, 1))
  }
  return inRounds(`${title}: `, names, run.rounds, (name) => slice(name, run.seconds))
}

const peers: readonly Library[] = ["graphile-worker", "pg-boss", "bullmq"]

export async function singleJobs(run: JobsRun): Promise<JobsReport> {
  const entrants = await openEntrants(run, "postgres", { effects: true, among: libraries })
  const rates = await jobRates(run, entrants, { title: "single jobs", callers: 50, batch: 1, ahead: 500 })
  return report(entrants, rates, {
    title: "## Jobs: one by one, with an effect, on PostgreSQL",
    text: `50 callers send one job at a time for ${run.seconds} s, while ${concurrency} are done at a time, each with one INSERT, and wait while 500 are not done; from the first call to the last completion. Medians of ${run.rounds} rounds; ${run.pool} connections each; sender and worker are one process.`,
    ofRaw: 1,
  })
}

export async function batchJobs(run: JobsRun): Promise<JobsReport> {
  const entrants = await openEntrants(run, "postgres", { effects: false, among: libraries })
  const rates = await jobRates(run, entrants, { title: "batches", callers: 2, batch: 1_000, ahead: 10_000 })
  return report(entrants, rates, {
    title: "## Jobs: sent 1,000 at a time, without effects, on PostgreSQL",
    text: `Two callers send 1,000 jobs at a time for ${run.seconds} s, at most 10,000 ahead of the worker; from the first call to the last completion. Medians of ${run.rounds} rounds; ${run.pool} connections each.`,
    ofRaw: 0.7,
  })
}

function report(
  entrants: ReadonlyMap<Library, Entrant>,
  rates: ReadonlyMap<Library, readonly number[]>,
  { title, text, ofRaw }: { title: string; text: string; ofRaw: number },
): JobsReport {
  const all = [...entrants.values()]
  const here = peers.filter((peer) => entrants.has(peer))
  const table = ratesTable(all, rates, { of: "jobs a second", targets: { raw: ofRaw }, bestPeer: 1, peers: here })
  const used = usedAs(all.map((one) => ({ title: one.title, form: one.used })))
  return {
    markdown: [title, "", text, "", table, ...used].join("\n"),
    packages: all.flatMap(({ packages }) => packages),
  }
}
