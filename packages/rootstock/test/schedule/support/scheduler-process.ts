// A scheduler as a process of its own, for tests that kill it. It says "started" and runs until SIGTERM; then it must end
// by itself, since nothing is left behind.

import { openDatabase } from "../../../src/index.ts"
import { openJobs } from "../../../src/jobs/index.ts"
import { createLogger } from "../../../src/log/index.ts"
import { openScheduler, openSchedules } from "../../../src/schedule/index.ts"
import { greet, remind, report, tables } from "./tables.ts"

const [url = ""] = process.argv.slice(2)
const db = await openDatabase(url, { tables })
const schedules = openSchedules(openJobs(db, { jobs: [report, remind, greet] }))
const log = createLogger({ name: "schedules", level: "error", format: "json", destination: process.stderr })
const scheduler = openScheduler(schedules, { pollMs: 50, batch: 5, log })
process.once("SIGTERM", async () => {
  await scheduler.stop()
  await db.close()
})
await scheduler.start()
process.stdout.write("started\n")
