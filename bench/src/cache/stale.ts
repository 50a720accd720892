import { rounded } from "../run/report.ts"
import { inRounds } from "../run/rounds.ts"
import type { CacheReport, CacheRun } from "./libraries.ts"
import { tableRow, usedAs, verdict } from "./report.ts"
import { askBoth, openPairs, type Pair, packagesOfPairs } from "./shared.ts"
import type { Events } from "./shared-worker.ts"

const keys = [1, 2, 3, 4, 5]
const slices = 4

/** Reads that give what a write had replaced before they began, with two instances. */
export async function staleReads(run: CacheRun): Promise<CacheReport> {
  const pairs = await openPairs(run, [0, 20])
  const results = await inRounds("stale reads: ", [...pairs.keys()], run.rounds, async (form) => {
    const pair = pairs.get(form) as Pair
    const seconds = slices * run.seconds
    const both = await askBoth<Events>(pair, (startAt) => ({
      kind: "read and write",
      ids: keys,
      readers: 4,
      writers: 1,
      seconds,
      startAt,
    }))
    return staleOf(both)
  })
  const lines = [
    "## Cache: stale reads",
    "",
    `Two processes on one PostgreSQL database and one Redis, each with 4 readers and a writer on the same ${keys.length} keys; loading takes up to 20 ms beyond its query, readers rest up to 4 ms and writers up to 40 ms. A read is stale where it gives a version older than one that was acknowledged before it began. ${run.rounds} rounds of ${slices * run.seconds} s.`,
    "",
    tableRow(["", "reads", "writes", "stale reads", "part", "oldest, ms", "target"]),
    tableRow(["---", "---:", "---:", "---:", "---:", "---:", "---"]),
  ]
  for (const [form, { title }] of pairs) {
    const rounds = results.get(form) ?? []
    const sum = (of: (round: Staleness) => number): number => rounds.reduce((total, round) => total + of(round), 0)
    const stale = sum((round) => round.stale)
    const reads = sum((round) => round.reads)
    lines.push(
      tableRow([
        title,
        reads.toLocaleString("en-US"),
        sum(({ writes }) => writes).toLocaleString("en-US"),
        stale.toLocaleString("en-US"),
        `${rounded((100 * stale) / reads)} %`,
        rounded(Math.max(...rounds.map(({ oldestMs }) => oldestMs))),
        title.startsWith("Rootstock") ? verdict(stale === 0, "0") : "",
      ]),
    )
  }
  lines.push("", ...usedAs(pairs.values()))
  return { markdown: lines.join("\n"), packages: packagesOfPairs(pairs) }
}

interface Staleness {
  reads: number
  writes: number
  stale: number
  /** The longest time from the acknowledgement of the next version to the beginning of a read that missed it. */
  oldestMs: number
}

function staleOf(events: readonly Events[]): Staleness {
  const acknowledged = new Map<number, { version: number; at: bigint }[]>()
  for (const { id, version, acknowledgedAt: at } of events.flatMap(({ writes }) => writes)) {
    const list = acknowledged.get(id) ?? []
    list.push({ version, at })
    acknowledged.set(id, list)
  }
  const reads = events.flatMap((one) => one.reads)
  let stale = 0
  let oldest = 0n
  for (const { id, version, startedAt } of reads) {
    // Versions may be acknowledged in another order than they were given.
    const newer = (acknowledged.get(id) ?? []).filter((write) => write.version > version && write.at < startedAt)
    if (newer.length === 0) continue
    stale += 1
    for (const { at } of newer) if (startedAt - at > oldest) oldest = startedAt - at
  }
  const writes = [...acknowledged.values()].reduce((sum, list) => sum + list.length, 0)
  return { reads: reads.length, writes, stale, oldestMs: Number(oldest) / 1e6 }
}
