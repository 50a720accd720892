import pg from "pg"
import { UnavailableError } from "../../../errors/index.ts"
import { identifier } from "../../ddl/text.ts"

/** The schema that a URL names, `public` where it names none. */
export function schemaOf(url: string): string {
  return new URL(url).searchParams.get("schema") ?? "public"
}

/** A direct connection of its own, whose `search_path` is the schema of the URL. */
export async function openPostgres(url: string): Promise<pg.Client> {
  const address = new URL(url)
  const schema = schemaOf(url)
  address.searchParams.delete("schema")
  const client = new pg.Client({ connectionString: address.href, application_name: "rootstock migrate" })
  // A connection that breaks while nothing runs on it is noticed by the next statement.
  client.on("error", () => undefined)
  try {
    await client.connect()
  } catch (error) {
    throw new UnavailableError(`PostgreSQL at ${address.host} does not answer: ${(error as Error).message}.`, {
      cure: "Start it, or mend the URL.",
      cause: error,
    })
  }
  await client.query(`SET search_path TO ${identifier(schema)}; SET timezone TO 'UTC'`)
  return client
}

/** Makes the schema where it is not there. Two that do it at once are both served. */
export async function ensureSchema(client: pg.Client, schema: string): Promise<void> {
  const { rowCount } = await client.query("SELECT FROM pg_namespace WHERE nspname = $1", [schema])
  if (rowCount !== 0) return
  try {
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${identifier(schema)}`)
  } catch (error) {
    const { code } = error as { code?: string }
    if (code !== "23505" && code !== "42P06") throw error
  }
}
