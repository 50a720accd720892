// Start to first answer, by hand on pg.
import pg from "pg"

const bigint = 20
const types = { getTypeParser: (oid, format) => (oid === bigint ? Number : pg.types.getTypeParser(oid, format)) }
const pool = new pg.Pool({ connectionString: process.argv[2], types })
const { rows } = await pool.query({
  name: "select_user",
  text: `SELECT id, username, email, description, profile, is_active AS "isActive", login_count AS "loginCount",
           created_at AS "createdAt", updated_at AS "updatedAt" FROM users WHERE id = $1`,
  values: [42],
})
process.send(rows[0])
await pool.end()
process.disconnect()
