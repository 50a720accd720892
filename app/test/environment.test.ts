import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { environmentVariables, readSettings } from "rootstock/config"
import { temporaryFolder } from "./program.ts"

const example = readFileSync(new URL("../../.env.example", import.meta.url), "utf8")
const shown = Object.fromEntries(
  [...example.matchAll(/^# ([A-Z][A-Z0-9_]+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
)

test(".env.example shows every variable with a value that is accepted", () => {
  for (const name of Object.keys(environmentVariables)) assert.ok(name in shown, `${name} is missing`)
  assert.equal(readSettings(shown).PORT, 8000)
})

test(".env.example shows the default where there is one", () => {
  for (const [name, { fallback, read }] of Object.entries(environmentVariables)) {
    if (fallback !== undefined) assert.equal(read(shown[name]!), fallback, name)
  }
})

test("reads .env in the working folder, and the environment wins over it", async () => {
  await using folder = await temporaryFolder()
  writeFileSync(join(folder.path, ".env"), "PORT=wrong\nLOG_LEVEL=loud\n")
  const main = new URL("../src/main.ts", import.meta.url).pathname
  const { PATH = "" } = process.env
  const options = { cwd: folder.path, env: { PATH, PORT: "0" }, encoding: "utf8" } as const
  const { status, stderr } = spawnSync(process.execPath, [main, "migrate", "status"], options)
  assert.equal(status, 2)
  assert.match(stderr, /LOG_LEVEL must be one of/)
  assert.doesNotMatch(stderr, /PORT must be/)
})
