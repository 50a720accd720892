import assert from "node:assert/strict"
import { it } from "node:test"
import { environmentVariables } from "../../src/config/index.ts"
import { read } from "./checks/sources.ts"

it("names every variable of the settings in .env.example", () => {
  const shown = new Set(Array.from(read(".env.example").matchAll(/^# ([A-Z_]+)=/gm), ([, name]) => name))
  assert.deepEqual(
    Object.keys(environmentVariables).filter((name) => !shown.has(name)),
    [],
  )
})
