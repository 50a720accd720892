import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { existsSync, globSync } from "node:fs"
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, describe, it } from "node:test"
import { promisify } from "node:util"
import { buildLibrary } from "../../../../scripts/build/library.ts"
import { read, root } from "./checks/sources.ts"

const execute = promisify(execFile)

/** What the compiler has to find in the program's types. */
const typeProbe = `
import type { Row } from "rootstock"
import { users } from "./program.ts"

declare const user: Row<typeof users>
export const city: string | undefined = user.profile.city
export const createdAt: Date = user.createdAt
// @ts-expect-error a column that is not declared is not in the type
export const surname: unknown = user.surname
`

const settings = {
  compilerOptions: {
    target: "es2024",
    lib: ["es2024", "esnext.temporal", "esnext.disposable"],
    module: "nodenext",
    strict: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    types: ["node"],
    typeRoots: [join(root, "node_modules", "@types")],
    skipLibCheck: true,
  },
  include: ["*.ts"],
}

describe("the published package", () => {
  let folder: string
  let files: string[]

  before(async () => {
    folder = await mkdtemp(join(await realpath(tmpdir()), "rootstock-package-"))
    await buildLibrary(join(folder, "dist"))
    const { stdout } = await execute("npm", ["pack", "--json", join(folder, "dist")], { cwd: folder })
    const [packed]: { filename: string; files: { path: string }[] }[] = JSON.parse(stdout)
    assert(packed)
    files = packed.files.map(({ path }) => path)

    const user = join(folder, "user")
    await mkdir(user)
    await writeFile(join(user, "package.json"), JSON.stringify({ type: "module", private: true }))
    const [, program = ""] = /^```ts\n(.*?)^```/ms.exec(read("packages/rootstock/README.md")) ?? []
    await writeFile(join(user, "program.ts"), program)
    await writeFile(join(user, "types.ts"), typeProbe)
    await writeFile(join(user, "tsconfig.json"), JSON.stringify(settings))
    await execute("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", join(folder, packed.filename)], {
      cwd: user,
    })
  })

  after(() => rm(folder, { recursive: true, force: true }))

  it("holds a compiled file and its types for each source file, and nothing else", () => {
    const sources = globSync("**/*.ts", { cwd: join(root, "packages", "rootstock", "src") })
    const compiled = sources.map((path) => path.replaceAll("\\", "/").replace(/\.ts$/, ""))
    const expected = compiled.flatMap((path) => [`${path}.d.ts`, `${path}.js`])
    assert.deepEqual(files.sort(), [...expected, "LICENSE", "README.md", "package.json"].sort())
  })

  it("has a file behind every entry point", async () => {
    const home = join(folder, "user", "node_modules", "rootstock")
    const manifest: { exports: Record<string, { types: string; default: string }> } = JSON.parse(
      await readFile(join(home, "package.json"), "utf8"),
    )
    const { "./package.json": _, ...entries } = manifest.exports
    const targets = Object.values(entries).flatMap((entry) => [entry.types, entry.default])
    assert.deepEqual(
      targets.filter((target) => !existsSync(join(home, target))),
      [],
    )
  })

  it("loads from every entry point", async () => {
    const source: { exports: object } = JSON.parse(read("packages/rootstock/package.json"))
    const imports = Object.keys(source.exports).map((path) => `await import("rootstock${path.slice(1)}")`)
    await execute(process.execPath, ["--input-type=module", "--eval", imports.join("\n")], {
      cwd: join(folder, "user"),
    })
  })

  it("runs the README's program as it is written", async () => {
    const { stdout } = await execute(process.execPath, ["program.ts"], { cwd: join(folder, "user") })
    assert.equal(stdout, "ann from Tver: hello\n")
  })

  it("gives the README's program its types", async () => {
    const compiler = join(root, "node_modules", "typescript", "bin", "tsc")
    await execute(process.execPath, [compiler, "-p", "."], { cwd: join(folder, "user") })
  })
})
