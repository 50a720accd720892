import { eq, sql } from "drizzle-orm"
import { drizzle } from "drizzle-orm/node-postgres"
import { bigint, pgSchema, text, timestamp } from "drizzle-orm/pg-core"
import Fastify from "fastify"
import pg from "pg"

// GET /users/{id} with Fastify (schemas for parameters and answer) and Drizzle (a prepared query).
const [url, schema, port] = process.argv.slice(2) as [string, string, string]

const users = pgSchema(schema).table("users", {
  id: bigint({ mode: "number" }).primaryKey(),
  username: text().notNull(),
  email: text().notNull(),
  description: text(),
  created_at: timestamp({ withTimezone: true, precision: 3 }).notNull(),
  updated_at: timestamp({ withTimezone: true, precision: 3 }),
})
const pool = new pg.Pool({ connectionString: url, max: 10, min: 10 })
const selectUser = drizzle({ client: pool })
  .select()
  .from(users)
  .where(eq(users.id, sql.placeholder("id")))
  .prepare("select_user")

const nullable = (type: object): object => ({ ...type, nullable: true })
const instant = { type: "string", format: "date-time" }
const fastify = Fastify({ logger: false })
fastify.get<{ Params: { id: number } }>(
  "/users/:id",
  {
    schema: {
      params: { type: "object", properties: { id: { type: "integer", minimum: 1 } }, required: ["id"] },
      response: {
        200: {
          type: "object",
          properties: {
            id: { type: "integer" },
            username: { type: "string" },
            email: { type: "string" },
            description: nullable({ type: "string" }),
            created_at: instant,
            updated_at: nullable(instant),
          },
        },
      },
    },
  },
  async ({ params }, reply) => {
    const [user] = await selectUser.execute({ id: params.id })
    return user ?? reply.code(404).send({ error: "not found" })
  },
)
await fastify.listen({ host: "127.0.0.1", port: Number(port) })
process.once("SIGTERM", () => {
  void fastify.close().then(() => pool.end())
})
