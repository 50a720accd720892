export type { Answer, Argument, Call, Command, Option, OptionValue, Surroundings } from "./command.ts"
export { inJsonKeys } from "./json-keys.ts"
export { exitCodes, runCommand } from "./run.ts"
export { UsageError } from "./usage-error.ts"
