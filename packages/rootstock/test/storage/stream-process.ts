// Streams all rows of a table, and prints what it saw and the most memory it took.
//
//   node stream-process.ts <database URL>

import { openDatabase, Storage } from "../../src/index.ts"
import { readings } from "./readings.ts"

const db = await openDatabase(process.argv[2] ?? "", { tables: { readings } })
let count = 0
let sum = 0
let last = 0
for await (const row of db.storage(Storage(readings)).stream()) {
  if (row.id <= last || row.at.getUTCFullYear() !== 2026) throw new Error(`row ${row.id} after ${last}`)
  last = row.id
  count++
  sum += row.value
}
await db.close()
console.log(JSON.stringify({ count, sum, peakMegabytes: process.resourceUsage().maxRSS / 1024 }))
