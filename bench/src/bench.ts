import { parseArgs } from "node:util"
import { checkEqualAnswers } from "./run/check.ts"
import { contestants, type Engine, engines } from "./run/contestants.ts"
import { makeDatabases } from "./run/databases.ts"
import { environmentLines } from "./run/environment.ts"
import { commandLine, OptionReader } from "./run/options.ts"
import { ContestantProcess } from "./run/process.ts"
import { progress, progressDone } from "./run/progress.ts"
import { type EngineResult, engineTable, type TaskResult } from "./run/report.ts"
import { writeSection } from "./run/results-file.ts"
import { inRounds } from "./run/rounds.ts"
import { type Task, tasks } from "./run/tasks.ts"

const help = `npm run bench -- [options]

  --engine sqlite|postgres   one engine (default: both)
  --task <name,…>            these tasks: ${tasks.map(({ name }) => name).join(", ")}
  --only <name,…>            these contestants: ${contestants.join(", ")}
  --seconds <n>              length of a slice (default 1)
  --rounds <n>               rounds (default 3)
  --pool <n>                 connections in each PostgreSQL pool (default 10)
  --json                     print the results as JSON, leave RESULTS.md alone
  --write                    write RESULTS.md although --task or --only leaves something out
`

const { values: options } = parseArgs({
  options: {
    engine: { type: "string" },
    task: { type: "string" },
    only: { type: "string" },
    seconds: { type: "string", default: "1" },
    rounds: { type: "string", default: "3" },
    pool: { type: "string", default: "10" },
    json: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
})

const reader = new OptionReader(help)
reader.helpIf(options.help)
const chosenEngines = reader.chosen("--engine", options.engine, engines)
const chosenNames = reader.chosen("--only", options.only, contestants)
const chosenTasks = reader.chosen(
  "--task",
  options.task,
  tasks.map(({ name }) => name),
)
const seconds = reader.positive("--seconds", options.seconds)
const rounds = reader.positive("--rounds", options.rounds)
const poolSize = reader.positive("--pool", options.pool)

const results: EngineResult[] = []
for (const engine of chosenEngines) {
  const result = await benchEngine(engine)
  results.push(result)
  progressDone()
  if (!options.json) process.stdout.write(`\n${engineTable(result)}\n`)
  const whole = options.task === undefined && options.only === undefined
  if (!options.json && (whole || options.write)) {
    const packages = new Set(result.contestants.flatMap((contestant) => contestant.packages))
    const environment = await environmentLines([...packages], { postgres: engine === "postgres" })
    writeSection(
      `tasks-${engine}`,
      [engineTable(result), ...environment, `Command: \`${commandLine("bench")}\``].join("\n"),
    )
  }
}
if (options.json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`)

async function benchEngine(engine: Engine): Promise<EngineResult> {
  progress(`${engine}: filling the database`)
  const databases = await makeDatabases(engine)
  const processes: ContestantProcess[] = []
  const stop = async (): Promise<void> => {
    for (const contestant of processes) contestant.kill()
    await databases.drop()
  }
  const interrupted = (): void => {
    void stop().finally(() => process.exit(130))
  }
  process.once("SIGINT", interrupted)
  process.once("SIGTERM", interrupted)
  try {
    for (const name of chosenNames) {
      progress(`${engine}: starting ${name}`)
      processes.push(await ContestantProcess.start({ name, engine, location: databases.locationFor(name), poolSize }))
    }
    progress(`${engine}: comparing answers`)
    await checkEqualAnswers(processes, databases)
    const taskResults: TaskResult[] = []
    for (const task of tasks.filter(({ name }) => chosenTasks.includes(name))) {
      taskResults.push(await benchTask(task, processes, engine))
    }
    for (const contestant of processes) await contestant.close()
    return {
      engine,
      seconds,
      rounds,
      contestants: processes.map(({ name, opened }) => ({ name, ...opened })),
      tasks: taskResults,
    }
  } finally {
    await stop()
    process.off("SIGINT", interrupted)
    process.off("SIGTERM", interrupted)
  }
}

/** Every contestant once a round, each round in another order; a slice before the first round warms up. */
async function benchTask(task: Task, processes: readonly ContestantProcess[], engine: Engine): Promise<TaskResult> {
  for (const contestant of processes) {
    progress(`${engine}: ${task.name}: warming up ${contestant.name}`)
    await contestant.measure(task.name, Math.min(0.5, seconds))
  }
  const byName = new Map(processes.map((contestant) => [contestant.name, contestant]))
  const rates = await inRounds(`${engine}: ${task.name}: `, [...byName.keys()], rounds, async (name) => {
    const slice = await (byName.get(name) as ContestantProcess).measure(task.name, seconds)
    return slice.operations / slice.seconds
  })
  return { task: task.name, rates: Object.fromEntries(rates) }
}
