import { existsSync } from "node:fs"
import { createInterface } from "node:readline/promises"
import { elapsed } from "rootstock/clock"
import { runCommand, type Surroundings } from "./command/index.ts"
import { rootstock } from "./commands/index.ts"

/** A terminal and npm may both pass on one Ctrl-C; signals within so many milliseconds count as one. */
const onePress = 1_000

function untilInterrupted(): Promise<void> {
  return new Promise((resolve) => {
    let first: number | undefined
    const stop = () => {
      first ??= elapsed()
      resolve()
      // Whoever presses again does not want to wait.
      if (elapsed() - first > onePress) process.exit(130)
    }
    process.on("SIGINT", stop)
    process.on("SIGTERM", stop)
  })
}

async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return await lines.question(question)
  } finally {
    lines.close()
  }
}

if (existsSync(".env")) process.loadEnvFile(".env")

// Whoever reads the output may go before its end, as `head` does.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0)
  throw error
})

const surroundings: Surroundings = {
  env: process.env,
  terminal: process.stdout.isTTY === true,
  print: (line) => void process.stdout.write(`${line}\n`),
  complain: (line) => void process.stderr.write(`${line}\n`),
  ask: process.stdin.isTTY === true ? ask : undefined,
  untilInterrupted,
}

process.exitCode = await runCommand(rootstock, process.argv.slice(2), surroundings)
