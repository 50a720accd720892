import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm } from "node:fs/promises"
import { type AddressInfo, createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createClient } from "redis"

/** A Redis server of one test, to be killed and started again. */
export type RedisServer = AsyncDisposable & {
  readonly url: string
  /** Starts it with what the last `snapshot` wrote. */
  start(): Promise<void>
  signal(name: "SIGKILL" | "SIGSTOP" | "SIGCONT"): Promise<void>
  /** Writes all that it has to its file. */
  snapshot(): Promise<void>
  flush(): Promise<void>
}

export async function startRedisServer(): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), "rootstock-redis-"))
  const port = await freePort()
  const url = `redis://127.0.0.1:${port}/0`
  let child: ChildProcess | undefined
  const start = async () => {
    child = spawn("redis-server", ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder], {
      stdio: ["ignore", "pipe", "inherit"],
    })
    let text = ""
    for await (const part of child.stdout as AsyncIterable<Buffer>) {
      text += part
      if (/ready to accept connections/i.test(text)) return
    }
    throw new Error(`redis-server ended: ${text}`)
  }
  const command = async (...words: string[]) => {
    const client = createClient({ url })
    await client.connect()
    await client.sendCommand(words)
    client.destroy()
  }
  const kill = async () => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, "exit")
    child.kill("SIGKILL")
    await ended
  }
  await start()
  return {
    url,
    start,
    async signal(name) {
      if (name === "SIGKILL") await kill()
      else child?.kill(name)
    },
    snapshot: () => command("SAVE"),
    flush: () => command("FLUSHALL"),
    async [Symbol.asyncDispose]() {
      await kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
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
