import { readFileSync } from "node:fs"
import type { ConnectionOptions } from "node:tls"
import { ConfigError } from "../../errors/index.ts"
import type { Prelude } from "./exchange.ts"

/** How a PostgreSQL database is opened. Times are milliseconds. */
export type PostgresOptions = {
  /**
   * `postgres://user:password@host:port/database?schema=shop`; also `postgresql://`, `?host=/path` for a Unix socket,
   * and `sslmode`, `sslrootcert`, `sslcert`, `sslkey` as libpq knows them. Without `sslmode` there is no TLS.
   */
  readonly url: URL | string
  /** Shown by the server for each connection; default `rootstock`. */
  readonly applicationName?: string | undefined
  readonly pool?: PoolOptions | undefined
  /**
   * Between here and the server stands a pooler in transaction mode, e.g. PgBouncer: nothing is kept on a connection
   * beyond a transaction, neither prepared statements nor settings.
   */
  readonly pooler?: boolean | undefined
  /** The longest that one statement may run; by default the server's own limit. */
  readonly statementTimeoutMs?: number | undefined
  /** The longest that a statement may wait for a lock; by default the server's own limit. */
  readonly lockTimeoutMs?: number | undefined
  /** After so long without a statement the server ends a transaction; default 300,000. */
  readonly idleInTransactionMs?: number | undefined
  /** A server that follows the first one and is only read. */
  readonly replicaUrl?: URL | string | undefined
  /** The pauses between the tries to connect; default 200 and 1,000, which makes three tries. */
  readonly connectDelaysMs?: readonly number[] | undefined
  /** How long one try to connect may take; default 10,000. */
  readonly connectTimeoutMs?: number | undefined
  readonly warn?: ((message: string) => void) | undefined
}

export type PoolOptions = {
  /** Connections that are kept; default 10. They are opened when they are needed. */
  readonly size?: number | undefined
  /** Connections that may be added at a peak; default 20. */
  readonly overflow?: number | undefined
  /** After so long without use a connection beyond `size` is closed; default 10,000. */
  readonly idleMs?: number | undefined
  /** After so long a connection is closed as soon as nobody uses it; default 3,600,000. */
  readonly lifetimeMs?: number | undefined
  /** The longest that a call waits for a connection; default 10,000. */
  readonly waitMs?: number | undefined
  /** A call that has waited so long may open a connection beyond `size`; default 20. */
  readonly patienceMs?: number | undefined
  /** After so long without use a connection is checked before it is used; default 15,000. */
  readonly checkMs?: number | undefined
  /** A connection that does not answer the check for so long is closed; default 2,000. */
  readonly answerMs?: number | undefined
  /** How long `close` waits for what still runs before it cuts the connections; default 30,000. */
  readonly closeMs?: number | undefined
}

/** What is needed to open one connection. */
export type Target = {
  /** Host and port, or the path of the socket; never with a password. */
  readonly place: string
  readonly client: {
    readonly user?: string
    readonly password?: string
    readonly host: string
    readonly port: number
    readonly database: string
    readonly ssl: false | ConnectionOptions
    readonly options?: string
    readonly application_name: string
    readonly connectionTimeoutMillis: number
    readonly keepAlive: true
  }
  /** Try without TLS where the server offers none. */
  readonly plainAllowed: boolean
  /** Statements keep names on a connection. */
  readonly prepares: boolean
  /** What each transaction starts with. */
  readonly preludes: readonly Prelude[]
}

/** Reads the URL and the options. */
export function targetOf(options: PostgresOptions, given: URL | string, readOnly = false): Target {
  const url = parseUrl(given)
  const query = url.searchParams
  const socketDirectory = query.get("host")
  const host = socketDirectory ?? decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, "$1")
  const port = Number(query.get("port") ?? (url.port || 5432))
  const place = host.startsWith("/") ? `${host}/.s.PGSQL.${port}` : `${host.includes(":") ? `[${host}]` : host}:${port}`
  if (host === "") throw wrongUrl("names no host", place)
  const database = decodeURIComponent(url.pathname.slice(1))
  if (database === "") throw wrongUrl("names no database", place)
  const settings = sessionSettings(options, query.get("schema"))
  const pooled = options.pooler === true
  if (readOnly) settings.set(pooled ? "transaction_read_only" : "default_transaction_read_only", "on")
  return {
    place,
    client: {
      ...(url.username === "" ? {} : { user: decodeURIComponent(url.username) }),
      ...(url.password === "" ? {} : { password: decodeURIComponent(url.password) }),
      host,
      port,
      database,
      ssl: tlsOptions(query, place),
      ...(pooled ? {} : { options: startupOptions(settings) }),
      application_name: options.applicationName ?? "rootstock",
      connectionTimeoutMillis: options.connectTimeoutMs ?? 10_000,
      keepAlive: true,
    },
    plainAllowed: query.get("sslmode") === "prefer",
    prepares: !pooled,
    preludes: pooled ? [settingsPrelude(settings)] : [],
  }
}

