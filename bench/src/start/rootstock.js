// Start to first answer with the built Rootstock, whose folder is the second argument; the same on both engines.
import { pathToFileURL } from "node:url"

const library = pathToFileURL(`${process.argv[3]}/`)
const { openDatabase, Storage } = await import(new URL("index.js", library))
const { boolean, identity, integer, json, table, text, timestamp } = await import(new URL("schema/index.js", library))

const users = table("users", {
  id: identity(),
  username: text().unique(),
  email: text().unique(),
  description: text().nullable(),
  profile: json(),
  isActive: boolean(),
  loginCount: integer(),
  createdAt: timestamp(),
  updatedAt: timestamp().nullable(),
})

const location = process.argv[2]
const db = await openDatabase(location.startsWith("postgres") ? location : `sqlite:${location}`, { tables: { users } })
process.send(await db.storages({ users: Storage(users) }).users.get(42))
await db.close()
process.disconnect()
