import { createServer, type ServerResponse } from "node:http"
import pg from "pg"
import { numbersForBigint } from "../../contestants/postgres-types.ts"

// GET /users/{id} by hand: node:http and a Map, filled from PostgreSQL at the first request for each user.
const [url, schema, port] = process.argv.slice(2) as [string, string, string]

const pool = new pg.Pool({ connectionString: url, max: 10, types: numbersForBigint })
const text = `SELECT id, username, email, description, created_at, updated_at FROM ${schema}.users WHERE id = $1`
const path = /^\/users\/([1-9]\d{0,14})$/
const users = new Map<number, object>()

async function userOf(id: number): Promise<object | undefined> {
  const kept = users.get(id)
  if (kept !== undefined) return kept
  const { rows } = await pool.query<object>({ name: "select_user", text, values: [id] })
  const [user] = rows
  if (user !== undefined) users.set(id, user)
  return user
}

function answer(response: ServerResponse, status: number, value: unknown): void {
  const body = Buffer.from(JSON.stringify(value))
  response.writeHead(status, { "content-type": "application/json; charset=utf-8", "content-length": body.length })
  response.end(body)
}

const server = createServer((request, response) => {
  const id = path.exec(request.url ?? "")?.[1]
  if (request.method !== "GET" || id === undefined) return answer(response, 422, { error: "id" })
  userOf(Number(id)).then(
    (user) => (user === undefined ? answer(response, 404, { error: "not found" }) : answer(response, 200, user)),
    () => answer(response, 500, { error: "database" }),
  )
})

server.listen(Number(port), "127.0.0.1")
process.once("SIGTERM", () => {
  server.close()
  server.closeAllConnections()
  void pool.end()
})
