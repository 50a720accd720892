// Writes items, several at a time, and names each once it is acknowledged: write.ts <url> <prefix> <count> <at a time>
import { openEngine } from "../../../../src/engine/index.ts"
import { insertItem, writing } from "../support.ts"

const [url = "", prefix = "", count = "", width = ""] = process.argv.slice(2)
const engine = await openEngine(url)
console.log("ready")
let next = 0
async function writeOn(): Promise<void> {
  while (next < Number(count)) {
    const name = `${prefix}${next++}`
    if (next % 7 === 0) {
      const unit = await engine.begin({ label: "child" })
      await unit.run(writing("INSERT INTO items (name) VALUES (?)"), [name])
      await unit.commit()
    } else await engine.first(insertItem, [name])
    process.stdout.write(`${name}\n`)
  }
}
await Promise.all(Array.from({ length: Number(width) }, writeOn))
await engine.close()
