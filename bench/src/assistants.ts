import { parseArgs } from "node:util"
import { openDatabase } from "../../packages/rootstock/src/index.ts"
import { tables } from "../../systems/assistants/schema.ts"
import type { AssistantsDatabase } from "../../systems/assistants/storages/index.ts"
import { tenant } from "../../systems/assistants/tenancy.ts"
import { chatCount, type Filled, fill } from "./assistants/fill.ts"
import { type Engine, engineTitles, JobDatabases } from "./jobs/databases.ts"
import { environmentLines } from "./run/environment.ts"
import { commandLine, OptionReader } from "./run/options.ts"
import { progress, progressDone } from "./run/progress.ts"
import { rounded } from "./run/report.ts"
import { writeSection } from "./run/results-file.ts"
import { inRounds } from "./run/rounds.ts"
import { median } from "./run/statistics.ts"

const engines = ["sqlite", "postgres"] as const

type Call = (filled: Filled) => Promise<readonly unknown[]>

/** What people wait for most often, and how many rows it gives. */
const calls: Readonly<Record<string, { readonly call: Call; readonly rows: number }>> = {
  "newest page of a chat": { call: ({ stores, chatId }) => stores.messages.listByChat(chatId, 50), rows: 50 },
  "a person's chats": {
    call: async ({ stores, userId }) =>
      (await stores.chats.pageOfUser(userId, { activeOnly: false, cursor: undefined, limit: 50 })).rows,
    rows: 50,
  },
  "events behind a number": {
    call: ({ stores, chatId, inChat }) => stores.chatEvents.behind(chatId, inChat - 50),
    rows: 50,
  },
  "due events": { call: ({ stores, now }) => stores.calendar.getDueEvents(now), rows: 20 },
}

const help = `npm run bench:assistants -- [options]

  --engine sqlite|postgres   one engine (default: both)
  --sizes <n,…>              messages (default 10000,100000,1000000)
  --seconds <n>              length of a slice (default 1)
  --rounds <n>               rounds (default 3)
  --write                    write RESULTS.md although an option is given
  --no-write                 leave RESULTS.md alone
`

const { values: options } = parseArgs({
  options: {
    engine: { type: "string" },
    sizes: { type: "string", default: "10000,100000,1000000" },
    seconds: { type: "string", default: "1" },
    rounds: { type: "string", default: "3" },
    write: { type: "boolean" },
    help: { type: "boolean", default: false },
  },
  allowNegative: true,
})
const reader = new OptionReader(help)
reader.helpIf(options.help)
const chosen = reader.chosen("--engine", options.engine, engines)
const sizes = options.sizes.split(",").map((size) => reader.positive("--sizes", size))
const seconds = reader.positive("--seconds", options.seconds)
const rounds = reader.positive("--rounds", options.rounds)
const write = options.write ?? process.argv.length === 2

/** The slowest size may take this many times as long as the fastest. */
const target = 1.5

type Growth = { readonly engine: Engine; readonly name: string; readonly microseconds: readonly number[] }

const databases = new JobDatabases(tables)
const opened: AssistantsDatabase[] = []
const interrupted = (): void => {
  void stop().finally(() => process.exit(130))
}
process.once("SIGINT", interrupted)
process.once("SIGTERM", interrupted)
const results: Growth[] = []
try {
  for (const engine of chosen) results.push(...(await measureEngine(engine)))
} finally {
  await stop()
  process.off("SIGINT", interrupted)
  process.off("SIGTERM", interrupted)
}
progressDone()

const report = reportOf()
process.stdout.write(`${report}\n`)
if (write) {
  const environment = await environmentLines(["pg"], { postgres: true })
  const command = `Command: \`${commandLine("bench:assistants")}\``
  writeSection("assistants-growth", [report, ...environment, command].join("\n"))
}

async function stop(): Promise<void> {
  await closeAll()
  await databases.drop()
}

async function closeAll(): Promise<void> {
  for (const database of opened.splice(0)) await database.close()
}

async function measureEngine(engine: Engine): Promise<Growth[]> {
  const filled = new Map<string, Filled>()
  for (const size of sizes) {
    progress(`${engine}: filling ${size} messages`)
    const database = await openDatabase(await databases.make(engine), { tables })
    opened.push(database)
    filled.set(String(size), await fill(database, size))
  }
  const growth: Growth[] = []
  for (const [name, { call, rows }] of Object.entries(calls)) {
    const slice = (size: string) => measure(name, call, rows, filled.get(size) as Filled)
    for (const size of filled.keys()) await slice(size)
    const slices = await inRounds(`${engine}: ${name}: `, [...filled.keys()], rounds, slice)
    growth.push({ engine, name, microseconds: [...slices.values()].map(median) })
  }
  await closeAll()
  return growth
}

/** Microseconds a call, by one caller. */
async function measure(name: string, call: Call, rows: number, filled: Filled): Promise<number> {
  return tenant.run(filled.orgId, async () => {
    const given = (await call(filled)).length
    if (given !== rows) throw new Error(`${name} gave ${given} rows, and ${rows} are there`)
    const begin = performance.now()
    let count = 0
    let spent = 0
    while (spent < seconds * 1_000) {
      await call(filled)
      count += 1
      spent = performance.now() - begin
    }
    return (spent * 1_000) / count
  })
}

function reportOf(): string {
  const lines = [
    "## Assistants: growth",
    "",
    `Microseconds a call (one caller, no cache, medians of ${rounds} rounds of ${seconds} s) in an organization with ${chatCount.toLocaleString("en-US")} chats, of which the person takes part in 100, and as many events of the calendar, of which 20 are due. A page has 50 rows. Target: the slowest size at most ${target} × the fastest.`,
    "",
    `| engine | call | ${sizes.map((size) => `${size.toLocaleString("en-US")} messages`).join(" | ")} | slowest / fastest | target |`,
    `| --- | --- | ${sizes.map(() => "---:").join(" | ")} | ---: | --- |`,
  ]
  for (const { engine, name, microseconds } of results) {
    const growth = Math.max(...microseconds) / Math.min(...microseconds)
    const figures = microseconds.map(rounded).join(" | ")
    const verdict = `${growth <= target ? "pass" : "**miss**"}: ≤ ${target}`
    lines.push(`| ${engineTitles[engine]} | ${name} | ${figures} | ${growth.toFixed(2)} | ${verdict} |`)
  }
  lines.push("")
  return lines.join("\n")
}
