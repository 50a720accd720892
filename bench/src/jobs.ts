import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { type RedisServer, startRedis } from "./cache/redis-server.ts"
import { brokerJobs } from "./jobs/broker.ts"
import { JobDatabases } from "./jobs/databases.ts"
import { jobLatency } from "./jobs/latency.ts"
import { type JobsReport, type JobsRun, libraries } from "./jobs/libraries.ts"
import { batchJobs, singleJobs } from "./jobs/rates.ts"
import { sqliteJobs } from "./jobs/sqlite.ts"
import { waitingJobs } from "./jobs/waiting.ts"
import { environmentLines } from "./run/environment.ts"
import { commandLine, OptionReader } from "./run/options.ts"
import { progress, progressDone } from "./run/progress.ts"
import { type Section, writeSection } from "./run/results-file.ts"

const tasks = {
  single: singleJobs,
  sqlite: sqliteJobs,
  batch: batchJobs,
  latency: jobLatency,
  broker: brokerJobs,
  waiting: waitingJobs,
} satisfies Record<string, (run: JobsRun) => Promise<JobsReport>>
type TaskName = keyof typeof tasks
const taskNames = Object.keys(tasks) as TaskName[]

const help = `npm run bench:jobs -- [options]

  --task <name,…>   these tasks: ${taskNames.join(", ")}
  --only <name,…>   these contestants: ${libraries.join(", ")}
  --seconds <n>     length of a slice (default 2)
  --rounds <n>      rounds (default 5)
  --pool <n>        connections of each contestant (default 10)
  --waiting <n>     jobs in the large table (default 1000000)
  --write           write RESULTS.md although an option leaves something out
  --no-write        leave RESULTS.md alone

Each task replaces its own section of RESULTS.md. It needs PostgreSQL; redis-server on the PATH, of which it starts one
of its own; and for "broker" the RabbitMQ of BENCH_AMQP_URL or TEST_AMQP_URL, where it makes a virtual host of its own.
`

const { values: options } = parseArgs({
  options: {
    task: { type: "string" },
    only: { type: "string" },
    seconds: { type: "string", default: "2" },
    rounds: { type: "string", default: "5" },
    pool: { type: "string", default: "10" },
    waiting: { type: "string" },
    write: { type: "boolean" },
    help: { type: "boolean", default: false },
  },
  allowNegative: true,
})
const reader = new OptionReader(help)
reader.helpIf(options.help)
const chosen = reader.chosen("--task", options.task, taskNames)
const only = reader.chosen("--only", options.only, libraries)
const seconds = reader.positive("--seconds", options.seconds)
const rounds = reader.positive("--rounds", options.rounds)
const pool = reader.positive("--pool", options.pool)
const waiting = reader.positive("--waiting", options.waiting ?? "1000000")
const write = options.write ?? (options.only === undefined && options.waiting === undefined)

const ends: (() => void | Promise<void>)[] = []
const stop = async (): Promise<void> => {
  for (let end = ends.pop(); end !== undefined; end = ends.pop()) await end()
}
/** Once, and awaited by everybody: what fails because its process was ended must not end this one before all is gone. */
let stopping: Promise<void> | undefined
const interrupted = (): void => {
  stopping ??= stop()
  void stopping.finally(() => process.exit(130))
}
process.once("SIGINT", interrupted)
process.once("SIGTERM", interrupted)
try {
  const databases = new JobDatabases()
  ends.push(() => databases.drop())
  let server: RedisServer | undefined
  const redis = async (): Promise<string> => {
    if (server === undefined) {
      progress("starting Redis")
      const folder = join(databases.folder, "redis")
      mkdirSync(folder)
      server = await startRedis({ durableIn: folder })
      // Before the folder goes, behind those that are connected.
      ends.splice(1, 0, server.stop)
    }
    return server.url
  }
  for (const name of chosen) {
    const own: typeof ends = []
    ends.push(async () => {
      for (let end = own.pop(); end !== undefined; end = own.pop()) await end()
    })
    const run: JobsRun = {
      only,
      seconds,
      rounds,
      pool,
      waiting,
      databases,
      redis,
      atEnd: (work) => void own.push(work),
    }
    const { markdown, packages } = await tasks[name](run)
    // What one task started stands idle in the next one's way.
    await ends.pop()?.()
    progressDone()
    process.stdout.write(`\n${markdown}\n`)
    if (!write) continue
    const environment = await environmentLines(packages, {
      postgres: true,
      ...(server === undefined ? {} : { redis: server.version }),
    })
    const lines = [markdown, ...environment, `Command: \`${commandLine("bench:jobs")}\``]
    writeSection(`jobs-${name}` satisfies Section, lines.join("\n"))
  }
} finally {
  stopping ??= stop()
  await stopping
  process.off("SIGINT", interrupted)
  process.off("SIGTERM", interrupted)
}
