// Runs the tests: all of them, or those of the files and patterns given.
//
//   npm test
//   npm test -- packages/rootstock/test/schema/*.test.ts --name "composite"

import { globSync } from "node:fs"
import { run } from "node:test"
import { spec } from "node:test/reporters"
import { parseArgs } from "node:util"
import { type EmbeddedPostgres, startEmbeddedPostgres } from "./test/embedded-postgres.ts"
import { LeftOut } from "./test/left-out.ts"

const everything = ["packages/*/test/**/*.test.ts", "systems/*/test/**/*.test.ts", "app/test/**/*.test.ts"]

const { values, positionals } = parseArgs({ options: { name: { type: "string" } }, allowPositionals: true })
const files = globSync(positionals.length > 0 ? positionals : everything).sort()
if (files.length === 0) {
  console.error(`No test file matches ${(positionals.length > 0 ? positionals : everything).join(" ")}`)
  process.exit(1)
}

const interrupted = new AbortController()
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  // npm and the terminal may both send one Ctrl-C.
  process.on(signal, () => {
    process.exitCode = 130
    interrupted.abort()
  })
}

const leftOut = new LeftOut()
const server = await embeddedPostgres()
if (server) process.env["TEST_EMBEDDED_POSTGRES_URL"] = server.url
try {
  await runTests()
} finally {
  await server?.stop()
}
const summary = leftOut.summary()
if (summary) console.log(summary)
process.exit()

async function embeddedPostgres(): Promise<EmbeddedPostgres | undefined> {
  try {
    return await startEmbeddedPostgres()
  } catch (error) {
    console.log(`The embedded PostgreSQL does not start here: ${error instanceof Error ? error.message : error}`)
    return undefined
  }
}

function runTests(): Promise<void> {
  const events = run({
    files,
    // The tests share the machine with the servers that they use.
    concurrency: 2,
    timeout: 300_000,
    signal: interrupted.signal,
    ...(values.name === undefined ? {} : { testNamePatterns: values.name }),
  })
  events.on("test:fail", (event) => {
    if (event.todo === undefined || event.todo === false) process.exitCode ||= 1
  })
  events.on("test:pass", (event) => leftOut.record(event))
  return new Promise((resolve, reject) => {
    events.compose(new spec()).on("end", resolve).on("error", reject).pipe(process.stdout)
  })
}
