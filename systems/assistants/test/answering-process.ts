/** A worker process that answers for AI roles, for the tests of processes that are killed in the middle of an answer. */
import { openDatabase, systemClock } from "rootstock"
import { readSettings } from "rootstock/config"
import { keyAccess } from "rootstock/http"
import { openJobs } from "rootstock/jobs"
import { createLogger } from "rootstock/log"
import type { Provider } from "../ai/provider.ts"
import { assemble } from "../assemble.ts"
import { jobs } from "../jobs/definitions.ts"
import { tables } from "../schema.ts"

/** `dies` calls a tool, begins an answer, says so, and never ends it; `answers` does the same to its end. */
const [url, mode] = process.argv.slice(2) as [string, "dies" | "answers"]
const database = await openDatabase(url, { tables })
const log = createLogger({ name: "assistants", level: "error", format: "text", destination: process.stderr })
const opened = openJobs(database, { jobs, log })

let calls = 0
const provider: Provider = {
  name: "process",
  async answer({ onText }) {
    const used = { promptTokens: 1, completionTokens: 1 }
    if (++calls === 1) {
      const args = JSON.stringify({ title: "Once", in_minutes: 60 })
      const toolRequests = [{ id: "a", tool: "calendar_create", args }]
      return { ...used, content: "", toolRequests, finishReason: "tool_calls" }
    }
    onText?.("The")
    if (mode === "dies") {
      process.send?.("begun")
      await new Promise(() => undefined)
    }
    return { ...used, content: "The answer", toolRequests: [], finishReason: "stop" }
  },
}

const { parts } = assemble(
  database,
  {
    log,
    clock: systemClock,
    timeZone: "UTC",
    jobs: opened,
    broker: false,
    keys: keyAccess("assistants", "required", async () => undefined),
    settings: readSettings({}),
    secrets: { sign: new Uint8Array(32), encryption: [{ id: "test", key: new Uint8Array(32) }] },
  },
  { provider },
)
const worker = opened.worker({
  handlers: parts.handlers,
  queues: ["ai"],
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
