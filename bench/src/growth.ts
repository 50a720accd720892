import { parseArgs } from "node:util"
import { type Engine, engines } from "./run/contestants.ts"
import { type Databases, makeDatabases } from "./run/databases.ts"
import { environmentLines } from "./run/environment.ts"
import { type GrowthCall, growthCalls } from "./run/growth-tasks.ts"
import { commandLine, OptionReader } from "./run/options.ts"
import { ContestantProcess } from "./run/process.ts"
import { progress, progressDone } from "./run/progress.ts"
import { writeSection } from "./run/results-file.ts"
import { median } from "./run/statistics.ts"

const help = `npm run bench:growth -- [options]

  --engine sqlite|postgres   one engine (default: both)
  --only raw|rootstock       one contestant (default: both)
  --sizes <n,…>              rows of the table (default 10000,100000,1000000)
  --seconds <n>              length of a slice (default 1)
  --rounds <n>               rounds (default 3)
  --json                     print the results as JSON, leave RESULTS.md alone
`

const { values: options } = parseArgs({
  options: {
    engine: { type: "string" },
    only: { type: "string" },
    sizes: { type: "string", default: "10000,100000,1000000" },
    seconds: { type: "string", default: "1" },
    rounds: { type: "string", default: "3" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
})
const reader = new OptionReader(help)
reader.helpIf(options.help)
const chosenEngines = reader.chosen("--engine", options.engine, engines)
const compared = reader.chosen("--only", options.only, ["rootstock", "raw"] as const)
const sizes = options.sizes.split(",").map((size) => reader.positive("--sizes", size))
const seconds = reader.positive("--seconds", options.seconds)
const rounds = reader.positive("--rounds", options.rounds)

/** The slowest size may take this many times as long as the fastest. */
const target = 1.5

interface GrowthResult {
  engine: Engine
  name: (typeof compared)[number]
  call: GrowthCall
  /** Microseconds a call, by size. */
  microseconds: number[]
}

const results: GrowthResult[] = []
for (const engine of chosenEngines) results.push(...(await measureEngine(engine)))
progressDone()

if (options.json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`)
else {
  const report = reportOf(results)
  process.stdout.write(`${report}\n`)
  const environment = await environmentLines(["pg"], { postgres: true })
  writeSection("growth", [report, ...environment, `Command: \`${commandLine("bench:growth")}\``].join("\n"))
}

async function measureEngine(engine: Engine): Promise<GrowthResult[]> {
  const databases: Databases[] = []
  const processes: ContestantProcess[][] = []
  const stop = async (): Promise<void> => {
    for (const contestant of processes.flat()) contestant.kill()
    for (const database of databases) await database.drop()
  }
  const interrupted = (): void => {
    void stop().finally(() => process.exit(130))
  }
  process.once("SIGINT", interrupted)
  process.once("SIGTERM", interrupted)
  try {
    for (const size of sizes) {
      progress(`${engine}: filling ${size} rows`)
      const database = await makeDatabases(engine, size)
      databases.push(database)
      const started: ContestantProcess[] = []
      processes.push(started)
      for (const name of compared) {
        started.push(
          await ContestantProcess.start({ name, engine, location: database.locationFor(name), poolSize: 10 }),
        )
      }
    }
    const measured: GrowthResult[] = []
    for (const call of growthCalls) {
      for (const [index, name] of compared.entries()) {
        const microseconds = await measureSizes(
          `${engine}: ${call}: ${name}`,
          call,
          processes.map((started) => started[index] as ContestantProcess),
        )
        measured.push({ engine, name, call, microseconds })
      }
    }
    for (const contestant of processes.flat()) await contestant.close()
    return measured
  } finally {
    await stop()
    process.off("SIGINT", interrupted)
    process.off("SIGTERM", interrupted)
  }
}

/** All sizes in every round, each round in another order. */
async function measureSizes(
  label: string,
  call: GrowthCall,
  contestants: readonly ContestantProcess[],
): Promise<number[]> {
  const times = contestants.map((): number[] => [])
  for (const [index, contestant] of contestants.entries()) {
    await contestant.measureGrowth(call, sizes[index] as number, Math.min(0.5, seconds))
  }
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < contestants.length; turn += 1) {
      const index = (turn + round) % contestants.length
      progress(`${label}: round ${round + 1} of ${rounds}, ${sizes[index]} rows`)
      const contestant = contestants[index] as ContestantProcess
      const slice = await contestant.measureGrowth(call, sizes[index] as number, seconds)
      times[index]?.push((slice.seconds * 1_000_000) / slice.operations)
    }
  }
  return times.map(median)
}

function reportOf(all: readonly GrowthResult[]): string {
  const lines = [
    "## Growth",
    "",
    `Microseconds a call (one caller, medians of ${rounds} rounds of ${seconds} s) on tables of messages of growing size; a chat has at least 100 in each. Target: the slowest size at most ${target} × the fastest.`,
    "",
    `| engine | contestant | call | ${sizes.map((size) => `${size.toLocaleString("en-US")} rows`).join(" | ")} | slowest / fastest | target |`,
    `| --- | --- | --- | ${sizes.map(() => "---:").join(" | ")} | ---: | --- |`,
  ]
  for (const { engine, name, call, microseconds } of all) {
    const growth = Math.max(...microseconds) / Math.min(...microseconds)
    const verdict = name === "rootstock" ? `${growth <= target ? "pass" : "**miss**"}: ≤ ${target}` : ""
    lines.push(
      `| ${engine} | ${name} | ${call} | ${microseconds.map((value) => value.toPrecision(3)).join(" | ")} | ${growth.toFixed(2)} | ${verdict} |`,
    )
  }
  lines.push("")
  return lines.join("\n")
}
