import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { fileURLToPath } from "node:url"
import { compile } from "./compile.ts"

const folder = fileURLToPath(new URL(".", import.meta.url))
const files = ["rows.ts", "conditions.ts", "relations.ts", "cache.ts"]

describe("the types of tables, storages and caches", () => {
  it("are what rows, conditions, relations and cached results are, and refuse what is not", async () => {
    const { diagnostics } = await compile(folder, files)
    assert.equal(diagnostics, "")
  })
})
