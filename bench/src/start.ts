import { fork } from "node:child_process"
import { once } from "node:events"
import { rmSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { type ContestantName, type Engine, engines, titles } from "./run/contestants.ts"
import { type Databases, makeDatabases } from "./run/databases.ts"
import { environmentLines } from "./run/environment.ts"
import { commandLine, OptionReader } from "./run/options.ts"
import { progress, progressDone } from "./run/progress.ts"
import { writeSection } from "./run/results-file.ts"
import { median } from "./run/statistics.ts"

const help = `npm run bench:start -- [options]

  --engine sqlite|postgres   one engine (default: both)
  --starts <n>               starts of each (default 15)
  --workloads <n>            runs of the memory workload of each (default 3)
  --json                     print the results as JSON, leave RESULTS.md alone
`

const { values: options } = parseArgs({
  options: {
    engine: { type: "string" },
    starts: { type: "string", default: "15" },
    workloads: { type: "string", default: "3" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
})
const reader = new OptionReader(help)
reader.helpIf(options.help)
const chosenEngines = reader.chosen("--engine", options.engine, engines)
const starts = reader.positive("--starts", options.starts)
const workloads = reader.positive("--workloads", options.workloads)

const compared = ["raw", "rootstock", "drizzle"] as const satisfies ContestantName[]

interface StartResult {
  engine: Engine
  name: ContestantName
  /** From the start of the process to its first answer, at the one who started it. */
  milliseconds: number
  /** Peak memory of the workload. */
  mebibytes: number
}

// Beside the packages that Rootstock needs, and out of sight of those of this folder.
const buildFolder = fileURLToPath(new URL("../../node_modules/.cache/rootstock-bench", import.meta.url))

const results: StartResult[] = []
try {
  progress("building Rootstock")
  const { buildLibrary } = (await import("../../scripts/build/library.ts")) as {
    buildLibrary: (folder: string) => unknown
  }
  await buildLibrary(buildFolder)
  for (const engine of chosenEngines) results.push(...(await measureEngine(engine)))
} finally {
  rmSync(buildFolder, { recursive: true, force: true })
}
progressDone()

if (options.json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`)
else {
  const report = reportOf(results)
  process.stdout.write(`${report}\n`)
  const environment = await environmentLines(["drizzle-orm", "better-sqlite3", "pg"], { postgres: true })
  writeSection("start", [report, ...environment, `Command: \`${commandLine("bench:start")}\``].join("\n"))
}

async function measureEngine(engine: Engine): Promise<StartResult[]> {
  progress(`${engine}: filling the database`)
  const databases = await makeDatabases(engine)
  try {
    const locations = new Map(compared.map((name) => [name, databases.locationFor(name)]))
    const times = await measureStarts(engine, locations)
    const peaks = await measureMemory(engine, databases)
    return compared.map((name) => ({
      engine,
      name,
      milliseconds: median(times.get(name) ?? []),
      mebibytes: median(peaks.get(name) ?? []) / 1_024,
    }))
  } finally {
    await databases.drop()
  }
}

async function measureStarts(
  engine: Engine,
  locations: ReadonlyMap<ContestantName, string>,
): Promise<Map<ContestantName, number[]>> {
  const times = new Map<ContestantName, number[]>(compared.map((name) => [name, []]))
  let expected: string | undefined
  // The first round fills the caches of the file system and is not counted.
  for (let round = 0; round <= starts; round += 1) {
    for (let turn = 0; turn < compared.length; turn += 1) {
      const name = compared[(turn + round) % compared.length] as (typeof compared)[number]
      progress(`${engine}: start: round ${round} of ${starts}, ${name}`)
      const program = name === "rootstock" ? "rootstock.js" : `${name}-${engine}.js`
      const start = performance.now()
      const { answer, end } = await firstAnswer(`start/${program}`, [locations.get(name) as string, buildFolder])
      if (round > 0) times.get(name)?.push(end - start)
      const sorted = JSON.stringify(Object.entries(answer as object).sort())
      expected ??= sorted
      if (sorted !== expected) throw new Error(`${name} answers differently: ${sorted}`)
    }
  }
  return times
}

async function measureMemory(engine: Engine, databases: Databases): Promise<Map<ContestantName, number[]>> {
  const peaks = new Map<ContestantName, number[]>(compared.map((name) => [name, []]))
  for (let round = 0; round < workloads; round += 1) {
    for (const name of compared) {
      progress(`${engine}: memory: round ${round + 1} of ${workloads}, ${name}`)
      const location = databases.locationFor(`${name}-memory-${round}`)
      const { answer } = await firstAnswer("start/workload.ts", [name, engine, location])
      peaks.get(name)?.push(answer as number)
    }
  }
  return peaks
}

async function firstAnswer(program: string, parameters: string[]): Promise<{ answer: unknown; end: number }> {
  const child = fork(new URL(program, import.meta.url), parameters, {
    env: { ...process.env, NODE_ENV: "production" },
  })
  const exit = once(child, "exit") as Promise<[number | null]>
  const first = await Promise.race([
    once(child, "message"),
    exit.then(([code]) => new Error(`${program} ended with ${code}`)),
  ])
  const end = performance.now()
  if (first instanceof Error) throw first
  await exit
  return { answer: first[0], end }
}

function reportOf(all: readonly StartResult[]): string {
  const lines = [
    "## Start and memory",
    "",
    `Start: from the start of a fresh process to its first answer (a row by key), medians of ${starts}; every program is plain JavaScript, Rootstock its published build. Memory: peak resident memory of a process over a fixed workload (10,000 rows by key, 500 lists of 50, 100 times 100 orders with items and products, 2,048 inserts by 32 callers, 3 imports of 10,000 rows), medians of ${workloads}. Target: no worse than Drizzle's.`,
    "",
    `| engine | measure | ${compared.map((name) => titles[name]).join(" | ")} | of Drizzle's | target |`,
    `| --- | --- | ${compared.map(() => "---:").join(" | ")} | ---: | --- |`,
  ]
  for (const engine of engines) {
    for (const [measure, unit] of [
      ["milliseconds", "start, ms"],
      ["mebibytes", "peak memory, MiB"],
    ] as const) {
      const values = compared.map(
        (name) => all.find((result) => result.engine === engine && result.name === name)?.[measure],
      )
      const [, rootstock, drizzle] = values
      if (rootstock === undefined || drizzle === undefined) continue
      const ratio = rootstock / drizzle
      lines.push(
        `| ${engine} | ${unit} | ${values.map((value) => value?.toFixed(0)).join(" | ")} | ${ratio.toFixed(2)} | ${ratio <= 1 ? "pass" : "**miss**"}: ≤ 1 |`,
      )
    }
  }
  lines.push("")
  return lines.join("\n")
}
