import { type DestinationStream, type Logger as PinoLogger, pino, stdSerializers } from "pino"
import { type Clock, systemClock } from "../clock/index.ts"
import { currentRequestId } from "./context.ts"
import { textLines } from "./text-lines.ts"

/** Levels from the least to the most important. */
export type LogLevel = "debug" | "info" | "warning" | "error"

/** What is logged beside the message: ids, counts, and an error under `error`. */
export type LogFields = Readonly<Record<string, unknown>>

/** Writes lines under one name. */
export type Logger = {
  readonly name: string
  /** A logger of the same destination with its own name. */
  named(name: string): Logger
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warning(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** Whether lines of `level` are written. */
  writes(level: LogLevel): boolean
}

export type LoggerOptions = {
  name: string
  /** Least level that is written; `info` by default. */
  level?: LogLevel
  /** `text` for people, `json` for machines; by default text where standard output is a terminal, else JSON. */
  format?: "text" | "json" | undefined
  /** Zone of the times in text lines; JSON lines hold instants in UTC. `UTC` by default. */
  timeZone?: string
  clock?: Clock
  /** Where lines go; standard output by default. */
  destination?: { write(line: string): unknown }
}

const pinoLevels = { debug: "debug", info: "info", warning: "warn", error: "error" } as const
const levelNames: Readonly<Record<string, string>> = { debug: "DEBUG", info: "INFO", warn: "WARNING", error: "ERROR" }

/** Paths that never reach a log, whoever passes them. */
const masked = [
  "password",
  "secret",
  "token",
  "key",
  "api_key",
  "authorization",
  "password_hash",
  "token_hash",
  "key_hash",
]

/**
 * Makes a logger. Text lines are `YYYY-MM-DD HH:MM:SS [LEVEL] name: message`; JSON lines have the same as `time`,
 * `level`, `name`, `message`, with the fields and the `request_id` of the request that is being answered.
 *
 * ### Examples
 *
 * ```ts
 * const log = createLogger({ name: "shop", level: "info" })
 * log.named("shop.orders").info("Order 7 is placed", { order_id: 7 })
 * ```
 */
export function createLogger(options: LoggerOptions): Logger {
  const clock = options.clock ?? systemClock
  const format = options.format ?? (process.stdout.isTTY ? "text" : "json")
  const output = options.destination ?? process.stdout
  const lines = format === "text" ? textLines(options.timeZone ?? "UTC") : undefined
  const destination: DestinationStream = {
    write: (line) => void output.write(lines === undefined ? line : lines(line)),
  }
  const root = pino(
    {
      base: null,
      level: pinoLevels[options.level ?? "info"],
      messageKey: "message",
      errorKey: "error",
      timestamp: () => `,"time":"${clock.now().toISOString()}"`,
      formatters: { level: (label) => ({ level: levelNames[label] ?? label.toUpperCase() }) },
      serializers: { error: stdSerializers.err },
      redact: { paths: masked, censor: "***" },
      mixin: () => {
        const requestId = currentRequestId()
        return requestId === undefined ? {} : { request_id: requestId }
      },
    },
    destination,
  )
  return wrap(root, options.name)
}

function wrap(root: PinoLogger, name: string): Logger {
  const own = root.child({ name })
  const writer = (level: "debug" | "info" | "warn" | "error") => (message: string, fields?: LogFields) => {
    own[level](fields ?? {}, message)
  }
  return Object.freeze({
    name,
    named: (other: string) => wrap(root, other),
    debug: writer("debug"),
    info: writer("info"),
    warning: writer("warn"),
    error: writer("error"),
    writes: (level: LogLevel) => own.isLevelEnabled(pinoLevels[level]),
  })
}
