// Start to first answer with Drizzle on better-sqlite3.
import Database from "better-sqlite3"
import { eq } from "drizzle-orm"
import { drizzle } from "drizzle-orm/better-sqlite3"
import { customType, integer, sqliteTable, text } from "drizzle-orm/sqlite-core"

const instant = customType({
  dataType: () => "text",
  fromDriver: (value) => new Date(value),
  toDriver: (value) => value.toISOString(),
})
const users = sqliteTable("users", {
  id: integer().primaryKey({ autoIncrement: true }),
  username: text().notNull(),
  email: text().notNull(),
  description: text(),
  profile: text({ mode: "json" }).notNull(),
  isActive: integer("is_active", { mode: "boolean" }).notNull(),
  loginCount: integer("login_count").notNull(),
  createdAt: instant("created_at").notNull(),
  updatedAt: instant("updated_at"),
})

const client = new Database(process.argv[2])
client.pragma("journal_mode = WAL")
client.pragma("synchronous = FULL")
client.pragma("foreign_keys = ON")
const db = drizzle({ client, schema: { users } })
process.send(db.select().from(users).where(eq(users.id, 42)).get())
client.close()
process.disconnect()
