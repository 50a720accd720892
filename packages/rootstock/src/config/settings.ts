import { checkedDatabaseHome, type DatabaseHome } from "./database-url.ts"
import { EnvironmentError, type EnvironmentProblem } from "./environment-error.ts"
import { type Environment, readVariables } from "./read.ts"
import { brokerUrl, cacheUrl } from "./server-urls.ts"
import {
  addressesVariable,
  booleanVariable,
  choiceVariable,
  hostVariable,
  integerVariable,
  keysVariable,
  pairsVariable,
  textVariable,
  timeZoneVariable,
  urlVariable,
  type Values,
} from "./variables.ts"

/** Every variable that the program reads. */
export const environmentVariables = {
  DATABASE_URL: textVariable({
    sentence: "Where the databases are: sqlite: with a directory or a file, or a PostgreSQL URL.",
    example: "sqlite:./data",
    secret: true,
  }),
  DB_HOST: hostVariable({
    sentence: "Host of PostgreSQL; makes up the URL where DATABASE_URL is unset.",
    example: "localhost",
  }),
  DB_PORT: integerVariable({
    sentence: "Port of PostgreSQL, used with DB_HOST.",
    example: "5432",
    default: 5432,
    min: 1,
    max: 65_535,
  }),
  POSTGRES_USER: textVariable({ sentence: "User of PostgreSQL, used with DB_HOST.", example: "app", default: "app" }),
  POSTGRES_PASSWORD: textVariable({
    sentence: "Password of PostgreSQL, used with DB_HOST.",
    example: "app",
    secret: true,
  }),
  POSTGRES_DB: textVariable({ sentence: "Database of PostgreSQL, used with DB_HOST.", example: "app", default: "app" }),
  SCHEMA_NAME: textVariable({
    sentence: "PostgreSQL schema of a system that runs alone; the system's name by default.",
    example: "shop",
    pattern: /^[a-z_][a-z0-9_]{0,62}$/,
    patternName: "a name of at most 63 lower-case letters, digits and underscores",
  }),
  DB_POOL_SIZE: integerVariable({
    sentence: "PostgreSQL connections kept by a process.",
    example: "10",
    default: 10,
    min: 1,
    max: 1000,
  }),
  DB_POOL_OVERFLOW: integerVariable({
    sentence: "PostgreSQL connections opened on top at a peak.",
    example: "20",
    default: 20,
    min: 0,
    max: 1000,
  }),
  DB_POOL_RECYCLE_S: integerVariable({
    sentence: "Seconds that a PostgreSQL connection lives at most.",
    example: "3600",
    default: 3600,
    min: 1,
    max: 604_800,
  }),
  CACHE_URL: urlVariable({
    sentence: "Where values are cached: memory: in the process, off: nowhere, or a Redis URL.",
    example: "redis://localhost:6379/0",
    schemes: ["memory", "off", "redis", "rediss"],
  }),
  CACHE_PREFIX: textVariable({
    sentence: "What stands before all keys in Redis; then comes the name of the system, but for the shop.",
    example: "prod:",
    default: "",
    pattern: /^[\w.:-]{0,64}$/,
    patternName: "at most 64 letters, digits, and . : - _",
  }),
  CACHE_LOCAL: booleanVariable({
    sentence: "Whether a process keeps values from Redis in its memory too; a write then waits some 20 ms more.",
    example: "true",
    default: true,
  }),
  CACHE_COHERENCE: choiceVariable(["strict", "bounded", "ttl"], {
    sentence: "What Redis promises: strict (no stale read), bounded (a second at most), or ttl (by age only).",
    example: "strict",
    default: "strict",
  }),
  REDIS_URL: urlVariable({
    sentence: "Redis for conversation state; CACHE_URL and this one stand in for each other.",
    example: "redis://localhost:6379/0",
    schemes: ["redis", "rediss"],
  }),
  REDIS_HOST: hostVariable({
    sentence: "Host of Redis; makes up the URL where CACHE_URL is unset.",
    example: "localhost",
  }),
  REDIS_PORT: integerVariable({
    sentence: "Port of Redis, used with REDIS_HOST.",
    example: "6379",
    default: 6379,
    min: 1,
    max: 65_535,
  }),
  REDIS_DB: integerVariable({
    sentence: "Number of the Redis database, used with REDIS_HOST.",
    example: "0",
    default: 0,
    min: 0,
    max: 1_000_000,
  }),
  REDIS_DECODE_RESPONSES: booleanVariable({
    sentence: "Has no effect: values are always decoded to text; false only warns.",
    example: "true",
    default: true,
  }),
  BROKER_URL: urlVariable({
    sentence: "Where queues are: database: in each system's database, or a RabbitMQ URL.",
    example: "amqp://guest:guest@localhost:5672/local",
    schemes: ["database", "amqp", "amqps"],
  }),
  RABBITMQ_HOST: hostVariable({
    sentence: "Host of RabbitMQ; makes up the URL where BROKER_URL is unset.",
    example: "localhost",
  }),
  RABBITMQ_PORT: integerVariable({
    sentence: "Port of RabbitMQ, used with RABBITMQ_HOST.",
    example: "5672",
    default: 5672,
    min: 1,
    max: 65_535,
  }),
  RABBITMQ_VHOST: textVariable({
    sentence: "Virtual host of RabbitMQ, used with RABBITMQ_HOST.",
    example: "local",
    default: "local",
  }),
  RABBITMQ_USER: textVariable({
    sentence: "User of RabbitMQ, used with RABBITMQ_HOST.",
    example: "guest",
    default: "guest",
  }),
  RABBITMQ_PASSWORD: textVariable({
    sentence: "Password of RabbitMQ, used with RABBITMQ_HOST.",
    example: "guest",
    default: "guest",
    secret: true,
  }),
  HOST: hostVariable({ sentence: "Address to listen on.", example: "127.0.0.1", default: "127.0.0.1" }),
  PORT: integerVariable({
    sentence: "Port to listen on; 0 takes a free one.",
    example: "8000",
    default: 8000,
    min: 0,
    max: 65_535,
  }),
  TIME_ZONE: timeZoneVariable({
    sentence: "Zone in which days, weeks and months begin.",
    example: "Europe/Moscow",
    default: "Europe/Moscow",
  }),
  LOG_LEVEL: choiceVariable(["debug", "info", "warning", "error"], {
    sentence: "Least level that is logged.",
    example: "info",
    default: "info",
  }),
  LOG_FORMAT: choiceVariable(["text", "json"], {
    sentence: "Form of log lines; text on a terminal and json elsewhere by default.",
    example: "json",
  }),
  LOG_SQL: booleanVariable({ sentence: "Whether SQL statements are logged.", example: "false", default: false }),
  API_AUTH: choiceVariable(["open", "required"], {
    sentence: "Whether calls need credentials; open for shop and required elsewhere by default.",
    example: "required",
  }),
  ALLOW_OPEN: booleanVariable({
    sentence: "Allows an address other than loopback although API_AUTH is open.",
    example: "1",
    default: false,
  }),
  OPERATOR_TOKEN: textVariable({
    sentence: "Token for the calls under /operations; without it they answer only on this machine.",
    example: "choose-at-least-16-characters",
    secret: true,
    pattern: /^[\x21-\x7e]{16,256}$/,
    patternName: "a token of 16 to 256 printable characters without spaces",
  }),
  TRUST_PROXY: addressesVariable({
    sentence: "Proxies whose X-Forwarded-For is believed to name the caller, as addresses or networks.",
    example: "127.0.0.1, 10.0.0.0/8",
  }),
  PUBLIC_URL: urlVariable({
    sentence: "Address under which users reach the server, for links.",
    example: "https://shop.example.com",
    schemes: ["http", "https"],
  }),
  SECRET_KEY: textVariable({
    sentence: "Key that signs tokens and cookies; made at the first start where the server is for this machine only.",
    example: "at-least-32-characters-from-openssl-rand-base64-32",
    secret: true,
    pattern: /^[\x21-\x7e]{32,256}$/,
    patternName: "a key of 32 to 256 printable characters without spaces",
  }),
  ENCRYPTION_KEY: keysVariable({
    sentence: "Keys of encrypted columns, the newest first; made at the first start as SECRET_KEY is.",
    example: "k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
  }),
  FILES_DIR: textVariable({
    sentence: "Directory of uploaded files; data/files/<system> by default.",
    example: "./data/files",
  }),
  ALLOW_SIGNUP: booleanVariable({
    sentence: "Whether anyone may register an organisation.",
    example: "false",
    default: false,
  }),
  LLM_URL: urlVariable({
    sentence: "Language model that speaks the OpenAI protocol; a built-in script answers without it.",
    example: "http://localhost:11434/v1",
    schemes: ["http", "https"],
  }),
  LLM_API_KEY: textVariable({ sentence: "Key for LLM_URL.", example: "sk-1", secret: true }),
  LLM_MODEL_MAP: pairsVariable({
    sentence: "What models of roles are called at LLM_URL, where that differs: role's=server's, with commas between.",
    example: "qwen2.5:7b=gpt-5-mini,llama3=llama-3.3-70b",
  }),
  PROMPT_DIR: textVariable({ sentence: "Directory of the roles' prompt files.", example: "./prompts" }),
  ALLOW_PRIVATE_WEBHOOKS: booleanVariable({
    sentence: "Whether webhooks may lead to private addresses.",
    example: "false",
    default: false,
  }),
  SMTP_URL: urlVariable({
    sentence: "Server that sends mail; without it mail is off.",
    example: "smtp://localhost:1025",
    schemes: ["smtp", "smtps"],
  }),
  SMTP_FROM: textVariable({
    sentence: "Sender of mail.",
    example: "rootstock@example.com",
    pattern: /^[^\r\n]*[^\s@]@[^\s@]+$/,
    patternName: "an e-mail address, with a name before it where one is wanted: Name <name@example.com>",
  }),
  TELEGRAM_API_ROOT: urlVariable({
    sentence: "Server of the Telegram Bot API.",
    example: "https://api.telegram.org",
    default: "https://api.telegram.org",
    schemes: ["http", "https"],
    secret: false,
  }),
  TELEGRAM_WEBHOOK_SECRET: textVariable({
    sentence: "What Telegram proves itself with at the webhooks; without it bots ask for updates themselves.",
    example: "choose-at-least-16-characters",
    secret: true,
    pattern: /^[A-Za-z0-9_-]{16,256}$/,
    patternName: "16 to 256 letters, digits, hyphens and underscores",
  }),
} as const

