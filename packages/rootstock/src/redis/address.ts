import { ConfigError } from "../errors/index.ts"

/** Where a Redis server is, and as whom to speak to it. */
export type RedisAddress = {
  readonly host: string
  readonly port: number
  readonly tls: boolean
  readonly username: string | undefined
  readonly password: string | undefined
  readonly database: number
  /** Host, port and database for people; never with the user or the password. */
  readonly shown: string
}

const cure = "Write it as redis://[user:password@]host[:port][/database], or rediss:// with TLS."

/**
 * Reads the URL of a Redis server.
 *
 * @throws ConfigError that does not repeat the URL, since it may hold a password
 *
 * ### Examples
 *
 * ```ts
 * readRedisUrl("redis://localhost:6379/0").shown // "localhost:6379/0"
 * ```
 */
export function readRedisUrl(text: string): RedisAddress {
  const refuse = (why: string) => new ConfigError(`The URL of Redis ${why}.`, { cure })
  if (!/^rediss?:\/\//.test(text) || !URL.canParse(text)) throw refuse("does not begin with redis:// or rediss://")
  const url = new URL(text)
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1")
  if (host === "") throw refuse("names no host")
  if (url.search !== "" || url.hash !== "") throw refuse("has a query or a fragment, which mean nothing there")
  const path = url.pathname.replace(/^\//, "")
  if (!/^\d{0,5}$/.test(path)) throw refuse("names a database that is no number")
  const port = url.port === "" ? 6379 : Number(url.port)
  const database = Number(path)
  return Object.freeze({
    host,
    port,
    tls: url.protocol === "rediss:",
    username: decoded(url.username, refuse),
    password: decoded(url.password, refuse),
    database,
    shown: `${url.hostname}:${port}/${database}`,
  })
}

function decoded(text: string, refuse: (why: string) => ConfigError): string | undefined {
  if (text === "") return undefined
  try {
    return decodeURIComponent(text)
  } catch {
    throw refuse("has a user or a password with a lone %, which must be written %25")
  }
}
