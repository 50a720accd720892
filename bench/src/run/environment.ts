import { readFileSync } from "node:fs"
import { cpus, totalmem } from "node:os"
import Database from "better-sqlite3"
import { postgresVersion } from "./databases.ts"

/** Versions and machine, without the machine's name. */
export async function environmentLines(
  packages: readonly string[],
  options: { postgres: boolean; redis?: string },
): Promise<string[]> {
  const versions = [`Node ${process.versions.node}`, `SQLite ${process.versions.sqlite} (in Node)`]
  if (options.postgres) versions.push(`PostgreSQL ${await postgresVersion()}`)
  if (options.redis !== undefined) versions.push(`Redis ${options.redis}`)
  const root = new URL("../../node_modules/", import.meta.url)
  for (const name of packages) {
    const { version } = JSON.parse(readFileSync(new URL(`${name}/package.json`, root), "utf8")) as { version: string }
    versions.push(
      name === "better-sqlite3" ? `${name} ${version} (with SQLite ${bundledSqlite()})` : `${name} ${version}`,
    )
  }
  const processors = cpus()
  const gibibytes = Math.round(totalmem() / 2 ** 30)
  return [
    `Versions: ${versions.join(", ")}.`,
    "",
    `Machine: ${processors.length} cores (${processors[0]?.model.trim() ?? "unknown"}), ${gibibytes} GiB of memory, ${process.platform} ${process.arch}.`,
    "",
  ]
}

function bundledSqlite(): string {
  const database = new Database(":memory:")
  const version = database.prepare("SELECT sqlite_version()").pluck().get() as string
  database.close()
  return version
}
