import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { checkMachineTraces } from "./checks/machine-traces.ts"
import { read, report, trackedFiles } from "./checks/sources.ts"

type Lock = { packages: Record<string, { optionalDependencies?: Record<string, string> }> }

describe("the repository", () => {
  it("names no folder and no registry of one machine in a tracked file", () => {
    assert.deepEqual(report(trackedFiles().flatMap((path) => checkMachineTraces(path, read(path)))), [])
  })

  for (const lock of trackedFiles().filter((path) => path.endsWith("package-lock.json"))) {
    it(`locks the packages of every platform in ${lock}, so that npm ci holds on each`, () => {
      const { packages }: Lock = JSON.parse(read(lock))
      const missing = Object.values(packages)
        .flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies))
        .filter((name) => !Object.keys(packages).some((path) => path.endsWith(`node_modules/${name}`)))
      assert.deepEqual(missing, [])
    })
  }
})

describe("checkMachineTraces", () => {
  const registry = ["registry", "npmjs", "org"].join(".")
  const refused = [
    ["", "home", "ann", "project"].join("/"),
    `file://${["", "Users", "ann", "project"].join("/")}`,
    `(${["", "root", ".npm"].join("/")})`,
    `"resolved": ${JSON.stringify("https://packages.example/a.tgz")}`,
    `see ${registry}`,
  ]
  for (const text of refused) {
    it(`refuses ${text}`, () => assert.equal(checkMachineTraces("a.md", text).length, 1))
  }

  const accepted = [
    "#!/usr/bin/env bash",
    "./data/work/a",
    '"resolved": "packages/rootstock"',
    "src/home/page/index.ts",
  ]
  for (const text of accepted) {
    it(`accepts ${text}`, () => assert.deepEqual(checkMachineTraces("a.md", text), []))
  }
})
