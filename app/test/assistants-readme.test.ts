import assert from "node:assert/strict"
import { spawn, spawnSync } from "node:child_process"
import { it } from "node:test"
import { setTimeout as pause } from "node:timers/promises"
import { elapsed } from "rootstock/clock"
import { forEachEngine } from "../../packages/rootstock/test/support/index.ts"
import { commandsOf } from "./pages.ts"
import { home, serve, temporaryFolder } from "./program.ts"

const hasCurl = spawnSync("curl", ["--version"]).status === 0
const skip = hasCurl || process.env.ROOTSTOCK_REQUIRE_SERVICES === "1" ? false : "needs curl"

/** What only looks; it is asked again until what was done before has come through. */
const looks = /grep|pending-review|unread/

const marker = "--- end of the answer ---"

/** A shell that keeps its variables from one command to the next. */
function openShell(cwd: string) {
  // Those whom commands leave in the background end with the group.
  const child = spawn("bash", { cwd, stdio: ["pipe", "pipe", "inherit"], detached: true })
  let printed = ""
  let tell: () => void = () => undefined
  child.stdout.setEncoding("utf8").on("data", (text) => {
    printed += text
    tell()
  })
  return {
    async answer(command: string): Promise<string> {
      printed = ""
      const { promise, resolve } = Promise.withResolvers<void>()
      tell = () => printed.endsWith(`${marker}\n`) && resolve()
      child.stdin.write(`${command}\necho "${marker}"\n`)
      await promise
      return printed.slice(0, -marker.length - 1).trimEnd()
    },
    [Symbol.dispose]: () => void process.kill(-(child.pid as number), "SIGKILL"),
  }
}

forEachEngine((engine) => {
  it("answers the quick start of the assistants as it is shown", { timeout: 120_000, skip }, async () => {
    await using folder = await temporaryFolder()
    await using place = await home(engine)
    await using server = await serve({ DATABASE_URL: place.url }, "")
    using shell = openShell(folder.path)
    const commands = await commandsOf("systems/assistants/README.md")
    assert.ok(commands.length >= 15)
    for (const { command, answer } of commands) {
      const here = command.replace("http://127.0.0.1:8000", server.address).replace(/^sleep \d+; /, "")
      const start = elapsed()
      let given = await shell.answer(here)
      while (given !== answer && looks.test(here) && elapsed() - start < 30_000) {
        await pause(100)
        given = await shell.answer(here)
      }
      assert.equal(given, answer, command)
    }
  })
})
