import { parseArgs } from "node:util"
import { type LoadResult, runLoad } from "../../systems/assistants/test/load.ts"
import { makeGroups } from "./assistants/groups.ts"
import { type Server, startSystem, stopProcess } from "./http/servers.ts"
import { type Engine, engineTitles, JobDatabases } from "./jobs/databases.ts"
import { environmentLines } from "./run/environment.ts"
import { commandLine, OptionReader } from "./run/options.ts"
import { progress, progressDone } from "./run/progress.ts"
import { rounded } from "./run/report.ts"
import { writeSection } from "./run/results-file.ts"
import { percentile } from "./run/statistics.ts"

const engines = ["sqlite", "postgres"] as const

const help = `npm run load:assistants -- [options]

  --engine sqlite|postgres   one engine (default: both)
  --streams <n>              open streams (default 200)
  --chats <n>                chats that they watch (default 20)
  --rate <n>                 messages a second (default 50)
  --seconds <n>              how long (default 60)
  --servers <n>              server processes of one database (default 1)
  --write                    write RESULTS.md although an option is given
  --no-write                 leave RESULTS.md alone
`

const { values: options } = parseArgs({
  options: {
    engine: { type: "string" },
    streams: { type: "string", default: "200" },
    chats: { type: "string", default: "20" },
    rate: { type: "string", default: "50" },
    seconds: { type: "string", default: "60" },
    servers: { type: "string", default: "1" },
    write: { type: "boolean" },
    help: { type: "boolean", default: false },
  },
  allowNegative: true,
})
const reader = new OptionReader(help)
reader.helpIf(options.help)
const chosen = reader.chosen("--engine", options.engine, engines)
const streams = reader.positive("--streams", options.streams)
const chatCount = reader.positive("--chats", options.chats)
const rate = reader.positive("--rate", options.rate)
const seconds = reader.positive("--seconds", options.seconds)
const serverCount = reader.positive("--servers", options.servers)
const write = options.write ?? process.argv.length === 2

const databases = new JobDatabases()
const servers: Server[] = []
const interrupted = (): void => {
  void stop().finally(() => process.exit(130))
}
process.once("SIGINT", interrupted)
process.once("SIGTERM", interrupted)
const results = new Map<Engine, LoadResult>()
try {
  for (const engine of chosen) results.set(engine, await measure(engine))
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
  writeSection("assistants-load", [report, ...environment, `Command: \`${commandLine("load:assistants")}\``].join("\n"))
}
const lost = [...results.values()].some(
  ({ failed, due, delivered, disordered }) => failed + disordered > 0 || delivered !== due,
)
if (lost) process.exitCode = 1

async function stop(): Promise<void> {
  await stopServers()
  await databases.drop()
}

async function stopServers(): Promise<void> {
  for (const { process: server } of servers.splice(0)) await stopProcess(server)
}

async function measure(engine: Engine): Promise<LoadResult> {
  progress(`${engine}: starting`)
  const settings = { DATABASE_URL: await databases.home(engine), ALLOW_SIGNUP: "true" }
  for (let number = 0; number < serverCount; number += 1) {
    servers.push(await startSystem("assistants", databases.folder, settings, ["--no-sample"]))
  }
  const addresses = servers.map(({ url }) => url)
  const chats = await makeGroups(addresses[0] as string, chatCount)
  progress(`${engine}: ${streams} streams, ${rate} messages a second, ${seconds} s`)
  await runLoad({ addresses, chats, streams: Math.min(streams, 20), rate, seconds: 1 })
  const result = await runLoad({ addresses, chats, streams, rate, seconds })
  await stopServers()
  return result
}

function reportOf(): string {
  const lines = [
    "## Assistants: load",
    "",
    `${streams} open streams of ${chatCount} chats and ${rate} messages a second for ${seconds} s, posted at a steady rate whatever the answers take; ${serverCount} server ${serverCount === 1 ? "process" : "processes"} as the product starts it (\`rootstock serve assistants\`, worker included) and the readers and writers in another, all on this machine. Times count from the moment when a message was to be posted. Target: nothing missed, nothing twice.`,
    "",
    "| engine | posted | events due | missed | twice or out of order | posting p50, ms | p99, ms | on a stream p50, ms | p99, ms | target |",
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
  ]
  for (const [engine, { posted, failed, due, delivered, disordered, postMs, eventMs }] of results) {
    const holds = failed === 0 && delivered === due && disordered === 0
    const times = [postMs, eventMs].flatMap((all) => [percentile(all, 0.5), percentile(all, 0.99)].map(rounded))
    lines.push(
      `| ${[
        engineTitles[engine],
        failed === 0 ? posted : `${posted}, ${failed} failed`,
        due,
        due - delivered,
        disordered,
        ...times,
        holds ? "pass" : "**miss**",
      ].join(" | ")} |`,
    )
  }
  lines.push("")
  return lines.join("\n")
}
