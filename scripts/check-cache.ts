// Checks that no read is stale while everything around the cache fails.
//
//   npm run check:cache -- --seconds 300
//   npm run check:cache -- --simulate --reads 1000000 --seed 7

import { parseArgs } from "node:util"
import { elapsed } from "../packages/rootstock/src/clock/index.ts"
import { type CheckCounts, type CheckResult, checkCache } from "../packages/rootstock/test/cache/redis/check/run.ts"
import { type Ablation, ablations, simulate } from "../packages/rootstock/test/cache/simulation/simulate.ts"
import { hasRedisServer } from "../packages/rootstock/test/redis/redis-server.ts"
import type { EngineName } from "../packages/rootstock/test/support/index.ts"

const help = `Checks guarantee G: a read that starts after a write was acknowledged returns that write or a newer one.

Real processes with a Redis server of their own (redis-server must be on the PATH), which are stopped, killed, flushed,
restarted with old snapshots, and cut off:
  --seconds N        how long, for each engine (default 180)
  --engine NAME      sqlite, postgres (needs TEST_POSTGRES_URL), or both (default: those that are there)
  --processes N      worker processes (default 4)
  --coherence MODE   strict (default), bounded or ttl; only strict is held to 0 stale reads

Simulated processes and servers, in simulated time:
  --simulate         in place of real ones
  --reads N          how many reads (default 1000000)
  --without PART     leaves out a part of the protocol, to see that it is missed: ${ablations.join(", ")}

  --seed N           of all random choices (default: the process id)
  --help

Ends with 0 where no read was stale, with 1 where one was, with 2 for wrong arguments.`

const { values } = readArguments()
if (values.help) {
  console.log(help)
  process.exit(0)
}
const seed = whole("seed", values.seed ?? String(process.pid), 0)
const terminal = process.stdout.isTTY
const fine = values.simulate ? await checkSimulated() : await checkReal()
process.exit(fine ? 0 : 1)

function readArguments() {
  try {
    return parseArgs({
      options: {
        seconds: { type: "string", default: "180" },
        engine: { type: "string" },
        processes: { type: "string", default: "4" },
        coherence: { type: "string", default: "strict" },
        simulate: { type: "boolean", default: false },
        reads: { type: "string", default: "1000000" },
        without: { type: "string" },
        seed: { type: "string" },
        help: { type: "boolean", default: false },
      },
    })
  } catch (error) {
    return refuse((error as Error).message)
  }
}

function refuse(why: string): never {
  console.error(`${why}\n\n${help}`)
  process.exit(2)
}

function whole(name: string, text: string, least: number): number {
  const value = Number(text)
  return Number.isSafeInteger(value) && value >= least
    ? value
    : refuse(`--${name} must be a whole number from ${least} on, not ${text}`)
}

function oneOf<T extends string>(name: string, text: string, names: readonly T[]): T {
  return names.find((one) => one === text) ?? refuse(`--${name} must be one of ${names.join(", ")}, not ${text}`)
}

/** Shows how far it is, on one line of a terminal. */
function show(line: string): void {
  if (terminal) process.stdout.write(`\r\x1b[K${line}`)
}

function counted(count: number): string {
  return count.toLocaleString("en")
}

