// Counts in shared conversations, and takes events once each; names what is acknowledged:
// converse.ts <url> <cache> <events> <at a time>
import { openDatabase } from "../../../src/index.ts"
import { tablesOverRedis } from "../tables.ts"
import { openCoherence } from "./coherence.ts"
import { converse } from "./conversing.ts"

const [url = "", cache = "", events = "", width = ""] = process.argv.slice(2)
const db = await openDatabase(url, { tables: tablesOverRedis })
const coherence = await openCoherence(cache, db)
const tell = (line: string) => process.stdout.write(`${line}\n`)
await converse({ db, coherence, events: Number(events), width: Number(width), tell })
await coherence?.stop()
await db.close()
