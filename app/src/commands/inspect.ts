import { existsSync } from "node:fs"
import { UnavailableError } from "rootstock"
import { inspectDatabase } from "rootstock/migrate"
import { type Command, UsageError } from "../command/index.ts"

const urlCure = "Write it as sqlite:./old.db or postgres://user@host:5432/database?schema=public."

/** The URL as the library takes it. @throws UsageError, UnavailableError */
function readUrl(text: string): string {
  const url = text.replace(/^postgres(?:ql)?(?:\+[a-z0-9_]+)?:\/\//, "postgres://")
  if (!url.startsWith("sqlite:")) {
    if (url.startsWith("postgres://")) return url
    throw new UsageError("The database URL has a scheme that is not known.", urlCure)
  }
  const path = url.slice("sqlite:".length).replace(/^\/\/(?=\/)/, "")
  if (path === "" || path === ":memory:") throw new UsageError("The database URL names no file.", urlCure)
  // Opening it would make an empty one.
  if (!existsSync(path)) throw new UnavailableError(`There is no file ${path}.`, { cure: "Check the path." })
  return `sqlite:${path}`
}

export const inspect: Command = {
  name: "inspect",
  summary: "Prints an existing database as table declarations.",
  examples: ["inspect sqlite:./old.db > tables.ts", "inspect 'postgres://me@localhost/main?schema=public'"],
  arguments: [{ name: "url", sentence: "The database; it is only read.", required: true }],
  async run({ words }) {
    const source = await inspectDatabase(readUrl(words["url"]!))
    return { lines: [source.trimEnd()], data: { source } }
  },
}
