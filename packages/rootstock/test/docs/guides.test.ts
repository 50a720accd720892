import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { after, before, describe, it } from "node:test"
import { promisify } from "node:util"
import { forEachEngine } from "../support/index.ts"

const run = promisify(execFile)
const root = join(import.meta.dirname, "../../../..")

/** The blocks of one language in a page of Markdown, joined. */
async function blocks(page: string, language: string): Promise<string> {
  const markdown = await readFile(join(root, "docs", page), "utf8")
  return [...markdown.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm"))]
    .map(([, block]) => block)
    .join("\n")
}

describe("guides", () => {
  let folder: string

  before(async () => {
    // Within the packages, so that the imports of the guides resolve as a user's do.
    folder = await mkdtemp(join(root, "packages/rootstock/test/docs/guide-"))
    for (const page of ["tables", "storages", "cache"])
      await writeFile(join(folder, `${page}.ts`), await blocks(`${page}.md`, "ts"))
  })

  after(() => rm(folder, { recursive: true, force: true }))

  async function printed(page: string, environment: NodeJS.ProcessEnv = {}): Promise<string> {
    const { stdout } = await run(process.execPath, [join(folder, `${page}.ts`)], {
      cwd: folder,
      env: { ...process.env, NO_COLOR: "1", ...environment },
    })
    return stdout
  }

  it("print what docs/tables.md shows", async () => {
    assert.equal(
      await printed("tables"),
      await blocks("tables.md", "text").then((text) => text.replaceAll("\n\n", "\n")),
    )
  })

  forEachEngine((engine) => {
    it("print what docs/storages.md shows", async () => {
      await using database = await engine.temporaryDatabase()
      const tables = (await blocks("tables.md", "text")).replaceAll("\n\n", "\n")
      const storages = (await blocks("storages.md", "text")).replaceAll("\n\n", "\n")
      assert.equal(await printed("storages", { DATABASE_URL: database.url }), tables + storages)
    })

    it("print what docs/cache.md shows", async () => {
      await using database = await engine.temporaryDatabase()
      const environment = { DATABASE_URL: database.url, CACHE_URL: "memory:?exclusive=true" }
      assert.equal(await printed("cache", environment), (await blocks("cache.md", "text")).replaceAll("\n\n", "\n"))
    })
  })
})
