import { EnvironmentError } from "rootstock/config"
import { ConfigError, RootstockError } from "rootstock/errors"
import { type Command, readCall, type Surroundings } from "./command.ts"
import { helpOf } from "./help.ts"
import { UsageError } from "./usage-error.ts"

/** The program did what it was asked; something failed; it was called or configured wrongly. */
export const exitCodes = { done: 0, failed: 1, usage: 2 } as const

/**
 * Runs the command that `words` name.
 *
 * @returns the exit code
 */
export async function runCommand(root: Command, words: readonly string[], surroundings: Surroundings): Promise<number> {
  const json = words.includes("--json")
  try {
    return await dispatch(root, [root.name], words, surroundings)
  } catch (error) {
    const wrong = error instanceof UsageError || error instanceof ConfigError
    if (json) surroundings.complain(JSON.stringify({ error: describe(error) }))
    else for (const line of explain(error)) surroundings.complain(line)
    return wrong ? exitCodes.usage : exitCodes.failed
  }
}

async function dispatch(
  command: Command,
  path: readonly string[],
  words: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  const [word, ...rest] = words
  if (command.commands !== undefined) {
    if (word === "--help" || word === "-h") {
      for (const line of helpOf(command, path)) surroundings.print(line)
      return exitCodes.done
    }
    const names = command.commands.map((one) => one.name).join(", ")
    if (word === undefined) throw new UsageError(`\`${path.join(" ")}\` needs a command: ${names}.`)
    const next = command.commands.find((one) => one.name === word)
    if (next === undefined) throw new UsageError(`${word} is no command of \`${path.join(" ")}\`; there are ${names}.`)
    return dispatch(next, [...path, next.name], rest, surroundings)
  }
  const call = readCall(command, words)
  if (call.help) {
    for (const line of helpOf(command, path)) surroundings.print(line)
    return exitCodes.done
  }
  const answer = await command.run?.(call, surroundings)
  if (answer === undefined) return exitCodes.done
  if (call.json) surroundings.print(JSON.stringify(answer.data))
  else for (const line of answer.lines) surroundings.print(line)
  return answer.code ?? exitCodes.done
}

function describe(error: unknown): Record<string, unknown> {
  if (!(error instanceof RootstockError)) return { code: "INTERNAL", message: messageOf(error) }
  const { code, message, cure } = error
  return { code, message, cure, ...(error instanceof EnvironmentError ? { problems: error.problems } : {}) }
}

function explain(error: unknown): string[] {
  if (error instanceof RootstockError) return [`rootstock: ${error.message}`, error.cure]
  return [`rootstock: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`]
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
