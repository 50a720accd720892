import assert from "node:assert/strict"
import { inRounds } from "../run/rounds.ts"
import { median } from "../run/statistics.ts"
import type { CacheReport, CacheRun } from "./libraries.ts"
import { tableRow, usedAs, verdict } from "./report.ts"
import { askBoth, openPairs, type Pair, packagesOfPairs } from "./shared.ts"
import type { SharedForm, Stampede } from "./shared-worker.ts"

const readers = 500
const loadMs = 50

/** How often a missing key is loaded when many ask for it at once, in two processes. */
export async function stampede(run: CacheRun): Promise<CacheReport> {
  const pairs = await openPairs(run, [loadMs, loadMs])
  const asked = new Map<SharedForm, number>()
  const one = async (form: SharedForm): Promise<{ loads: number; milliseconds: number }> => {
    const pair = pairs.get(form) as Pair
    const id = (asked.get(form) ?? 0) + 1
    asked.set(form, id)
    const both = await askBoth<Stampede>(pair, (startAt) => ({ kind: "stampede", id, readers, startAt }))
    for (const { versions } of both) assert.deepEqual(versions, [0], `${form} gives other versions`)
    return {
      loads: both.reduce((sum, { loads }) => sum + loads, 0),
      milliseconds: Math.max(...both.map(({ milliseconds }) => milliseconds)),
    }
  }
  const names = [...pairs.keys()]
  // The first is not counted: its code is cold.
  for (const form of names) await one(form)
  const results = await inRounds("stampede: ", names, 4 * run.rounds, one)
  const lines = [
    "## Cache: many readers of a missing key",
    "",
    `${readers} reads of one missing key at once in each of two processes, on PostgreSQL and Redis; loading takes ${loadMs} ms and a query. ${4 * run.rounds} rounds, each with another key.`,
    "",
    tableRow(["", "loads a key (median)", "most loads", "ms until all have it (median)", "target"]),
    tableRow(["---", "---:", "---:", "---:", "---"]),
  ]
  for (const [form, { title }] of pairs) {
    const figures = results.get(form) ?? []
    const loads = figures.map((figure) => figure.loads)
    const most = Math.max(...loads)
    lines.push(
      tableRow([
        title,
        String(median(loads)),
        String(most),
        median(figures.map(({ milliseconds }) => milliseconds)).toFixed(0),
        title.startsWith("Rootstock") ? verdict(most === 1, "1") : "",
      ]),
    )
  }
  lines.push("", ...usedAs(pairs.values()))
  return { markdown: lines.join("\n"), packages: packagesOfPairs(pairs) }
}
