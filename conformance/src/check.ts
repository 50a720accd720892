import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { places } from "./places.ts"

// Runs the suites of Keyv and of bentocache against values under keys; ends with 1 where one of them fails.

const vitest = fileURLToPath(new URL("../node_modules/vitest/vitest.mjs", import.meta.url))
const suites: readonly { title: string; values: readonly string[] }[] = [
  { title: "@keyv/test-suite", values: [vitest, "run"] },
  { title: "bentocache/test_suite", values: [fileURLToPath(new URL("bentocache/run.ts", import.meta.url))] },
]

if (places.length === 1) {
  const left = "TEST_REDIS_URL is unset, so what the suites ask of Redis"
  if (process.env["ROOTSTOCK_REQUIRE_SERVICES"] === "1") {
    console.error(`${left} cannot be run, and ROOTSTOCK_REQUIRE_SERVICES=1 asks for every server.`)
    process.exit(1)
  }
  console.log(`${left} is left out.`)
}
const failed = suites.filter(({ title, values }) => {
  console.log(`\n${title}`)
  const { status, error } = spawnSync(process.execPath, values, {
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    stdio: "inherit",
    env: { ...process.env, NO_COLOR: "1" },
  })
  if (error !== undefined) console.error(error.message)
  return status !== 0
})
console.log(`\nPeers' suites, ${places.map(({ title }) => title).join(" and ")}`)
console.log(`suites: ${suites.length - failed.length} passed, ${failed.length} failed`)
if (failed.length > 0) process.exit(1)
