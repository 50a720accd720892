import { mkdirSync } from "node:fs"
import { type Clock, systemClock } from "rootstock/clock"
import { readSettings, type Settings } from "rootstock/config"
import { ConfigError } from "rootstock/errors"
import { createLogger, type Logger } from "rootstock/log"
import { type Call, type Option, type Surroundings, UsageError } from "../command/index.ts"
import { systemNames } from "../systems.ts"

/** What every command that touches databases works with. */
export type Workplace = { settings: Settings; clock: Clock; log: Logger }

/** Reads the environment, makes the log, and the folder of the databases where they are files. @throws EnvironmentError */
export function workplaceOf({ env }: Surroundings, destination?: { write(line: string): unknown }): Workplace {
  const settings = readSettings(env)
  const { directory } = settings.databases
  if (directory !== undefined) makeFolder(directory)
  const clock = systemClock
  const log = createLogger({
    name: "rootstock",
    level: settings.LOG_LEVEL,
    format: settings.LOG_FORMAT,
    timeZone: settings.TIME_ZONE,
    clock,
    ...(destination === undefined ? {} : { destination }),
  })
  return { settings, clock, log }
}

/** @throws ConfigError where there is no such folder and none can be made */
function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true })
  } catch (error) {
    throw new ConfigError(`The folder ${path} of the databases cannot be made: ${(error as Error).message}.`, {
      cure: "Set DATABASE_URL to a folder that may be written, e.g. DATABASE_URL=sqlite:./data.",
      cause: error,
    })
  }
}

/** Says that the schema that is set does not count where several systems run. */
export function warnOfSchema({ settings, log }: Workplace, alone: boolean): void {
  if (settings.SCHEMA_NAME === undefined || alone) return
  log.warning(
    `SCHEMA_NAME=${settings.SCHEMA_NAME} has no effect: several systems run, each in the schema of its own name`,
  )
}

/** The argument that names a system. */
export const systemArgument = {
  name: "system",
  sentence: "The system; all of them where it is left out.",
  values: systemNames,
}

/** The systems that a call means. */
export function systemsOf({ words }: Call): string[] {
  const name = words["system"]
  return name === undefined ? systemNames : [name]
}

/** The option that names one system. */
export const systemOption: Option = {
  type: "string",
  value: "name",
  sentence: `The system: ${systemNames.join(", ")}; needed where there are several.`,
}

/** The one system that a call means: the only one where it does not say. @throws UsageError */
export function oneSystemOf({ options }: Call): string {
  const given = options["system"]
  if (given === undefined && systemNames.length === 1) return systemNames[0]!
  if (typeof given === "string" && systemNames.includes(given)) return given
  throw new UsageError("--system is missing or not known.", `Give one of ${systemNames.join(", ")}.`)
}

/** The text of an option that must be there. @throws UsageError */
export function requiredOption({ options }: Call, name: string, example: string): string {
  const value = options[name]
  if (typeof value === "string" && value.trim() !== "") return value.trim()
  throw new UsageError(`--${name} is missing.`, `Give it, e.g. --${name} ${example}.`)
}
