// Holds the writer of a database file until a line comes in: hold.ts <path>
import { once } from "node:events"
import { DatabaseSync } from "node:sqlite"

const database = new DatabaseSync(process.argv[2]!)
database.exec("PRAGMA journal_mode = WAL; BEGIN IMMEDIATE")
console.log("held")
await once(process.stdin, "data")
database.exec("INSERT INTO items (name) VALUES ('of the holder'); COMMIT")
database.close()
console.log("released")
process.exit()
