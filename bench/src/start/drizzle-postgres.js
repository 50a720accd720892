// Start to first answer with Drizzle on node-postgres.
import { eq } from "drizzle-orm"
import { drizzle } from "drizzle-orm/node-postgres"
import { bigint, boolean, jsonb, pgTable, text, timestamp } from "drizzle-orm/pg-core"
import pg from "pg"

const users = pgTable("users", {
  id: bigint({ mode: "number" }).primaryKey().generatedByDefaultAsIdentity(),
  username: text().notNull(),
  email: text().notNull(),
  description: text(),
  profile: jsonb().notNull(),
  isActive: boolean("is_active").notNull(),
  loginCount: bigint("login_count", { mode: "number" }).notNull(),
  createdAt: timestamp("created_at", { withTimezone: true, precision: 3 }).notNull(),
  updatedAt: timestamp("updated_at", { withTimezone: true, precision: 3 }),
})

const pool = new pg.Pool({ connectionString: process.argv[2] })
const db = drizzle({ client: pool, schema: { users } })
const [user] = await db.select().from(users).where(eq(users.id, 42))
process.send(user)
await pool.end()
process.disconnect()