async function checkSimulated(): Promise<boolean> {
  const reads = whole("reads", values.reads, 1)
  const without: Ablation | undefined =
    values.without === undefined ? undefined : oneOf("without", values.without, ablations)
  const begun = elapsed()
  const { tally, time, settled } = await simulate({
    seed,
    reads,
    without,
    progress: (present) => show(`${counted(present.reads)} of ${counted(reads)} reads, ${present.stale} stale`),
  })
  show("")
  const { hitsLocal, hitsRemote, misses, bypassed, fills, refusedFills } = tally.counters
  console.log(
    [
      `simulated${without === undefined ? "" : ` without the ${without}`}, seed ${seed}: ${counted(tally.reads)} reads, ${counted(tally.stale)} stale`,
      `  ${Math.round(time / 1_000)} s of simulated time in ${((elapsed() - begun) / 1_000).toFixed(1)} s`,
      `  ${counted(tally.faults)} faults, ${tally.crashes} crashes, ${counted(tally.acknowledged)} of ${counted(tally.writes)} writes acknowledged, the slowest after ${Math.round(tally.slowestWrite)} ms`,
      `  hits ${counted(hitsLocal)} in memory, ${counted(hitsRemote)} in Redis; misses ${counted(misses)}; past the cache ${counted(bypassed)}; fills ${counted(fills)}, refused ${counted(refusedFills)}`,
      `  ${settled ? "came to rest" : "DID NOT COME TO REST"} after the faults`,
      ...(tally.first === undefined ? [] : [`  first: ${tally.first}`]),
    ].join("\n"),
  )
  return tally.stale === 0 && settled
}

function enginesToCheck(): EngineName[] {
  const hasPostgres = Boolean(process.env["TEST_POSTGRES_URL"])
  const wanted =
    values.engine === undefined ? undefined : oneOf("engine", values.engine, ["sqlite", "postgres", "both"])
  if (wanted === "sqlite") return ["sqlite"]
  if (!hasPostgres && wanted !== undefined) refuse(`--engine ${wanted} needs TEST_POSTGRES_URL`)
  if (wanted === "postgres") return ["postgres"]
  if (!hasPostgres) console.log("TEST_POSTGRES_URL is unset: PostgreSQL is left out.")
  return hasPostgres ? ["postgres", "sqlite"] : ["sqlite"]
}

async function checkReal(): Promise<boolean> {
  if (!hasRedisServer()) refuse("redis-server is not on the PATH")
  const seconds = whole("seconds", values.seconds, 1)
  const processes = whole("processes", values.processes, 1)
  const coherence = oneOf("coherence", values.coherence, ["strict", "bounded", "ttl"])
  let fine = true
  for (const engine of enginesToCheck()) {
    const progress = (counts: CheckCounts, passed: number) =>
      show(
        `${engine}: ${Math.round(passed)} of ${seconds} s, ${counted(counts.reads)} reads, ${counted(counts.writes)} writes, ${sum(counts.faults)} faults`,
      )
    const result = await checkCache({ engine, coherence, seconds, seed, processes, progress })
    show("")
    print(`${engine}, ${coherence}, ${processes} processes, ${seconds} s, seed ${seed}`, result)
    if (coherence === "strict" && result.stale.length > 0) fine = false
    if (result.leftInOutbox > 0) fine = false
  }
  return fine
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0)
}

function print(title: string, { counts, stale, leftInOutbox }: CheckResult): void {
  const { cache } = counts
  const count = (name: string) => counted(cache[name] ?? 0)
  const faults = Object.entries(counts.faults)
    .map(([name, times]) => `${name} ${times}`)
    .join(", ")
  console.log(
    [
      `${title}: ${counted(counts.reads)} reads, ${counted(stale.length)} stale`,
      `  ${counted(counts.writes)} writes; failed reads ${counts.failedReads}, failed writes ${counts.failedWrites}; the slowest read ${Math.round(counts.slowestReadMs)} ms, stops of its process included`,
      `  hits ${count("hitsLocal")} in memory, ${count("hitsRemote")} in Redis; misses ${count("misses")}; past the cache ${count("bypassed")}; fills ${count("fills")}, refused ${count("refusedFills")}`,
      `  ${sum(counts.faults)} faults: ${faults}`,
      `  invalidations that nobody did: ${leftInOutbox}`,
      ...stale
        .slice(0, 5)
        .map(
          ({ row, version, acknowledged, sinceUs }) =>
            `  STALE ${row}: version ${version}, though ${acknowledged} had been acknowledged ${Math.round(sinceUs / 1_000)} ms before`,
        ),
    ].join("\n"),
  )
}
