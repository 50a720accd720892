import assert from "node:assert/strict"
import { execFile, spawnSync } from "node:child_process"
import { it } from "node:test"
import { promisify } from "node:util"
import { forEachEngine } from "../../packages/rootstock/test/support/index.ts"
import { commandsOf } from "./pages.ts"
import { serve, temporaryFolder } from "./program.ts"

const run = promisify(execFile)

const hasCurl = spawnSync("curl", ["--version"]).status === 0
const skip = hasCurl || process.env.ROOTSTOCK_REQUIRE_SERVICES === "1" ? false : "needs curl"

forEachEngine((engine) => {
  it("answers the quick start of README.md as it is shown", { timeout: 60_000, skip }, async () => {
    await using folder = await temporaryFolder()
    await using database = await engine.temporaryDatabase({ ownDatabase: true })
    const url = engine.dialect === "sqlite" ? `sqlite:${folder.path}` : database.url
    await using server = await serve({ DATABASE_URL: url }, "")
    const commands = await commandsOf("README.md")
    assert.ok(commands.length >= 6)
    for (const { command, answer } of commands) {
      const here = command.replaceAll("http://127.0.0.1:8000", server.address)
      const { stdout } = await run("sh", ["-c", here], { cwd: folder.path })
      assert.equal(stdout.trimEnd(), answer, command)
    }
  })
})
