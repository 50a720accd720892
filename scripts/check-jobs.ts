// Harasses workers at length, and counts what came of the jobs: each must have its effect exactly once.
//
//   npm run check:jobs -- --seconds 120 --jobs 20000 --engine all
//   npm run check:jobs -- --broker

import { parseArgs } from "node:util"
import { type ChaosResult, runChaos } from "../packages/rootstock/test/jobs/chaos/chaos.ts"
import { startUnsteadyBroker } from "../packages/rootstock/test/jobs/chaos/unsteady-broker.ts"
import { type Engine, engines } from "../packages/rootstock/test/support/index.ts"
import { startEmbeddedPostgres } from "./test/embedded-postgres.ts"

const help = `Usage: npm run check:jobs -- [options]

Workers in processes of their own do jobs whose effects are counted, while they are killed, frozen and cut off from the
database at random, senders roll back, and snapshots are held open. Every job must have its effect exactly once.

  --engine sqlite|postgres|all   where (default all); PostgreSQL is that of TEST_POSTGRES_URL, or an embedded one
  --jobs N                       how many jobs are sent (default 20000)
  --seconds N                    how long the chaos lasts (default 120)
  --workers N                    how many processes work at a time (default 3)
  --seed N                       of the random numbers that say who is harassed when (default: another one each time)
  --broker                       by way of a RabbitMQ of its own, whose connections break, that hangs and is killed, too
  --ablation                     complete jobs by their id alone: the check passes only if that is caught doubling
  --help                         show this`

const { values } = parseArgs({
  options: {
    engine: { type: "string", default: "all" },
    jobs: { type: "string", default: "20000" },
    seconds: { type: "string", default: "120" },
    workers: { type: "string", default: "3" },
    seed: { type: "string", default: String(process.pid) },
    broker: { type: "boolean", default: false },
    ablation: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
})

if (values.help) {
  console.log(help)
  process.exit(0)
}

const jobs = wholeNumber("jobs")
const seconds = wholeNumber("seconds")
const workers = wholeNumber("workers")
const seed = wholeNumber("seed")
const wanted = values.engine === "all" ? ["sqlite", "postgres"] : [values.engine]
if (!wanted.every((name) => name === "sqlite" || name === "postgres")) {
  console.error(`--engine is ${values.engine}: give sqlite, postgres or all.`)
  process.exit(2)
}

for (const dialect of wanted) {
  const own = dialect === "postgres" && !process.env["TEST_POSTGRES_URL"] ? await startEmbeddedPostgres() : undefined
  if (own !== undefined) process.env["TEST_POSTGRES_URL"] = own.url
  try {
    await check(await engineOf(dialect))
  } finally {
    await own?.stop()
  }
}

function wholeNumber(name: "jobs" | "seconds" | "workers" | "seed"): number {
  const value = Number(values[name])
  if (Number.isInteger(value) && value >= 1) return value
  console.error(`--${name} is ${values[name]}: give a whole number from 1 on.`)
  process.exit(2)
}

/** The engines are listed when their module is loaded, before an embedded server had a URL. */
async function engineOf(dialect: string): Promise<Engine> {
  const found = engines.find((engine) => engine.dialect === dialect)
  if (found !== undefined) return found
  const { temporaryDatabase } = await import("../packages/rootstock/test/support/index.ts")
  return {
    name: "postgres",
    dialect: "postgres",
    temporaryDatabase: (options) => temporaryDatabase("postgres", options),
  }
}

async function check(engine: Engine): Promise<void> {
  console.log(`${engine.name}: ${jobs} jobs, ${seconds} s of chaos, ${workers} workers, seed ${seed}`)
  const place = await engine.temporaryDatabase()
  const broker = values.broker ? await startUnsteadyBroker(seed) : undefined
  try {
    const options = { url: place.url, jobs, seconds, workers, seed, ablated: values.ablation }
    const result = await runChaos(
      broker === undefined ? options : { ...options, broker: broker.url, disturb: () => broker.disturb() },
    )
    if (broker !== undefined) console.log(`  broker       ${JSON.stringify(broker.counts)}`)
    for (const [name, value] of Object.entries(result)) console.log(`  ${name.padEnd(12)} ${value}`)
    const passed = values.ablation ? result.doubled > 0 : isClean(result)
    console.log(passed ? "  passed" : "  FAILED")
    if (!passed) process.exitCode = 1
  } finally {
    await broker?.stop()
    await place.dispose()
  }
}

function isClean({ sent, effects, lost, doubled, ghosts, stuck, dead, leftBehind }: ChaosResult): boolean {
  return sent === jobs && effects === sent && [lost, doubled, ghosts, stuck, dead, leftBehind].every((one) => one === 0)
}
