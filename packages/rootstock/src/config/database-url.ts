import { isIPv6 } from "node:net"
import type { EnvironmentProblem } from "./environment-error.ts"
import { WrongValue } from "./variables.ts"

/** Where databases are: a directory or file of SQLite, or a PostgreSQL database that holds a schema a system. */
export type DatabaseHome = {
  /**
   * The URL of one database.
   *
   * @param name of the system, which is the file's and the schema's name
   * @param schema used in place of `name` on PostgreSQL
   */
  url(name: string, schema?: string): string
  /** The directory that must exist before a database is opened; `undefined` where none is needed. */
  readonly directory: string | undefined
  /** The place in words, without user and password. */
  readonly shown: string
}

type ServerSettings = {
  DATABASE_URL: string | undefined
  DB_HOST: string | undefined
  DB_PORT: number
  POSTGRES_USER: string
  POSTGRES_PASSWORD: string | undefined
  POSTGRES_DB: string
}

const example = "postgres://app:app@localhost:5432/app"

/**
 * Finds out where the databases are: `DATABASE_URL` wins; else `DB_HOST` and its companions make up a PostgreSQL URL; else `sqlite:./data`.
 *
 * A SQLite path that ends in `.db`, `.sqlite` or `.sqlite3` is the file of the first system, and other databases lie
 * beside it; any other path is a directory that holds one file a system.
 */
export function databaseHome(settings: ServerSettings): DatabaseHome {
  if (settings.DATABASE_URL !== undefined) return readDatabaseUrl(settings.DATABASE_URL)
  if (settings.DB_HOST === undefined) return readDatabaseUrl("sqlite:./data")
  const url = new URL("postgres://localhost")
  url.hostname = isIPv6(settings.DB_HOST) ? `[${settings.DB_HOST}]` : settings.DB_HOST
  url.port = String(settings.DB_PORT)
  url.username = encodeURIComponent(settings.POSTGRES_USER)
  url.password = encodeURIComponent(settings.POSTGRES_PASSWORD ?? "")
  url.pathname = `/${encodeURIComponent(settings.POSTGRES_DB)}`
  return serverHome(url)
}

/** As {@link databaseHome}, giving a problem in place of an exception. */
export function checkedDatabaseHome(
  settings: ServerSettings,
  problems: EnvironmentProblem[],
): DatabaseHome | undefined {
  try {
    return databaseHome(settings)
  } catch (error) {
    if (!(error instanceof WrongValue)) throw error
    problems.push({ variable: "DATABASE_URL", problem: error.message, example: `sqlite:./data or ${example}` })
    return undefined
  }
}

function readDatabaseUrl(text: string): DatabaseHome {
  if (text.startsWith("sqlite:")) return fileHome(text.slice("sqlite:".length))
  // The URL standard wants a host behind a user, libpq does not where the socket is in the query.
  const plain = text
    .replace(/^(postgres|postgresql)(\+[a-z0-9_]+)?:\/\//, "postgres://")
    .replace(/^(postgres:\/\/[^/?#]*@)(?=[/?])/, "$1socket")
  if (!plain.startsWith("postgres://") || !URL.canParse(plain)) {
    throw new WrongValue("must be a URL that begins with sqlite: or postgres://")
  }
  const url = new URL(plain)
  if ((url.hostname === "" || url.hostname === "socket") && !url.searchParams.has("host"))
    throw new WrongValue("names no host")
  if (url.pathname.length < 2) throw new WrongValue("names no database after the host")
  return serverHome(url)
}

function serverHome(base: URL): DatabaseHome {
  const database = decoded(base.pathname.slice(1))
  return {
    url(name, schema) {
      const url = new URL(base)
      url.searchParams.set("schema", schema ?? url.searchParams.get("schema") ?? name)
      return url.href
    },
    directory: undefined,
    shown: `PostgreSQL at ${base.searchParams.get("host") ?? base.host}, database ${database}`,
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new WrongValue("has a % that no two hexadecimal digits follow")
  }
}

function fileHome(path: string): DatabaseHome {
  if (path === ":memory:")
    throw new WrongValue("names memory, which ends with the process, instead of a directory or a file")
  const place = path.replace(/^\/\/(?=\/)/, "").replace(/(?<=.)\/+$/, "")
  if (place === "" || place.startsWith("//")) throw new WrongValue("names no file or directory after sqlite:")
  if (!/\.(db|sqlite|sqlite3)$/.test(place)) {
    return { url: (name) => `sqlite:${place}/${name}.db`, directory: place, shown: `SQLite in ${place}` }
  }
  const cut = place.lastIndexOf("/")
  const directory = cut < 0 ? "." : place.slice(0, cut) || "/"
  const beside = directory === "/" ? "" : directory
  return {
    url: (name) => (name === "app" ? `sqlite:${beside}/app.db` : `sqlite:${place}`),
    directory,
    shown: `SQLite in ${place}`,
  }
}
