// Tries to write to a database file and tells the error: attempt.ts <url>
import { openEngine } from "../../../../src/engine/index.ts"
import { RootstockError } from "../../../../src/errors/index.ts"
import { insertItem } from "../support.ts"

try {
  const engine = await openEngine(process.argv[2]!)
  await engine.first(insertItem, ["of the child"])
  console.log(JSON.stringify({ code: "none: it was written" }))
} catch (error) {
  if (!(error instanceof RootstockError)) throw error
  console.log(JSON.stringify({ code: error.code, message: error.message, cure: error.cure }))
}
process.exit()
