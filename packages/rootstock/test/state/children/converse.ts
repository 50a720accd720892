// Counts in shared conversations, and takes events once each; names what is acknowledged:
// converse.ts <url> <cache: none|memory> <events> <at a time>
import { EmbeddedCoherence } from "../../../src/cache/index.ts"
import { openDatabase } from "../../../src/index.ts"
import { tables } from "../tables.ts"
import { converse } from "./conversing.ts"

const [url = "", cache = "", events = "", width = ""] = process.argv.slice(2)
const db = await openDatabase(url, { tables })
const { foreignCommits } = db
const coherence =
  cache === "memory"
    ? new EmbeddedCoherence({ foreignCommits, random: Math.random, report: (error) => console.error(error) })
    : undefined
const tell = (line: string) => process.stdout.write(`${line}\n`)
await converse({ db, coherence, events: Number(events), width: Number(width), tell })
await db.close()
