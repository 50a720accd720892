// Start to first answer, by hand on node:sqlite. Plain JavaScript, as published packages are: nothing is paid for types.
import { DatabaseSync } from "node:sqlite"

const database = new DatabaseSync(process.argv[2])
database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON")
const row = database.prepare("SELECT * FROM users WHERE id = ?").get(42)
const user = {
  id: row.id,
  username: row.username,
  email: row.email,
  description: row.description,
  profile: JSON.parse(row.profile),
  isActive: row.is_active === 1,
  loginCount: row.login_count,
  createdAt: new Date(row.created_at),
  updatedAt: row.updated_at === null ? null : new Date(row.updated_at),
}
process.send(user)
database.close()
process.disconnect()
