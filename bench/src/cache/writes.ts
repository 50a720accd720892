import { createClient } from "redis"
import { AskedProcess } from "../run/process.ts"
import { progress } from "../run/progress.ts"
import { rounded } from "../run/report.ts"
import { inRounds } from "../run/rounds.ts"
import { median, percentile } from "../run/statistics.ts"
import type { CacheReport, CacheRun } from "./libraries.ts"
import { tableRow, verdict } from "./report.ts"
import type { WriteRequest } from "./writes-worker.ts"

/** How long a writer waits for the memory of other processes, in milliseconds: ℓ' of the protocol. */
const windowMs = 20.8

/** What a timer and a busy machine may add, in milliseconds. */
const toleranceMs = 1

const choices = {
  off: { title: "no cache", url: () => "off:" },
  recorded: { title: "no cache, with a record in the transaction", url: () => "off:" },
  rare: { title: `the same, ${windowMs} ms after the last one`, url: () => "off:" },
  embedded: { title: "in the process", url: () => "memory:?exclusive=true" },
  strict: { title: "Redis, strict, Redis alone", url: (redis: string) => redis, local: false },
  "strict-local": { title: "Redis, strict, in the process too", url: (redis: string) => redis, local: true },
  bounded: { title: "Redis, bounded, in the process too", url: (redis: string) => redis, coherence: "bounded" },
} as const
type Choice = keyof typeof choices
type Engine = "sqlite" | "postgres"
type Writer = `${Engine} ${Choice}`

interface Writes {
  p50: number
  p99: number
  count: number
  /** Commands that Redis was given for each write, but those for reads. */
  commands: number
}

/** What a write takes with and without the cache. */
export async function writeLatency(run: CacheRun): Promise<CacheReport> {
  const { redis } = run
  const writers = new Map<Writer, AskedProcess<WriteRequest>>()
  let index = 0
  for (const engine of ["postgres", "sqlite"] as const) {
    for (const name of Object.keys(choices) as Choice[]) {
      progress(`starting a writer: ${engine} ${name}`)
      const { title: _, url, ...choice } = choices[name]
      const asked = new AskedProcess<WriteRequest>(name, new URL("writes-worker.ts", import.meta.url))
      run.atEnd(() => asked.kill())
      const database = await run.databases.make(engine)
      await asked.ask({ kind: "open", database, choice: { ...choice, url: url(`${redis.url}/${index++}`) } })
      writers.set(`${engine} ${name}`, asked)
    }
  }
  const some = [...writers.values()][0] as AskedProcess<WriteRequest>
  const pings = async (): Promise<number> =>
    median((await some.ask({ kind: "ping", redis: redis.url, count: 2_000 })) as number[])
  const names = [...writers.keys()]
  const measure = async (name: Writer, seconds: number): Promise<number[]> => {
    const recorded = /(recorded|rare)$/.test(name)
    const pauseMs = name.endsWith(" rare") ? windowMs : 0
    return (await writers.get(name)?.ask({ kind: "measure", seconds, recorded, pauseMs })) as number[]
  }
  for (const name of names) await measure(name, 0.3)
  const roundTrips = [await pings()]
  const results = await inRounds("writes: ", names, run.rounds, async (name): Promise<Writes> => {
    if (name === names[0]) roundTrips.push(await pings())
    const before = await writingCommands(redis.url)
    const latencies = await measure(name, run.seconds)
    const commands = ((await writingCommands(redis.url)) - before) / latencies.length
    return { p50: median(latencies), p99: percentile(latencies, 0.99), count: latencies.length, commands }
  })
  const roundTrip = median(roundTrips)
  const lines = [
    "## Cache: writes",
    "",
    `\`storage.update\` by key of one caller, each followed by a read of the row, which must give what was written; milliseconds, medians of ${run.rounds} rounds of ${run.seconds} s. A round trip to Redis took ${roundTrip.toFixed(3)} ms (median). A write over Redis records in its transaction what it is going to invalidate; the line "with a record" is a write that does only that; one that waits for ℓ' is compared with such a write after a rest of the same length, since a machine that has rested takes longer for either. Target: beyond it at most one round trip, and ℓ' = ${windowMs} ms where values are kept in the process too, by the clock with a tolerance of ${toleranceMs} ms, and at most one command by the server's count.`,
    "",
    tableRow(["engine", "cache", "p50", "p99", "more than none", "more than a record", "commands a write", "target"]),
    tableRow(["---", "---", "---:", "---:", "---:", "---:", "---:", "---"]),
  ]
  for (const name of names) {
    const [engine, choice] = name.split(" ") as [Engine, Choice]
    const rounds = results.get(name) ?? []
    const moreThan = (other: Choice): number => {
      const others = results.get(`${engine} ${other}`) ?? []
      return median(rounds.map(({ p50 }, round) => p50 - (others[round]?.p50 ?? Number.NaN)))
    }
    const overRedis = choice === "strict" || choice === "strict-local" || choice === "bounded"
    const commands = median(rounds.map((round) => round.commands))
    // Whose processor and disk rest for as long before each write.
    const without = choice === "strict-local" ? "rare" : "recorded"
    const most = roundTrip + (choice === "strict-local" ? windowMs : 0)
    const passed = moreThan(without) <= most + toleranceMs && Math.round(commands * 100) <= 100
    lines.push(
      tableRow([
        engine === "sqlite" ? "SQLite" : "PostgreSQL",
        choices[choice].title,
        rounded(median(rounds.map(({ p50 }) => p50))),
        rounded(median(rounds.map(({ p99 }) => p99))),
        choice === "off" ? "" : moreThan("off").toFixed(3),
        overRedis ? moreThan(without).toFixed(3) : "",
        overRedis ? commands.toFixed(2) : "",
        overRedis ? verdict(passed, `≤ ${most.toFixed(3)} ms more than a record, one command`) : "",
      ]),
    )
  }
  lines.push("")
  return { markdown: lines.join("\n"), packages: ["redis"] }
}

/** How many commands the server was given so far that take entries away. */
async function writingCommands(url: string): Promise<number> {
  const client = createClient({ url })
  client.on("error", (error: Error) => {
    throw error
  })
  await client.connect()
  const stats = await client.info("commandstats")
  client.destroy()
  return Number(/^cmdstat_del:calls=(\d+)/m.exec(stats)?.[1] ?? 0)
}
