import assert from "node:assert/strict"
import { execFile, spawnSync } from "node:child_process"
import { test } from "node:test"
import { setTimeout as pause } from "node:timers/promises"
import { promisify } from "node:util"
import { elapsed } from "rootstock/clock"
import { commandsOf } from "./pages.ts"
import { run, serve, temporaryFolder } from "./program.ts"

const shell = promisify(execFile)

const hasCurl = spawnSync("curl", ["--version"]).status === 0
const skip = hasCurl || process.env.ROOTSTOCK_REQUIRE_SERVICES === "1" ? false : "needs curl"

const uuid = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g

/** What only looks; it is asked again until what was done before has come through. */
const looks = /^(rootstock (jobs|schedule) (list|show|stats)|curl -s [^-])/

test("docs/operations.md shows what its commands answer", { skip, timeout: 60_000 }, async () => {
  await using folder = await temporaryFolder()
  const env = { DATABASE_URL: `sqlite:${folder.path}` }
  await using server = await serve(env, "shop --no-sample")
  /** Ids of the page, and those of this run in their place. */
  const ids = new Map<string, string>()
  const ofThisRun = (text: string) => text.replace(uuid, (id) => ids.get(id) ?? id)

  const answerTo = async (command: string): Promise<string> => {
    const [program, ...words] = (command.match(/'[^']*'|\S+/g) ?? []).map((word) => word.replace(/^'(.*)'$/, "$1"))
    if (program === "rootstock") {
      const { out, err } = await run(words, env)
      return (out + err).trimEnd()
    }
    const { stdout } = await shell("sh", ["-c", command.replaceAll("http://127.0.0.1:8000", server.address)])
    return stdout.trimEnd()
  }

  const commands = await commandsOf("docs/operations.md")
  assert.ok(commands.length > 25)
  for (const { command, answer } of commands) {
    const fits = patternOf(ofThisRun(answer))
    const start = elapsed()
    for (;;) {
      const given = await answerTo(ofThisRun(command))
      const match = fits.exec(given)
      if (match !== null) {
        const unknown = (answer.match(uuid) ?? []).filter((id) => !ids.has(id))
        for (const [at, id] of unknown.entries()) ids.set(id, match[at + 1] as string)
        break
      }
      if (!looks.test(command) || elapsed() - start > 20_000) assert.equal(given, answer, command)
      await pause(50)
    }
  }

  /** Anything stands for `…`, and any id for one that is not known yet. */
  function patternOf(answer: string): RegExp {
    const known = new Set(ids.values())
    const parts = answer.split(/(…|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/).map((part) => {
      if (part === "…") return "[\\s\\S]*"
      return part.match(uuid) !== null && !known.has(part) ? `(${uuid.source})` : RegExp.escape(part)
    })
    return new RegExp(`^${parts.join("")}$`)
  }
})
