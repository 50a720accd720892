import { DatabaseSync } from "node:sqlite"
import { ConfigError } from "../../../errors/index.ts"
import { addFunctions } from "../functions.ts"

/** The path in a URL of a SQLite database, e.g. of `sqlite:./data/shop.db`. */
export function sqlitePath(url: string): string {
  const path = url.replace(/^sqlite:(?:\/\/(?=\/))?/, "")
  if (path === "" || path.startsWith("//")) {
    throw new ConfigError(`${url} names no file.`, { cure: "Write it as sqlite:./data/shop.db." })
  }
  return path
}

/** A connection of its own, for changes of the schema. A wait for a lock never blocks it: it is tried again instead. */
export function openSqlite(url: string): DatabaseSync {
  const path = sqlitePath(url)
  if (path === ":memory:") {
    throw new ConfigError("A database in memory has no other connection than its own, so migrations cannot reach it.", {
      cure: "Give a file, e.g. sqlite:./data/shop.db; tests can run the statements of `schemaStatements` themselves.",
    })
  }
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { timeout: 0 })
    database.exec("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON")
    addFunctions(database)
    return database
  } catch (error) {
    database?.close()
    throw new ConfigError(`The file ${path} cannot be opened: ${(error as Error).message}.`, {
      cure: "Create its folder, and see that the file may be written and is an SQLite database.",
      cause: error,
    })
  }
}
