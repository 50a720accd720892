import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { copyFile, mkdtemp, rm } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, it } from "node:test"
import { createClient } from "redis"

/** A Redis server of one test, which it may stop, kill, and start again with what it held at some earlier time. */
export class OwnRedis {
  readonly port: number
  readonly #folder: string
  readonly #settings: readonly string[]
  #child: ChildProcess | undefined

  private constructor(port: number, folder: string, settings: readonly string[]) {
    this.port = port
    this.#folder = folder
    this.#settings = settings
  }

  /** @param settings further arguments of redis-server, e.g. `--requirepass secret` as two texts */
  static async start(...settings: string[]): Promise<OwnRedis> {
    const folder = await mkdtemp(join(tmpdir(), "rootstock-redis-"))
    const server = new OwnRedis(await freePort(), folder, settings)
    await server.#run()
    return server
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}/0`
  }

  async #run(): Promise<void> {
    const own = ["--port", String(this.port), "--bind", "127.0.0.1", "--save", "", "--dir", this.#folder]
    const child = spawn("redis-server", [...own, ...this.#settings], { stdio: ["ignore", "pipe", "inherit"] })
    this.#child = child
    let text = ""
    for await (const part of child.stdout) {
      text += part
      if (text.includes("eady to accept connections")) {
        child.stdout.resume()
        return
      }
    }
    throw new Error(`redis-server did not start: ${text}`)
  }

  /** Runs a command on a connection of its own. */
  async command(...parts: string[]): Promise<unknown> {
    const password = this.#settings[this.#settings.indexOf("--requirepass") + 1]
    const secret = this.#settings.includes("--requirepass") && password !== undefined ? { password } : {}
    const client = createClient({ url: this.url, ...secret })
    client.on("error", () => undefined)
    await client.connect()
    try {
      return await client.sendCommand(parts)
    } finally {
      client.destroy()
    }
  }

  /** Writes down what is there, under a name for `restart`. */
  async keep(name: string): Promise<void> {
    await this.command("SAVE")
    await copyFile(join(this.#folder, "dump.rdb"), join(this.#folder, `${name}.kept`))
  }

  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#child?.kill(signal)
  }

  async kill(): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, "exit")
    child.kill("SIGKILL")
    await ended
  }

  /** Starts anew: with what was kept under a name, or with nothing. */
  async restart(name?: string): Promise<void> {
    await this.kill()
    const dump = join(this.#folder, "dump.rdb")
    if (name === undefined) await rm(dump, { force: true })
    else await copyFile(join(this.#folder, `${name}.kept`), dump)
    await this.#run()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    await rm(this.#folder, { recursive: true, force: true })
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  server.close()
  await once(server, "close")
  if (address === null || typeof address === "string") throw new Error("no port is free")
  return address.port
}

/** Whether `redis-server` can be started here. */
export const hasRedisServer = (): boolean => spawnSync("redis-server", ["--version"]).status === 0

/** Defines tests that start Redis servers of their own; left out, or failed where all services must be there. */
export function requireRedisServer(title: string, define: () => void): void {
  if (hasRedisServer()) describe(title, define)
  else if (process.env["ROOTSTOCK_REQUIRE_SERVICES"] === "1") {
    it(title, () => {
      throw new Error("redis-server is not on the PATH, and ROOTSTOCK_REQUIRE_SERVICES=1 asks for every server")
    })
  } else it(title, { skip: "needs redis-server on the PATH" })
}
