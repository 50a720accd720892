import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { describe, it } from "node:test"
import { fileURLToPath } from "node:url"
import { openDatabase } from "../../src/index.ts"
import { createSchema } from "../../src/migrate/index.ts"
import { OrderedSets, StateStore } from "../../src/state/index.ts"
import { forEachEngine } from "../support/index.ts"
import { converse } from "./children/conversing.ts"
import { tables } from "./tables.ts"

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

describe("processes that share a database", () => {
  forEachEngine((engine) => {
    for (const cache of engine.dialect === "sqlite" ? ["none", "memory"] : ["none"]) {
      it(`lose no acknowledged change and do nothing twice when they are killed, cache: ${cache}`, async () => {
        await using temporary = await engine.temporaryDatabase()
        await createSchema(temporary.url, tables)
        const killed = [1, 2].map(() => converseUntilKilled(temporary.url, cache))
        const lines = (await Promise.all(killed)).flat()
        await using db = await openDatabase(temporary.url, { tables })
        await converse({ db, coherence: undefined, events, width, tell: (line) => lines.push(line) })
        const states = new StateStore<number>(db)
        for (const key of ["bot:0", "bot:1", "bot:2"]) {
          const { state, data = 0 } = await states.get(key)
          const told = lines.filter((line) => line === key).length
          // What was under way when a process was killed may have been done.
          assert.ok(data >= told && data <= told + killed.length * width, `${key} has ${data} of ${told} changes`)
          assert.equal(state, `step ${data}`)
        }
        assert.equal((await states.get("effects")).data, events)
        assert.equal(await new OrderedSets(db).count("events"), events)
      })
    }
  })
})
