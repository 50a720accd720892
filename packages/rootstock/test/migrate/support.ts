import { DatabaseSync } from "node:sqlite"
import pg from "pg"

/** The rows that a statement gives, on any engine, over a connection of its own. */
export async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  if (url.startsWith("sqlite:")) {
    const database = new DatabaseSync(url.slice("sqlite:".length), { timeout: 5000 })
    try {
      return database
        .prepare(sql)
        .all()
        .map((row) => ({ ...row }))
    } finally {
      database.close()
    }
  }
  const address = new URL(url)
  const schema = address.searchParams.get("schema") ?? "public"
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(`SET search_path TO "${schema}"`)
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

/** Runs statements that give no rows. */
export async function execute(url: string, sql: string): Promise<void> {
  if (!url.startsWith("sqlite:")) {
    await query(url, sql)
    return
  }
  const database = new DatabaseSync(url.slice("sqlite:".length), { timeout: 5000 })
  try {
    database.exec(sql)
  } finally {
    database.close()
  }
}
