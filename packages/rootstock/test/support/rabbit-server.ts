import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { existsSync, rmSync } from "node:fs"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { type AddressInfo, connect, createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"

/** A RabbitMQ of one test, to be killed and started again with what it has written. */
export type RabbitServer = AsyncDisposable & {
  readonly url: string
  /** Kills it without a word. */
  kill(): Promise<void>
  /** Lets it end in order. */
  stop(): Promise<void>
  /** Starts it again; resolves when it answers. */
  start(): Promise<void>
}

/** Where the program is; the one in the search path of Debian changes to another user. */
function program(): string | undefined {
  const own = "/usr/lib/rabbitmq/bin/rabbitmq-server"
  if (existsSync(own)) return own
  return spawnSync("which", ["rabbitmq-server"]).status === 0 ? "rabbitmq-server" : undefined
}

/**
 * Starts a RabbitMQ with its data in a fresh folder, which takes some seconds.
 *
 * @returns undefined where the machine has no `rabbitmq-server`
 */
export async function startRabbitServer(): Promise<RabbitServer | undefined> {
  const command = program()
  if (command === undefined) return undefined
  const folder = await mkdtemp(join(tmpdir(), "rootstock-rabbit-"))
  const [port, distribution] = [await freePort(), await freePort()]
  await writeFile(join(folder, "plugins"), "[].")
  const environment = {
    HOME: folder,
    RABBITMQ_NODENAME: `rootstock${port}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1",
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(distribution),
    RABBITMQ_MNESIA_BASE: join(folder, "data"),
    RABBITMQ_LOG_BASE: join(folder, "log"),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, "plugins"),
    RABBITMQ_PID_FILE: join(folder, "pid"),
    RABBITMQ_CONFIG_FILE: join(folder, "none"),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-setcookie rootstock",
  }
  let child: ChildProcess | undefined
  const start = async () => {
    // A group of its own, since the program starts others.
    child = spawn(command, { env: { ...process.env, ...environment }, stdio: "ignore", detached: true })
    for (let tries = 0; tries < 3_000; tries++) {
      if (child.exitCode !== null) throw new Error(`rabbitmq-server ended with ${child.exitCode}`)
      if (await answers(port)) return
      await pause(100)
    }
    throw new Error("rabbitmq-server does not answer within five minutes")
  }
  const end = async (signal: "SIGKILL" | "SIGTERM") => {
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, "exit")
    process.kill(-child.pid, signal)
    await ended
  }
  const kill = () => end("SIGKILL")
  const abandon = () => {
    if (child?.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, "SIGKILL")
    rmSync(folder, { recursive: true, force: true })
  }
  process.once("exit", abandon)
  await start()
  return {
    url: `amqp://guest:guest@127.0.0.1:${port}`,
    start,
    kill,
    stop: () => end("SIGTERM"),
    async [Symbol.asyncDispose]() {
      process.off("exit", abandon)
      await kill()
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1")
    const end = (answer: boolean) => () => {
      socket.destroy()
      resolve(answer)
    }
    socket.once("connect", () => socket.write(Buffer.from("AMQP\0\0\x09\x01", "latin1")))
    socket.once("data", end(true))
    socket.once("error", end(false))
    socket.once("close", end(false))
  })
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve)
  })
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
