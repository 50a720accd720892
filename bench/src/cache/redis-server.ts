import { spawn } from "node:child_process"
import { once } from "node:events"
import { setTimeout as pause } from "node:timers/promises"
import { createClient } from "redis"
import { freePort, stopProcess } from "../http/servers.ts"

/** A Redis server of the run's own. */
export interface RedisServer {
  /** `redis://127.0.0.1:<port>`; a number of a database may follow. */
  url: string
  version: string
  stop(): Promise<void>
}

/**
 * @param options `durableIn`: a folder where each command is on disk before it is answered; otherwise nothing is kept there
 * @throws where no `redis-server` can be started
 */
export async function startRedis(options: { durableIn?: string } = {}): Promise<RedisServer> {
  const port = await freePort()
  const { durableIn } = options
  const keeping =
    durableIn === undefined
      ? ["--appendonly", "no"]
      : ["--dir", durableIn, "--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"]
  const values = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", ...keeping]
  const server = spawn("redis-server", values, { stdio: ["ignore", "ignore", "inherit"] })
  await Promise.race([
    once(server, "spawn"),
    once(server, "error").then(([error]) => {
      throw new Error(`redis-server does not start: ${(error as Error).message}. It must be on the PATH.`)
    }),
  ])
  const url = `redis://127.0.0.1:${port}`
  for (;;) {
    if (server.exitCode !== null) throw new Error(`redis-server ended with ${server.exitCode}`)
    const version = await versionOf(url).catch(() => undefined)
    if (version !== undefined) return { url, version, stop: () => stopProcess(server) }
    await pause(20)
  }
}

async function versionOf(url: string): Promise<string | undefined> {
  const client = createClient({ url, socket: { reconnectStrategy: false } }).on("error", () => undefined)
  await client.connect()
  try {
    return /^redis_version:(.*?)\r?$/m.exec(await client.info("server"))?.[1]
  } finally {
    client.destroy()
  }
}
