import { type ParseArgsOptionDescriptor, parseArgs } from "node:util"
import type { Environment } from "rootstock/config"
import { UsageError } from "./usage-error.ts"

/** An option of a command, as `--name` or `--name value`. */
export type Option = Pick<ParseArgsOptionDescriptor, "type" | "short" | "multiple"> & {
  /** What it does, as one sentence. */
  sentence: string
  /** Name of its value in the help. */
  value?: string
}

/** A word that follows a command. */
export type Argument = {
  name: string
  sentence: string
  required?: boolean
  /** The values that it may have, where they are known. */
  values?: readonly string[]
  /** Whether more words of its kind may follow; only of the last argument. */
  multiple?: boolean
}

/** Where a command reads and writes. */
export type Surroundings = {
  env: Environment
  /** Whether a person reads the output on a terminal. */
  terminal: boolean
  /** Writes a line to standard output. */
  print(line: string): void
  /** Writes a line to standard error. */
  complain(line: string): void
  /** Asks a person on the terminal and gives the answer. Absent without a terminal. */
  ask?: ((question: string) => Promise<string>) | undefined
  /** Waits until the program is asked to stop; before that call, such a signal ends it at once. */
  untilInterrupted(): Promise<void>
}

/** The value of an option; a list where it may be repeated. */
export type OptionValue = string | boolean | (string | boolean)[] | undefined

/** What a command was called with. */
export type Call = {
  /** Values by the arguments' names; of one that may be given several times the first. */
  words: Readonly<Record<string, string | undefined>>
  /** All values of the argument that may be given several times. */
  list: readonly string[]
  options: Readonly<Record<string, OptionValue>>
  /** Whether answers are JSON. */
  json: boolean
}

/** One command of the program, or a group of them. */
export type Command = {
  readonly name: string
  readonly summary: string
  /** Examples of calls, without the program's name. */
  readonly examples?: readonly string[]
  readonly arguments?: readonly Argument[]
  readonly options?: Readonly<Record<string, Option>>
  /** The commands of a group. */
  readonly commands?: readonly Command[]
  /** Carries it out; gives what is answered, as text or as data for `--json`. */
  run?(call: Call, surroundings: Surroundings): Promise<Answer | undefined>
}

/** What a command answers: lines for people, and data for `--json`. */
export type Answer = {
  lines: readonly string[]
  data: unknown
  /** Exit code; 0 unless said. */
  code?: number
}

const commonOptions: Readonly<Record<string, Option>> = {
  help: { type: "boolean", short: "h", sentence: "Shows this help." },
  json: { type: "boolean", sentence: "Answers as JSON." },
}

/** The options of a command with those of every command. */
export function optionsOf(command: Command): Readonly<Record<string, Option>> {
  return { ...command.options, ...commonOptions }
}

/**
 * Reads the words that follow a command.
 *
 * @throws UsageError that says which word is wrong
 */
export function readCall(command: Command, words: readonly string[]): Call & { help: boolean } {
  const declared = command.arguments ?? []
  const { values, positionals } = parse(command, words)
  const help = values["help"] === true
  const json = values["json"] === true
  if (help) return { words: {}, list: [], options: {}, json, help }
  const takesMore = declared.at(-1)?.multiple === true
  const extra = positionals[declared.length]
  if (extra !== undefined && !takesMore) throw new UsageError(`${extra} is one word too many.`)
  const read: Record<string, string | undefined> = {}
  for (const [at, argument] of declared.entries()) {
    const word = positionals[at]
    if (word === undefined && argument.required === true) throw new UsageError(`<${argument.name}> is missing.`)
    if (word !== undefined && argument.values !== undefined && !argument.values.includes(word)) {
      throw new UsageError(`${word} is no ${argument.name}; there ${list(argument.values)}.`)
    }
    read[argument.name] = word
  }
  return { words: read, list: takesMore ? positionals.slice(declared.length - 1) : [], options: values, json, help }
}

function list(values: readonly string[]): string {
  return values.length === 1 ? `is only ${values[0]}` : `are ${values.join(", ")}`
}

function parse(command: Command, words: readonly string[]) {
  const options = Object.fromEntries(
    Object.entries(optionsOf(command)).map(([name, { type, short, multiple = false }]) => [
      name,
      { type, multiple, ...(short === undefined ? {} : { short }) },
    ]),
  )
  try {
    const { values, positionals } = parseArgs({ args: [...words], options, allowPositionals: true, strict: true })
    return { values: values as Record<string, OptionValue>, positionals }
  } catch (error) {
    if (error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS")) {
      throw new UsageError(error.message)
    }
    throw error
  }
}