function parseUrl(given: URL | string): URL {
  // The URL standard wants a host behind a user, libpq does not: `postgres://user@/db?host=/path`.
  const text = String(given).replace(/^(postgres(?:ql)?:\/\/[^/?#]*@)(?=[/?])/, "$1socket")
  if (!/^postgres(ql)?:\/\//.test(text) || !URL.canParse(text)) throw wrongUrl("cannot be read", "PostgreSQL")
  return new URL(text)
}

function wrongUrl(problem: string, place: string): ConfigError {
  return new ConfigError(`The database URL for ${place} ${problem}.`, {
    cure: "Write it as postgres://user:password@host:5432/database?schema=name, with special characters percent-encoded.",
  })
}

/** What the decoders, and the sameness of answers, rely on. */
function sessionSettings(options: PostgresOptions, schema: string | null): Map<string, string> {
  const settings = new Map([
    ["TimeZone", "UTC"],
    ["DateStyle", "ISO, YMD"],
    ["IntervalStyle", "iso_8601"],
    ["bytea_output", "hex"],
    ["extra_float_digits", "1"],
    ["standard_conforming_strings", "on"],
    ["idle_in_transaction_session_timeout", String(options.idleInTransactionMs ?? 300_000)],
  ])
  if (schema !== null) settings.set("search_path", `"${schema.replaceAll('"', '""')}"`)
  if (options.statementTimeoutMs !== undefined) settings.set("statement_timeout", String(options.statementTimeoutMs))
  if (options.lockTimeoutMs !== undefined) settings.set("lock_timeout", String(options.lockTimeoutMs))
  return settings
}

/** Spaces and backslashes are escaped: https://www.postgresql.org/docs/current/protocol-message-formats.html (StartupMessage) */
function startupOptions(settings: ReadonlyMap<string, string>): string {
  return [...settings].map(([name, value]) => `-c ${name}=${value.replace(/[\\\s]/g, "\\$&")}`).join(" ")
}

/** Settings that end with the transaction, as one statement. */
function settingsPrelude(settings: ReadonlyMap<string, string>): Prelude {
  const calls = Array.from(settings, (_, index) => `set_config($${index * 2 + 1}, $${index * 2 + 2}, true)`)
  return { sql: `SELECT ${calls.join(", ")}`, values: [...settings].flat() }
}

/** https://www.postgresql.org/docs/current/libpq-ssl.html */
function tlsOptions(query: URLSearchParams, place: string): false | ConnectionOptions {
  const mode = query.get("sslmode") ?? "disable"
  const file = (name: string): string | undefined => {
    const path = query.get(name)
    if (path === null) return undefined
    try {
      return readFileSync(path, "utf8")
    } catch (cause) {
      throw new ConfigError(`The file that ${name} names for ${place} cannot be read.`, {
        cure: `Correct ${name} in the database URL.`,
        cause,
      })
    }
  }
  const [ca, cert, key] = [file("sslrootcert"), file("sslcert"), file("sslkey")]
  const files = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  }
  const anyName = { checkServerIdentity: () => undefined }
  switch (mode) {
    case "disable":
    case "allow":
      return false
    case "prefer":
    case "no-verify":
      return { ...files, rejectUnauthorized: false }
    case "require":
      return ca === undefined ? { ...files, rejectUnauthorized: false } : { ...files, ...anyName }
    case "verify-ca":
      return { ...files, ...anyName }
    case "verify-full":
      return files
    default:
      throw wrongUrl(`has sslmode=${mode}`, place)
  }
}
