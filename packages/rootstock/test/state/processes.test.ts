import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import { describe, it } from "node:test"
import { fileURLToPath } from "node:url"
import { openDatabase } from "../../src/index.ts"
import { createSchema } from "../../src/migrate/index.ts"
import { OrderedSets, StateStore } from "../../src/state/index.ts"
import { type Engine, forEachEngine } from "../support/index.ts"
import { openCoherence } from "./children/coherence.ts"
import { converse } from "./children/conversing.ts"
import { tablesOverRedis } from "./tables.ts"

const program = fileURLToPath(new URL("children/converse.ts", import.meta.url))
const width = 4
const events = 60

/** Lets a process converse and kills it in the midst of it; what it had told by then. */
async function converseUntilKilled(url: string, cache: string): Promise<string[]> {
  const child = spawn(process.execPath, [program, url, cache, String(events), String(width)], {
    stdio: ["ignore", "pipe", "inherit"],
  })
  const enough = 1 + Math.floor(Math.random() * events)
  const lines: string[] = []
  let rest = ""
  child.stdout.setEncoding("utf8")
  child.stdout.on("data", (text: string) => {
    const parts = (rest + text).split("\n")
    // The last line may be cut.
    rest = parts.pop() as string
    lines.push(...parts)
    if (lines.length >= enough) child.kill("SIGKILL")
  })
  await once(child, "close")
  assert.equal(child.signalCode, "SIGKILL")
  return lines
}

/** Kinds of caches that processes on an engine can have. */
function cachesOf({ dialect }: Engine): string[] {
  const redis = process.env["TEST_REDIS_URL"]
  return ["none", ...(dialect === "sqlite" ? ["memory"] : []), ...(redis === undefined ? [] : [redis])]
}

describe("processes that share a database", () => {
  forEachEngine((engine) => {
    for (const kind of cachesOf(engine)) {
      it(`lose no acknowledged change and do nothing twice when they are killed, cache: ${kind.split(":")[0]}`, async () => {
        await using temporary = await engine.temporaryDatabase()
        await createSchema(temporary.url, tablesOverRedis)
        const cache = kind.startsWith("redis") ? `${kind}#t_${randomBytes(8).toString("hex")}:` : kind
        const killed = [1, 2].map(() => converseUntilKilled(temporary.url, cache))
        const lines = (await Promise.all(killed)).flat()
        await using db = await openDatabase(temporary.url, { tables: tablesOverRedis })
        const coherence = await openCoherence(cache, db)
        await converse({ db, coherence, events, width, tell: (line) => lines.push(line) })
        const keys = ["bot:0", "bot:1", "bot:2"]
        const stored = await new StateStore<number>(db).getMany(keys)
        for (const [index, key] of keys.entries()) {
          const { state, data = 0 } = stored[index]!
          const told = lines.filter((line) => line === key).length
          // What was under way when a process was killed may have been done.
          assert.ok(data >= told && data <= told + killed.length * width, `${key} has ${data} of ${told} changes`)
          assert.equal(state, `step ${data}`)
        }
        const states = new StateStore<number>(db, { coherence })
        assert.deepEqual(await states.getMany(keys), stored)
        assert.equal((await states.get("effects")).data, events)
        const sets = new OrderedSets(db, { coherence })
        assert.equal(await sets.count("events"), events)
        assert.equal((await sets.page("events", { limit: 1 })).members[0]?.score, events - 1)
        await coherence?.flush()
        await coherence?.stop()
      })
    }
  })
})
