// Harasses workers at length, and counts what came of the jobs: each must have its effect exactly once.
//
//   npm run check:jobs -- --seconds 120 --jobs 20000
//   npm run check:jobs -- --on rabbitmq

import { parseArgs } from "node:util"
import {
  type ChaosOptions,
  type ChaosResult,
  type Disturbance,
  runChaos,
} from "../packages/rootstock/test/jobs/chaos/chaos.ts"
import { startUnsteadyBroker } from "../packages/rootstock/test/jobs/chaos/unsteady-broker.ts"
import { startUnsteadyPostgres } from "../packages/rootstock/test/jobs/chaos/unsteady-postgres.ts"
import { temporaryDatabase } from "../packages/rootstock/test/support/index.ts"

const places = ["sqlite", "postgres", "rabbitmq"] as const
type Place = (typeof places)[number]

const help = `Usage: npm run check:jobs -- [options]

Workers in processes of their own do jobs whose effects are counted, while they are killed, frozen and cut off from the
database at random, senders roll back, and snapshots are held open. Every job must have its effect exactly once.

  --on sqlite|postgres|rabbitmq|all
                   where (default all). PostgreSQL is a server of its own, which is stopped and killed, too; so is
                   RabbitMQ, which hangs besides, before such a PostgreSQL
  --jobs N         how many jobs are sent (default 20000)
  --seconds N      how long the chaos lasts (default 120)
  --workers N      how many processes work at a time (default 3)
  --seed N         of the random numbers that say who is harassed when (default: another one each time)
  --ablation       complete jobs by their id alone: the check passes only if that is caught doubling
  --help           show this`

const { values } = parseArgs({
  options: {
    on: { type: "string", default: "all" },
    jobs: { type: "string", default: "20000" },
    seconds: { type: "string", default: "120" },
    workers: { type: "string", default: "3" },
    seed: { type: "string", default: String(process.pid) },
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
const wanted = places.filter((place) => values.on === "all" || values.on === place)
if (wanted.length === 0) {
  console.error(`--on is ${values.on}: give ${places.join(", ")} or all.`)
  process.exit(2)
}
// What was started ends with the process.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130))

for (const place of wanted) await check(place)

function wholeNumber(name: "jobs" | "seconds" | "workers" | "seed"): number {
  const value = Number(values[name])
  if (Number.isInteger(value) && value >= 1) return value
  console.error(`--${name} is ${values[name]}: give a whole number from 1 on.`)
  process.exit(2)
}

async function check(place: Place): Promise<void> {
  console.log(`${place}: ${jobs} jobs, ${seconds} s of chaos, ${workers} workers, seed ${seed}`)
  await using stack = new AsyncDisposableStack()
  const disturbances: (Disturbance & { readonly counts: object })[] = []
  const options: ChaosOptions = {
    ...(await startServers(place, stack, disturbances)),
    jobs,
    seconds,
    workers,
    seed,
    ablated: values.ablation,
    disturbances,
  }
  const result = await runChaos(options)
  for (const { counts } of disturbances) console.log(`  server       ${JSON.stringify(counts)}`)
  for (const [name, value] of Object.entries(result)) console.log(`  ${name.padEnd(12)} ${value}`)
  const passed = values.ablation ? result.doubled > 0 : isClean(result)
  console.log(passed ? "  passed" : "  FAILED")
  if (!passed) process.exitCode = 1
}

async function startServers(
  place: Place,
  stack: AsyncDisposableStack,
  disturbances: (Disturbance & { readonly counts: object })[],
): Promise<Pick<ChaosOptions, "url" | "broker">> {
  if (place === "sqlite") return { url: stack.use(await temporaryDatabase("sqlite")).url }
  const postgres = stack.adopt(await startUnsteadyPostgres(seed), (server) => server.stop())
  disturbances.push(postgres)
  if (place === "postgres") return { url: postgres.url }
  const rabbit = await startUnsteadyBroker(seed)
  if (rabbit === undefined) throw new Error("This machine has no rabbitmq-server to be started.")
  stack.adopt(rabbit, (server) => server.stop())
  disturbances.push(rabbit)
  return { url: postgres.url, broker: rabbit.url }
}

function isClean(result: ChaosResult): boolean {
  const { sent, own, effects, lost, doubled, ghosts, stuck, dead, leftBehind, crashes } = result
  const none = [lost, doubled, ghosts, stuck, dead, leftBehind, crashes]
  return sent === jobs && own > 0 && effects >= sent + own && none.every((one) => one === 0)
}
