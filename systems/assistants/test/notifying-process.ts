/** A worker process that delivers notices, for the tests of processes that are killed in the middle of it. */
import { openDatabase, systemClock } from "rootstock"
import { readSettings } from "rootstock/config"
import { keyAccess } from "rootstock/http"
import { openJobs } from "rootstock/jobs"
import { createLogger } from "rootstock/log"
import { assemble } from "../assemble.ts"
import { jobs } from "../jobs/definitions.ts"
import { tables } from "../schema.ts"

const [url, environment] = process.argv.slice(2) as [string, string]
const database = await openDatabase(url, { tables })
const log = createLogger({ name: "assistants", level: "error", format: "text", destination: process.stderr })
const opened = openJobs(database, { jobs, log })
const { parts } = assemble(database, {
  log,
  clock: systemClock,
  timeZone: "UTC",
  jobs: opened,
  broker: false,
  keys: keyAccess("assistants", "required", async () => undefined),
  settings: readSettings(JSON.parse(environment)),
  secrets: { sign: new Uint8Array(32), encryption: [{ id: "test", key: new Uint8Array(32) }] },
})
const worker = opened.worker({
  handlers: parts.handlers,
  queues: ["notify", "telegram"],
  pollMs: 50,
  heartbeatMs: 100,
  lostAfterMs: 2_000,
  rescueMs: 100,
})
await worker.start()
process.on("disconnect", async () => {
  await worker.stop()
  await database.close()
})
process.send?.("ready")
