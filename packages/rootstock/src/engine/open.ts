import { ConfigError } from "../errors/index.ts"
import type { Engine } from "./contract.ts"
import { openPostgres, type PostgresOptions } from "./postgres/index.ts"
import { openSqlite, type SqliteOptions } from "./sqlite/index.ts"

/** Options of each engine; those of the other one are left aside, so that one program can give both. */
export type EngineOptions = {
  sqlite?: Omit<SqliteOptions, "path">
  postgres?: Omit<PostgresOptions, "url">
}

/**
 * Opens the engine that the URL names.
 *
 * @param url `sqlite:./data/shop.db`, `sqlite::memory:`, or `postgres://user@host/db?schema=shop`
 * @throws ConfigError where the URL is none of these; UnavailableError where the database cannot be opened
 */
export async function openEngine(url: string, options: EngineOptions = {}): Promise<Engine> {
  if (url.startsWith("sqlite:")) {
    const path = url.slice("sqlite:".length)
    if (path === "" || path.endsWith("/")) {
      throw new ConfigError(`The database URL ${url} names no file.`, { cure: "Write it as sqlite:./data/shop.db." })
    }
    return openSqlite({ ...options.sqlite, path: path.startsWith("//") ? path.slice(2) : path })
  }
  if (/^postgres(ql)?:\/\//.test(url)) return openPostgres({ ...options.postgres, url })
  throw new ConfigError("The database URL has a scheme that is not known.", {
    cure: "Write it as sqlite:./data/shop.db or postgres://user@host:5432/database?schema=shop.",
  })
}
