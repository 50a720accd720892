import { DatabaseSync } from "node:sqlite"
import type { EmptyDatabase } from "../run/databases.ts"
import { userCount } from "./servers.ts"

/** Adds users to the table that the shop has made, up to the count; the name of its schema. */
export async function fillUsers({ query }: EmptyDatabase): Promise<string> {
  const [found] = (await query(
    "SELECT table_schema AS schema FROM information_schema.columns WHERE table_name = 'users' AND column_name = 'username'",
  )) as [{ schema: string } | undefined]
  if (found === undefined) throw new Error("the shop has made no table of users")
  const { schema } = found
  await query(
    `INSERT INTO ${schema}.users (id, username, email, description, created_at)
     SELECT id, 'bench_' || id, 'bench' || id || '@example.com', CASE WHEN id % 3 = 0 THEN NULL ELSE 'Customer ' || id END,
       timestamptz '2024-01-01 00:00:00.123Z' + id * interval '1 minute'
     FROM generate_series(1, ${userCount}) AS id ON CONFLICT DO NOTHING`,
  )
  await query(`VACUUM ANALYZE ${schema}.users`)
  return schema
}

/** The same users in the file that the shop has made. */
export function fillUsersOfFile(path: string): void {
  const database = new DatabaseSync(path, { timeout: 10_000 })
  const insert = database.prepare(
    "INSERT INTO users (id, username, email, description, created_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
  )
  const start = Date.parse("2024-01-01T00:00:00.123Z")
  database.exec("BEGIN")
  for (let id = 1; id <= userCount; id += 1) {
    const description = id % 3 === 0 ? null : `Customer ${id}`
    const createdAt = new Date(start + id * 60_000).toISOString()
    insert.run(id, `bench_${id}`, `bench${id}@example.com`, description, createdAt)
  }
  database.exec("COMMIT")
  database.close()
}
