import assert from "node:assert/strict"
import { type ChildProcess, fork, spawn } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:net"
import { setTimeout as pause } from "node:timers/promises"
import { fileURLToPath } from "node:url"

export const userCount = 10_000

/** What the load generator found. */
export interface Load {
  /** Requests a second. */
  rate: number
  /** Milliseconds. */
  p50: number
  p99: number
  failed: number
}

export interface Server {
  url: string
  process: ChildProcess
}

/** The shop; as `startSystem`. */
export function startShop(
  folder: string,
  settings: Readonly<Record<string, string>>,
  options: readonly string[] = [],
): Promise<Server> {
  return startSystem("shop", folder, settings, options)
}

/**
 * A system of the product as `npm start` starts it, with migrations, and sample data unless an option leaves it out.
 *
 * @param folder where it keeps what it keeps
 * @param settings its environment, beside that of this process
 */
export function startSystem(
  system: string,
  folder: string,
  settings: Readonly<Record<string, string>>,
  options: readonly string[] = [],
): Promise<Server> {
  const program = fileURLToPath(new URL("../../../app/bin/rootstock.mjs", import.meta.url))
  return awaitServer(
    (port) =>
      spawn(process.execPath, [program, "serve", system, ...options], {
        cwd: folder,
        env: {
          ...process.env,
          NODE_ENV: "production",
          DB_POOL_SIZE: "10",
          DB_POOL_OVERFLOW: "0",
          HOST: "127.0.0.1",
          PORT: String(port),
          LOG_LEVEL: "warning",
          API_AUTH: "open",
          ...settings,
        },
        stdio: ["ignore", "ignore", "inherit"],
      }),
    "/health",
  )
}

/** A program that takes its arguments and then its port. */
export function startServer(program: URL, values: readonly string[]): Promise<Server> {
  return awaitServer(
    (port) =>
      spawn(process.execPath, [fileURLToPath(program), ...values, String(port)], {
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

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, "close")
  return port
}

/** Ends a process that was started here, by force where it does not end in time. */
export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, "exit")
  child.kill("SIGTERM")
  const timer = setTimeout(() => child.kill("SIGKILL"), 5_000)
  await exit
  clearTimeout(timer)
}

/** Every server must give the same JSON for the same user, 404 for an unknown one, and refuse what is no id. */
export async function checkEqualAnswers(servers: ReadonlyMap<string, Server>): Promise<void> {
  for (const path of ["/users/1", "/users/4711", `/users/${userCount}`]) {
    let expected: unknown
    for (const [name, { url }] of servers) {
      const response = await fetch(url + path)
      assert.equal(response.status, 200, `${name} ${path}`)
      assert.match(response.headers.get("content-type") ?? "", /^application\/json/)
      const body: unknown = await response.json()
      expected ??= body
      assert.deepEqual(body, expected, `${name} answers differently: ${path}`)
    }
  }
  for (const [name, { url }] of servers) {
    assert.equal((await fetch(`${url}/users/999999999`)).status, 404, `${name} knows who is not there`)
    const { status } = await fetch(`${url}/users/none`)
    assert.ok(status === 422 || status === 400, `${name} refuses what is no id`)
  }
}

/** Asks a server for a thousand users in turn, from a process of its own. */
export async function measureServer(
  name: string,
  { url }: Server,
  options: { connections: number; seconds: number },
): Promise<Load> {
  const values = [url, options.connections, options.seconds, userCount].map(String)
  const child = fork(new URL("load.ts", import.meta.url), values)
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
