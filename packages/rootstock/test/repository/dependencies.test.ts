import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { checkEngineNames } from "./checks/engine-names.ts"
import { importsOf } from "./checks/imports.ts"
import { checkImports } from "./checks/layers.ts"
import { productFiles, read, report } from "./checks/sources.ts"

const manifest: { exports: Record<string, string> } = JSON.parse(read("packages/rootstock/package.json"))
const entryPoints = new Set(Object.keys(manifest.exports).map((path) => `rootstock${path.slice(1)}`))
const scripts = productFiles().filter((path) => path.endsWith(".ts"))

describe("the repository", () => {
  it("has dependencies in one direction only", () => {
    assert.deepEqual(report(scripts.flatMap((path) => checkImports(path, read(path), entryPoints))), [])
  })

  it("asks for the name of an engine nowhere but in engine/", () => {
    assert.deepEqual(report(scripts.flatMap((path) => checkEngineNames(path, read(path)))), [])
  })
})

describe("importsOf", () => {
  it("finds every form of import and nothing else", () => {
    const source = [
      'import a, { type B } from "one"',
      'import type { C } from "two"',
      'import "three"',
      'export * from "four"',
      'export { d } from "five"',
      'const e = await import("six")',
      'const pattern = /from "no"/',
      '// import f from "no"',
      '/* import g from "no" */',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the source under test has it
      'const text = `import h from "no" ${await import("seven")}`',
      "const words = ['from', \"no\"]",
    ].join("\n")
    const found = importsOf(source).map(({ specifier }) => specifier)
    assert.deepEqual(found, ["one", "two", "three", "four", "five", "six", "seven"])
  })
})

describe("checkImports", () => {
  const problems = (path: string, specifier: string) =>
    checkImports(path, `import { a } from "${specifier}"`, entryPoints).map(({ problem }) => problem)

  const refused: [path: string, specifier: string, problem: RegExp][] = [
    ["packages/rootstock/src/schema/table.ts", "../storage/index.ts", /schema imports storage/],
    ["packages/rootstock/src/session/session.ts", "../jobs/index.ts", /session imports jobs/],
    ["packages/rootstock/src/storage/storage.ts", "../schema/table.ts", /past the index\.ts of schema/],
    ["packages/rootstock/src/index.ts", "./schema/table.ts", /past the index\.ts of schema/],
    ["packages/rootstock/src/http/server.ts", "../index.ts", /the library's front/],
    ["packages/rootstock/src/http/server.ts", "rootstock/schema", /the library imports rootstock/],
    ["packages/rootstock/src/http/server.ts", "../../../../systems/shop/schema.ts", /outside itself/],
    ["packages/rootstock/src/helpers/text.ts", "../errors/index.ts", /no known layer/],
    ["systems/shop/routes/orders.ts", "../../workshop/schema.ts", /outside itself/],
    ["systems/shop/routes/orders.ts", "../../../packages/rootstock/src/index.ts", /outside itself/],
    ["systems/shop/routes/orders.ts", "@rootstock/workshop", /a system imports/],
    ["systems/shop/routes/orders.ts", "rootstock/schema/table", /no entry point/],
    ["app/src/main.ts", "../../systems/shop/schema.ts", /outside itself/],
  ]
  for (const [path, specifier, problem] of refused) {
    it(`refuses ${specifier} in ${path}`, () => {
      const [found = ""] = problems(path, specifier)
      assert.match(found, problem)
    })
  }

  const accepted: [path: string, specifier: string][] = [
    ["packages/rootstock/src/storage/storage.ts", "../schema/index.ts"],
    ["packages/rootstock/src/schema/types/text.ts", "../column.ts"],
    ["packages/rootstock/src/schema/types/text.ts", "../../errors/index.ts"],
    ["packages/rootstock/src/index.ts", "./storage/index.ts"],
    ["packages/rootstock/src/engine/sqlite/open.ts", "node:sqlite"],
    ["packages/rootstock/src/engine/postgres/open.ts", "pg"],
    ["systems/shop/routes/orders.ts", "../services/orders.ts"],
    ["systems/shop/schema.ts", "rootstock/schema"],
    ["systems/shop/schema.ts", "rootstock"],
    ["app/src/main.ts", "@rootstock/shop"],
  ]
  for (const [path, specifier] of accepted) {
    it(`accepts ${specifier} in ${path}`, () => assert.deepEqual(problems(path, specifier), []))
  }
})

describe("checkEngineNames", () => {
  const count = (source: string, path = "packages/rootstock/src/storage/storage.ts") =>
    checkEngineNames(path, source).length

  it("refuses comparisons and cases", () => {
    assert.equal(count('if (engine.name === "sqlite") a()'), 1)
    assert.equal(count("if ('postgres' !== engine.name) a()"), 1)
    assert.equal(count("if (engine.name == `sqlite`) a()"), 1)
    assert.equal(count('switch (name) { case "sqlite": a(); case "postgres": b() }'), 2)
  })

  it("accepts the names elsewhere, and everything in engine/", () => {
    assert.equal(count('const names = ["sqlite", "postgres"]'), 0)
    assert.equal(count('type Name = "sqlite" | "postgres"'), 0)
    assert.equal(count('// if (name === "sqlite")'), 0)
    assert.equal(count('url.protocol === "postgres:"'), 0)
    assert.equal(count('name === "sqlite"', "packages/rootstock/src/engine/open.ts"), 0)
  })
})
