import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import {
  checkEqualAnswers,
  type Load,
  measureServer,
  type Server,
  startServer,
  startShop,
  stopProcess,
} from "./http/servers.ts"
import { fillUsers } from "./http/users.ts"
import { makeEmptyPostgres } from "./run/databases.ts"
import { environmentLines } from "./run/environment.ts"
import { commandLine, OptionReader } from "./run/options.ts"
import { progress, progressDone } from "./run/progress.ts"
import { rounded } from "./run/report.ts"
import { writeSection } from "./run/results-file.ts"
import { inRounds } from "./run/rounds.ts"
import { median, ratio } from "./run/statistics.ts"

const servers = ["raw", "rootstock", "fastify-drizzle", "nest-typeorm"] as const
type ServerName = (typeof servers)[number]
const titles: Record<ServerName, string> = {
  raw: "`node:http` + `pg` by hand",
  rootstock: "Rootstock shop",
  "fastify-drizzle": "Fastify + Drizzle",
  "nest-typeorm": "NestJS + TypeORM",
}

const help = `npm run bench:http -- [options]

  --only <name,…>     these servers: ${servers.join(", ")}
  --connections <n>   connections of the load generator (default 32)
  --seconds <n>       length of a slice, whole seconds (default 5)
  --rounds <n>        rounds (default 3)
  --json              print the results as JSON, leave RESULTS.md alone
`

const { values: options } = parseArgs({
  options: {
    only: { type: "string" },
    connections: { type: "string", default: "32" },
    seconds: { type: "string", default: "5" },
    rounds: { type: "string", default: "3" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
})
const reader = new OptionReader(help)
reader.helpIf(options.help)
const chosen = reader.chosen("--only", options.only, servers)
const connections = reader.positive("--connections", options.connections)
const seconds = reader.positive("--seconds", options.seconds)
const rounds = reader.positive("--rounds", options.rounds)

const folder = mkdtempSync(join(tmpdir(), "rootstock-bench-"))
const database = await makeEmptyPostgres()
const started = new Map<ServerName, Server>()
let loads: ReadonlyMap<ServerName, Load[]> = new Map()
const interrupted = (): void => {
  void stop().finally(() => process.exit(130))
}
process.once("SIGINT", interrupted)
process.once("SIGTERM", interrupted)
try {
  // The shop comes first even where it is not measured: it makes the table that all read.
  progress("starting the shop")
  started.set("rootstock", await startShop(folder, { DATABASE_URL: database.url }))
  const schema = await fillUsers(database)
  for (const name of chosen.filter((candidate) => candidate !== "rootstock")) {
    progress(`starting ${name}`)
    started.set(name, await startServer(new URL(`http/${name}-server.ts`, import.meta.url), [database.url, schema]))
  }
  progress("comparing answers")
  await checkEqualAnswers(started)
  for (const name of chosen) await measure(name, 1)
  loads = await inRounds("", chosen, rounds, (name) => measure(name, seconds))
} finally {
  await stop()
  process.off("SIGINT", interrupted)
  process.off("SIGTERM", interrupted)
}
progressDone()
if (options.json) process.stdout.write(`${JSON.stringify(Object.fromEntries(loads), null, 2)}\n`)
else {
  const report = reportOf()
  process.stdout.write(`${report}\n`)
  if (options.only === undefined) {
    const packages = [
      "pg",
      "fastify",
      "drizzle-orm",
      "@nestjs/core",
      "@nestjs/platform-fastify",
      "typeorm",
      "autocannon",
    ]
    const environment = await environmentLines(packages, { postgres: true })
    writeSection("http", [report, ...environment, `Command: \`${commandLine("bench:http")}\``].join("\n"))
  }
}

async function stop(): Promise<void> {
  for (const { process: server } of started.values()) await stopProcess(server)
  await database.drop()
  rmSync(folder, { recursive: true, force: true })
}

function measure(name: ServerName, duration: number): Promise<Load> {
  return measureServer(name, started.get(name) as Server, { connections, seconds: duration })
}

function reportOf(): string {
  const rates = (name: ServerName): number[] => (loads.get(name) ?? []).map(({ rate }) => rate)
  const mine = rates("rootstock")
  const lines = [
    "## HTTP",
    "",
    `\`GET /users/{id}\` on PostgreSQL, autocannon with ${connections} connections in a process of its own, every server in its own process with 10 database connections and no log line a request; medians of ${rounds} rounds of ${seconds} s. The shop runs as the product starts it (\`rootstock serve\`), with its validation. Target: ≥ 0.95 of the server by hand, ahead of the others.`,
    "",
    "| server | requests a second | p50, ms | p99, ms | Rootstock's ratio to it | target |",
    "| --- | ---: | ---: | ---: | ---: | --- |",
  ]
  for (const name of chosen) {
    const figures = loads.get(name) ?? []
    const against = name === "rootstock" || mine.length === 0 ? undefined : ratio(mine, rates(name))
    const target = name === "raw" ? 0.95 : 1
    lines.push(
      `| ${[
        titles[name],
        rounded(median(rates(name))),
        rounded(median(figures.map(({ p50 }) => p50))),
        rounded(median(figures.map(({ p99 }) => p99))),
        against === undefined ? "" : against.toFixed(2),
        against === undefined ? "" : `${against >= target ? "pass" : "**miss**"}: ≥ ${target}`,
      ].join(" | ")} |`,
    )
  }
  lines.push("")
  return lines.join("\n")
}
