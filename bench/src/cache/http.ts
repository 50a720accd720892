import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { checkEqualAnswers, measureServer, type Server, startServer, startShop, stopProcess } from "../http/servers.ts"
import { fillUsers, fillUsersOfFile } from "../http/users.ts"
import { progress } from "../run/progress.ts"
import { rounded } from "../run/report.ts"
import { inRounds } from "../run/rounds.ts"
import { median, ratio } from "../run/statistics.ts"
import type { CacheReport, CacheRun, Library } from "./libraries.ts"
import { tableRow, verdict } from "./report.ts"

const connections = 32
const leastSeconds = 3

const titles = {
  map: "`node:http` and a `Map` by hand",
  sqlite: "Rootstock shop on SQLite",
  redis: "Rootstock shop on PostgreSQL and Redis",
  nest: "NestJS + cache-manager",
}
type ServerName = keyof typeof titles
const libraryOf: Record<ServerName, Library> = {
  map: "raw",
  sqlite: "rootstock",
  redis: "rootstock",
  nest: "cache-manager",
}

/** `GET /users/{id}`, cached. */
export async function cachedHttp(run: CacheRun): Promise<CacheReport> {
  const seconds = Math.max(leastSeconds, Math.round(run.seconds))
  const servers = await startServers(run)
  await checkEqualAnswers(servers)
  const measure = (name: ServerName, duration: number) =>
    measureServer(name, servers.get(name) as Server, { connections, seconds: duration })
  const names = [...servers.keys()].filter((name) => run.only.includes(libraryOf[name]))
  for (const name of names) {
    progress(`HTTP: warming up ${name}`)
    await measure(name, 2)
  }
  const loads = await inRounds("HTTP: ", names, run.rounds, (name) => measure(name, seconds))
  const rates = (name: ServerName): number[] => (loads.get(name) ?? []).map(({ rate }) => rate)
  const lines = [
    "## Cache: HTTP",
    "",
    `\`GET /users/{id}\` from the cache, 1,000 users in turn, autocannon with ${connections} connections in a process of its own; medians of ${run.rounds} rounds of ${seconds} s. The shop runs as the product starts it, with its default cache in the process on SQLite, and with a strict cache over Redis and in the process on PostgreSQL. The others keep what they once read; nothing tells them of a write.`,
    "",
    tableRow(["server", "requests a second", "p50, ms", "p99, ms", "of the one by hand", "of NestJS", "target"]),
    tableRow(["---", "---:", "---:", "---:", "---:", "---:", "---"]),
  ]
  for (const name of names) {
    const figures = loads.get(name) ?? []
    const ofHand = ratio(rates(name), rates("map"))
    const ofNest = ratio(rates(name), rates("nest"))
    const ours = libraryOf[name] === "rootstock"
    lines.push(
      tableRow([
        titles[name],
        rounded(median(rates(name))),
        rounded(median(figures.map(({ p50 }) => p50))),
        rounded(median(figures.map(({ p99 }) => p99))),
        ours ? ofHand.toFixed(2) : "",
        ours ? ofNest.toFixed(2) : "",
        ours ? verdict(ofHand >= 0.9 && ofNest > 1, "≥ 0.9 of the one by hand, NestJS behind") : "",
      ]),
    )
  }
  lines.push("")
  const packages = ["fastify", "@nestjs/core", "@nestjs/cache-manager", "cache-manager", "autocannon"]
  return { markdown: lines.join("\n"), packages }
}

async function startServers(run: CacheRun): Promise<Map<ServerName, Server>> {
  const servers = new Map<ServerName, Server>()
  const start = async (name: ServerName, starting: Promise<Server>): Promise<void> => {
    const server = await starting
    run.atEnd(() => stopProcess(server.process))
    servers.set(name, server)
  }
  const { databases, redis } = run
  const folder = join(databases.folder, "shop")
  mkdirSync(folder)
  const file = join(folder, "shop.db")
  progress("starting the shop on SQLite")
  await start("sqlite", startShop(folder, { DATABASE_URL: `sqlite:${file}`, CACHE_URL: "memory:" }, ["--no-sample"]))
  fillUsersOfFile(file)
  progress("starting the shop on PostgreSQL")
  const postgres = await databases.empty()
  const settings = { DATABASE_URL: postgres.url, CACHE_URL: `${redis.url}/15` }
  await start("redis", startShop(folder, settings, ["--no-sample"]))
  const schema = await fillUsers(postgres)
  const programs = { map: "http/map-server.ts", nest: "http/nest-cache-manager-server.ts" } as const
  for (const name of ["map", "nest"] as const) {
    progress(`starting ${titles[name]}`)
    await start(name, startServer(new URL(programs[name], import.meta.url), [postgres.url, schema]))
  }
  return new Map((Object.keys(titles) as ServerName[]).map((name) => [name, servers.get(name) as Server]))
}
