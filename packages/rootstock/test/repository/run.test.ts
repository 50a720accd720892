import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { chmod, cp, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { text } from "node:stream/consumers"
import { afterEach, beforeEach, describe, it } from "node:test"
import { LeftOut } from "../../../../scripts/test/left-out.ts"
import { root } from "./checks/sources.ts"

const lock = { packages: { "": {}, "node_modules/a": { version: "1.0.0" } } }

describe("scripts/run.mjs", () => {
  let clone: string

  beforeEach(async () => {
    clone = await mkdtemp(join(await realpath(tmpdir()), "rootstock-clone-"))
    await mkdir(join(clone, "scripts"))
    await mkdir(join(clone, "bin"))
    await cp(join(root, "scripts", "run.mjs"), join(clone, "scripts", "run.mjs"))
    await write("package-lock.json", JSON.stringify(lock))
    await write("bin/npm", '#!/bin/sh\necho "$@" >> calls\n')
    await chmod(join(clone, "bin", "npm"), 0o755)
    await write("program.mjs", 'console.log(process.cwd(), process.argv.slice(2).join("|"))\nprocess.exitCode = 7\n')
  })

  afterEach(() => rm(clone, { recursive: true, force: true }))

  const write = (path: string, content: string) => writeFile(join(clone, path), content)
  const installed = async (packages: object) => {
    await mkdir(join(clone, "node_modules"))
    await write("node_modules/.package-lock.json", JSON.stringify({ packages }))
  }
  const npmCalls = () => readFile(join(clone, "calls"), "utf8").catch(() => "")

  function start(...args: string[]) {
    const env = { ...process.env, PATH: [join(clone, "bin"), process.env["PATH"]].join(delimiter) }
    return spawn(process.execPath, ["scripts/run.mjs", ...args], { cwd: clone, env, stdio: ["ignore", "pipe", "pipe"] })
  }

  async function finish(...args: string[]): Promise<{ output: string; code: number | null }> {
    const child = start(...args)
    const [output, [code]] = await Promise.all([text(child.stdout), once(child, "exit")])
    return { output: output.trim(), code }
  }

  it("passes arguments and the exit code on, and installs nothing that is there", async () => {
    await installed(lock.packages)
    const { output, code } = await finish("program.mjs", "a", "b c", "--in")
    assert.deepEqual([output, code, await npmCalls()], [`${clone} a|b c|--in`, 7, ""])
  })

  it("installs by the lock where nothing is installed", async () => {
    const { code } = await finish("program.mjs")
    assert.equal(code, 7)
    assert.match(await npmCalls(), /^ci .*\n$/)
  })

  it("brings older packages up to the lock in place", async () => {
    await installed({ "node_modules/a": { version: "0.9.0" } })
    await finish("program.mjs")
    assert.match(await npmCalls(), /^install --no-save .*\n$/)
  })

  it("installs the packages of the folder that it is sent to, and starts there", async () => {
    await installed(lock.packages)
    await mkdir(join(clone, "bench"))
    await write("bench/package-lock.json", JSON.stringify(lock))
    const { output } = await finish("--in", "bench", "program.mjs", "x")
    assert.equal(output, `${join(clone, "bench")} x`)
    assert.match(await readFile(join(clone, "bench", "calls"), "utf8"), /^ci .*\n$/)
  })

  it("lets a signal reach the program, which ends in its own way", async () => {
    await installed(lock.packages)
    await write(
      "server.mjs",
      'process.on("SIGTERM", () => process.exit(3))\nsetInterval(() => undefined, 1000)\nconsole.log("up")\n',
    )
    const child = start("server.mjs")
    await once(child.stdout, "data")
    child.kill("SIGTERM")
    assert.deepEqual(await once(child, "exit"), [3, null])
  })
})

describe("LeftOut", () => {
  it("says nothing where every test ran", () => {
    const leftOut = new LeftOut()
    leftOut.record({})
    leftOut.record({ skip: "has a reason of its own" })
    assert.equal(leftOut.summary(), undefined)
  })

  it("says on one line what was left out and how to run it", () => {
    const leftOut = new LeftOut()
    for (const variable of ["TEST_REDIS_URL", "TEST_REDIS_URL", "TEST_EMBEDDED_POSTGRES_URL"]) {
      leftOut.record({ skip: `needs ${variable}` })
    }
    assert.equal(
      leftOut.summary(),
      "Left out: 2 for lack of TEST_REDIS_URL, 1 for lack of TEST_EMBEDDED_POSTGRES_URL. " +
        "To run them: docker compose up -d db redis rabbitmq && TEST_REDIS_URL=redis://127.0.0.1:6379 npm test",
    )
  })
})