const botToken = textVariable({
  sentence: "Token of a system's bot; without it the bot is off.",
  example: "123456789:AAexample-of-a-token-of-35-characters",
  secret: true,
  pattern: /^\d{1,20}:[\w-]{30,64}$/,
  patternName: "a token as @BotFather gives it",
})

/** What the environment says, read and checked. */
export type Settings = Values<typeof environmentVariables> & {
  /** Where the databases are, made up from `DATABASE_URL` or `DB_HOST` and its companions. */
  readonly databases: DatabaseHome
  /** Where values are cached, made up from `CACHE_URL`, `REDIS_HOST` and its companions, or `REDIS_URL`. */
  readonly cache: string
  /** Where queues are, made up from `BROKER_URL`, or `RABBITMQ_HOST` and its companions. */
  readonly broker: string
  /** Tokens of bots by the names of their systems, from `TELEGRAM_BOT_TOKEN_<SYSTEM>`. */
  readonly botTokens: ReadonlyMap<string, string>
}

/**
 * Reads the environment of the program.
 *
 * @throws EnvironmentError that names every wrong variable at once
 */
export function readSettings(environment: Environment): Settings {
  const { values, problems } = readVariables(environment, environmentVariables)
  const databases = checkedDatabaseHome(values, problems)
  const { CACHE_URL, REDIS_URL } = values
  if (REDIS_URL !== undefined && CACHE_URL?.startsWith("redis") === true && CACHE_URL !== REDIS_URL) {
    const problem = "must name the same server as CACHE_URL: what is cached and what is state are kept true together"
    problems.push({ variable: "REDIS_URL", problem, example: "redis://localhost:6379/0" })
  }
  const botTokens = readBotTokens(environment, problems)
  if (problems.length > 0 || databases === undefined) throw new EnvironmentError(problems)
  return Object.freeze({ ...values, databases, cache: cacheUrl(values), broker: brokerUrl(values), botTokens })
}

function readBotTokens(environment: Environment, problems: EnvironmentProblem[]): ReadonlyMap<string, string> {
  const names = Object.keys(environment).filter((name) => /^TELEGRAM_BOT_TOKEN_[A-Z0-9_]+$/.test(name))
  const read = readVariables(environment, Object.fromEntries(names.map((name) => [name, botToken])))
  problems.push(...read.problems)
  const tokens = new Map<string, string>()
  for (const [name, token] of Object.entries(read.values)) {
    if (token !== undefined) tokens.set(name.slice("TELEGRAM_BOT_TOKEN_".length).toLowerCase(), token)
  }
  return tokens
}
