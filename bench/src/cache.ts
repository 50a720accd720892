import { parseArgs } from "node:util"
import { CacheDatabases } from "./cache/databases.ts"
import { localHits, redisHits, turnHits } from "./cache/hits.ts"
import { cachedHttp } from "./cache/http.ts"
import { type CacheReport, type CacheRun, libraries } from "./cache/libraries.ts"
import { startRedis } from "./cache/redis-server.ts"
import { staleReads } from "./cache/stale.ts"
import { stampede } from "./cache/stampede.ts"
import { writeLatency } from "./cache/writes.ts"
import { environmentLines } from "./run/environment.ts"
import { commandLine, OptionReader } from "./run/options.ts"
import { progress, progressDone } from "./run/progress.ts"
import { type Section, writeSection } from "./run/results-file.ts"

const tasks = {
  local: localHits,
  turn: turnHits,
  redis: redisHits,
  stampede,
  stale: staleReads,
  writes: writeLatency,
  http: cachedHttp,
} satisfies Record<string, (run: CacheRun) => Promise<CacheReport>>
type TaskName = keyof typeof tasks
const taskNames = Object.keys(tasks) as TaskName[]

const help = `npm run bench:cache -- [options]

  --task <name,…>   these tasks: ${taskNames.join(", ")}
  --only <name,…>   these contestants: ${libraries.join(", ")}
  --seconds <n>     length of a slice (default 1)
  --rounds <n>      rounds (default 5)
  --write           write RESULTS.md although --only leaves something out
  --no-write        leave RESULTS.md alone

Each task replaces its own section of RESULTS.md. It needs redis-server on the PATH, of which it starts one of its own,
and PostgreSQL.
`

const { values: options } = parseArgs({
  options: {
    task: { type: "string" },
    only: { type: "string" },
    seconds: { type: "string", default: "1" },
    rounds: { type: "string", default: "5" },
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
const write = options.write ?? options.only === undefined

const ends: (() => void | Promise<void>)[] = []
const stopAll = async (): Promise<void> => {
  for (let end = ends.pop(); end !== undefined; end = ends.pop()) await end()
}
let stopping: Promise<void> | undefined
/** Once for all who ask: what fails because of an interruption must not end the program before it has cleaned up. */
const stop = (): Promise<void> => {
  stopping ??= stopAll()
  return stopping
}
const interrupted = (): void => {
  void stop().finally(() => process.exit(130))
}
process.once("SIGINT", interrupted)
process.once("SIGTERM", interrupted)
try {
  progress("starting Redis")
  const starting = startRedis()
  ends.push(async () => (await starting).stop())
  const redis = await starting
  const databases = new CacheDatabases()
  ends.push(() => databases.drop())
  for (const name of chosen) {
    const own: typeof ends = []
    ends.push(async () => {
      for (let end = own.pop(); end !== undefined; end = own.pop()) await end()
    })
    const run: CacheRun = { only, seconds, rounds, databases, redis, atEnd: (work) => void own.push(work) }
    const { markdown, packages } = await tasks[name](run)
    // What one task started stands idle in the next one's way.
    await ends.pop()?.()
    progressDone()
    process.stdout.write(`\n${markdown}\n`)
    if (!write) continue
    const environment = await environmentLines(packages, { postgres: true, redis: redis.version })
    const lines = [markdown, ...environment, `Command: \`${commandLine("bench:cache")}\``]
    writeSection(`cache-${name}` satisfies Section, lines.join("\n"))
  }
} finally {
  await stop()
  process.off("SIGINT", interrupted)
  process.off("SIGTERM", interrupted)
}
