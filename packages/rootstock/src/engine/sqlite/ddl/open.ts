import { DatabaseSync } from "node:sqlite"
import { ConfigError, TimeoutError } from "../../../errors/index.ts"
import { addFunctions } from "../functions.ts"
import { patiently } from "../patience.ts"

/** The path in a URL of a SQLite database, e.g. of `sqlite:./data/shop.db`. */
export function sqlitePath(url: string): string {
  const path = url.replace(/^sqlite:(?:\/\/(?=\/))?/, "")
  if (path === "" || path.startsWith("//")) {
    throw new ConfigError(`${url} names no file.`, { cure: "Write it as sqlite:./data/shop.db." })
  }
  return path
}

/**
 * A connection of its own, for changes of the schema. A lock never blocks it: what meets one is tried again.
 *
 * @param patience how long a file that another process holds is waited for, in milliseconds
 * @throws ConfigError where the file cannot be opened, TimeoutError where another process holds it for longer
 */
export async function openSqlite(url: string, patience: number): Promise<DatabaseSync> {
  const path = sqlitePath(url)
  if (path === ":memory:") {
    throw new ConfigError("A database in memory has no other connection than its own, so migrations cannot reach it.", {
      cure: "Give a file, e.g. sqlite:./data/shop.db; tests can run the statements of `schemaStatements` themselves.",
    })
  }
  try {
    return await patiently(patience, () => connect(path))
  } catch (error) {
    if (error instanceof TimeoutError) throw error
    throw new ConfigError(`The file ${path} cannot be opened: ${(error as Error).message}.`, {
      cure: "Create its folder, and see that the file may be written and is an SQLite database.",
      cause: error,
    })
  }
}

/** The settings read the file, so that even they meet the locks of others. */
function connect(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 0 })
  try {
    database.exec("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON")
    addFunctions(database)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}
