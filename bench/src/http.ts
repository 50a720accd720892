import assert from "node:assert/strict"
import { type ChildProcess, fork, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { type EmptyDatabase, makeEmptyPostgres } from "./run/databases.ts"
import { environmentLines } from "./run/environment.ts"
import { commandLine, OptionReader } from "./run/options.ts"
import { progress, progressDone } from "./run/progress.ts"
import { rounded } from "./run/report.ts"
import { writeSection } from "./run/results-file.ts"
import { median, ratio } from "./run/statistics.ts"

const servers = ["raw", "rootstock", "fastify-drizzle", "nest-typeorm"] as const
type ServerName = (typeof servers)[number]
const titles: Record<ServerName, string> = {
  raw: "`node:http` + `pg` by hand",
  rootstock: "Rootstock shop",
  "fastify-drizzle": "Fastify + Drizzle",
  "nest-typeorm": "NestJS + TypeORM",
}
const userCount = 10_000

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

interface Load {
  rate: number
  p50: number
  p99: number
  failed: number
}
interface Server {
  url: string
  process: ChildProcess
}

const folder = mkdtempSync(join(tmpdir(), "rootstock-bench-"))
const database = await makeEmptyPostgres()
const started = new Map<ServerName, Server>()
const loads = new Map<ServerName, Load[]>()
const interrupted = (): void => {
  void stop().finally(() => process.exit(130))
}
process.once("SIGINT", interrupted)
process.once("SIGTERM", interrupted)
try {
  // The shop comes first even where it is not measured: it makes the table that all read.
  progress("starting the shop")
  started.set("rootstock", await startShop())
  const schema = await fillUsers(database)
  for (const name of chosen.filter((candidate) => candidate !== "rootstock")) {
    progress(`starting ${name}`)
    started.set(name, await startServer(name, schema))
  }
  progress("comparing answers")
  await checkEqualAnswers()
  for (const name of chosen) await measure(name, 1)
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < chosen.length; turn += 1) {
      const name = chosen[(turn + round) % chosen.length] as ServerName
      progress(`round ${round + 1} of ${rounds}, ${name}`)
      loads.set(name, [...(loads.get(name) ?? []), await measure(name, seconds)])
    }
  }
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
  for (const { process: server } of started.values()) {
    if (server.exitCode !== null || server.signalCode !== null) continue
    const exit = once(server, "exit")
    server.kill("SIGTERM")
    const timer = setTimeout(() => server.kill("SIGKILL"), 5_000)
    await exit
    clearTimeout(timer)
  }
  await database.drop()
  rmSync(folder, { recursive: true, force: true })
}

/** The product as `npm start` starts it, with migrations and sample data, on the run's database. */
async function startShop(): Promise<Server> {
  const program = fileURLToPath(new URL("../../app/bin/rootstock.mjs", import.meta.url))
  return awaitServer(
    (port) =>
      spawn(process.execPath, [program, "serve"], {
        cwd: folder,
        env: {
          ...process.env,
          NODE_ENV: "production",
          DATABASE_URL: database.url,
          DB_POOL_SIZE: "10",
          DB_POOL_OVERFLOW: "0",
          HOST: "127.0.0.1",
          PORT: String(port),
          LOG_LEVEL: "warning",
          API_AUTH: "open",
        },
        stdio: ["ignore", "ignore", "inherit"],
      }),
    "/health",
  )
}

async function startServer(name: ServerName, schema: string): Promise<Server> {
  const program = fileURLToPath(new URL(`http/${name}-server.ts`, import.meta.url))
  return awaitServer(
    (port) =>
      spawn(process.execPath, [program, database.url, schema, String(port)], {
        env: { ...process.env, NODE_ENV: "production" },
        stdio: ["ignore", "ignore", "inherit"],
      }),
    "/users/1",
  )
}

async function awaitServer(start: (port: number) => ChildProcess, path: string): Promise<Server> {
  const port = await freePort()
  const server: Server = { url: `http://127.0.0.1:${port}`, process: start(port) }
  const end = performance.now() + 60_000
  for (;;) {
    if (server.process.exitCode !== null) throw new Error(`a server ended with ${server.process.exitCode}`)
    const response = await fetch(server.url + path).catch(() => undefined)
    if (response?.ok === true) return server
    if (performance.now() > end) {
      server.process.kill("SIGKILL")
      throw new Error(`a server did not answer within a minute: ${response?.status ?? "no connection"}`)
    }
    await pause(100)
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, "close")
  return port
}

/** Adds users to the table that the shop has made, up to the count; the name of its schema. */
async function fillUsers({ query }: EmptyDatabase): Promise<string> {
  const [found] = (await query(
    "SELECT table_schema AS schema FROM information_schema.columns WHERE table_name = 'users' AND column_name = 'username'",
  )) as [{ schema: string } | undefined]
  if (found === undefined) throw new Error("the shop has made no table of users")
  const { schema } = found
  await query(
    `INSERT INTO ${schema}.users (id, username, email, description, created_at)
     SELECT id, 'bench_' || id, 'bench' || id || '@example.com', CASE WHEN id % 3 = 0 THEN NULL ELSE 'Customer ' || id END,
       timestamptz '2024-01-01 00:00:00.123Z' + id * interval '1 minute'
     FROM generate_series(1, ${userCount}) AS id ON CONFLICT DO NOTHING`,
  )
  await query(`VACUUM ANALYZE ${schema}.users`)
  return schema
}

async function checkEqualAnswers(): Promise<void> {
  for (const path of ["/users/1", "/users/4711", `/users/${userCount}`]) {
    let expected: unknown
    for (const [name, { url }] of started) {
      const response = await fetch(url + path)
      assert.equal(response.status, 200, `${name} ${path}`)
      assert.match(response.headers.get("content-type") ?? "", /^application\/json/)
      const body: unknown = await response.json()
      expected ??= body
      assert.deepEqual(body, expected, `${name} answers differently: ${path}`)
    }
  }
  for (const [name, { url }] of started) {
    assert.equal((await fetch(`${url}/users/999999999`)).status, 404, `${name} knows who is not there`)
    const { status } = await fetch(`${url}/users/none`)
    assert.ok(status === 422 || status === 400, `${name} refuses what is no id`)
  }
}

async function measure(name: ServerName, duration: number): Promise<Load> {
  const { url } = started.get(name) as Server
  const child = fork(new URL("http/load.ts", import.meta.url), [
    url,
    String(connections),
    String(duration),
    String(userCount),
  ])
  const exit = once(child, "exit")
  const [load] = (await Promise.race([
    once(child, "message"),
    exit.then(([code]) => {
      throw new Error(`the load generator ended with ${code}`)
    }),
  ])) as [Load]
  await exit
  if (load.failed > 0) throw new Error(`${name}: ${load.failed} requests failed`)
  return load
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
