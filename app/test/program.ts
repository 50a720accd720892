import { type ChildProcessByStdio, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import type { Readable } from "node:stream"
import { type Engine, temporaryDatabase } from "../../packages/rootstock/test/support/index.ts"
import { runCommand } from "../src/command/index.ts"
import { rootstock } from "../src/commands/index.ts"

const main = new URL("../src/main.ts", import.meta.url).pathname

/** Variables of the surroundings of a test that the program must not see. */
function environment(more: Record<string, string>): Record<string, string> {
  const { PATH = "", HOME = "" } = process.env
  return { PATH, HOME, PORT: "0", NODE_TEST_CONTEXT: "", ...more }
}

/** What a command printed, and how it ended. */
export type Ended = { code: number; out: string; err: string }

/**
 * Carries out a command within this process.
 *
 * @param words as one text, or as a list where one of them has a blank in it
 * @param ask answers what a person is asked; without it there is nobody
 */
export async function run(
  words: string | readonly string[],
  env: Record<string, string> = {},
  ask?: (question: string) => Promise<string>,
): Promise<Ended> {
  const [out, err]: [string[], string[]] = [[], []]
  const code = await runCommand(rootstock, typeof words === "string" ? words.split(" ").filter(Boolean) : words, {
    env: environment({ LOG_LEVEL: "error", ...env }),
    terminal: false,
    ask,
    print: (line) => out.push(`${line}\n`),
    complain: (line) => err.push(`${line}\n`),
    untilInterrupted: () => new Promise(() => undefined),
  })
  return { code, out: out.join(""), err: err.join("") }
}

/** A line of the log. */
export type Line = { name: string; level: string; message: string; address?: string }

/** The program while it serves. */
export type Serving = AsyncDisposable & {
  readonly address: string
  readonly lines: Line[]
  readonly child: ChildProcessByStdio<null, Readable, Readable>
  /** Asks it to stop and waits until it has. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

/**
 * Starts `rootstock serve` and waits until it listens.
 *
 * @param words what to serve and how; nothing for all systems
 */
export async function serve(env: Record<string, string>, words = "shop"): Promise<Serving> {
  const child = spawn(process.execPath, [main, "serve", ...words.split(" ").filter(Boolean)], {
    env: environment(env),
    stdio: ["ignore", "pipe", "pipe"],
  })
  const closed = once(child, "close")
  const lines: Line[] = []
  let err = ""
  child.stderr.on("data", (text) => {
    err += text
  })
  const address = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (text) => {
      const line: Line = JSON.parse(text)
      lines.push(line)
      if (line.address !== undefined) resolve(line.address)
    })
    child.once("close", () =>
      reject(new Error(`The server ended: ${err}${lines.map(({ message }) => message).join("\n")}`)),
    )
  })
  const stop = async (signal: NodeJS.Signals = "SIGTERM") => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    return (await closed)[0]
  }
  return { address, lines, child, stop, [Symbol.asyncDispose]: async () => void (await stop("SIGKILL")) }
}

/** Starts `rootstock serve shop` and kills it at the first line of the log that fits; gives the lines up to it. */
export async function killAt(env: Record<string, string>, fits: RegExp): Promise<string[]> {
  const child = spawn(process.execPath, [main, "serve", "shop"], {
    env: environment(env),
    stdio: ["ignore", "pipe", "inherit"],
  })
  const messages: string[] = []
  for await (const text of createInterface({ input: child.stdout })) {
    const { message }: Line = JSON.parse(text)
    messages.push(message)
    if (!fits.test(message)) continue
    child.kill("SIGKILL")
    break
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit")
  return messages
}

/** A folder that is removed when the test ends. */
export async function temporaryFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), "rootstock-app-"))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** A place for the databases of one program: a folder, or a PostgreSQL database. */
export async function home({ name, dialect }: Engine): Promise<AsyncDisposable & { url: string; path?: string }> {
  if (dialect === "sqlite") {
    const folder = await temporaryFolder()
    return { ...folder, url: `sqlite:${join(folder.path, "data")}`, [Symbol.asyncDispose]: folder[Symbol.asyncDispose] }
  }
  const { url, dispose } = await temporaryDatabase(name, { ownDatabase: true })
  return { url, [Symbol.asyncDispose]: dispose }
}

/** The JSON that is answered at an address. */
export const get = async (url: string): Promise<any> => (await fetch(url)).json()
