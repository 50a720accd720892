import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { existsSync } from "node:fs"
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, describe, it } from "node:test"
import { fileURLToPath, pathToFileURL } from "node:url"
import { promisify } from "node:util"
import { checkDrift, createSchema, describeDifference, inspectDatabase } from "../../src/migrate/index.ts"
import type { Tables } from "../../src/schema/index.ts"
import { sharedTables } from "../../src/shared/index.ts"
import { engines, forEachEngine } from "../support/index.ts"
import { changes } from "./changes.ts"
import { execute } from "./support.ts"

const folder = fileURLToPath(new URL("./.inspected/", import.meta.url))
let written = 0

/** Compiles the source beside the library, and gives its tables. */
async function load(source: string): Promise<Tables> {
  await mkdir(folder, { recursive: true })
  const path = join(folder, `tables-${process.pid}-${written++}.ts`)
  await writeFile(path, source)
  return ((await import(pathToFileURL(path).href)) as { tables: Tables }).tables
}

const differences = async (url: string, tables: Tables) => (await checkDrift({ url, tables })).map(describeDifference)

/** The forms of Chinook: names in capitals, types that SQLite does not know, constraints without names. */
const foreign = `
CREATE TABLE [Artist] ([ArtistId] INTEGER NOT NULL, [Name] NVARCHAR(120), CONSTRAINT [PK_Artist] PRIMARY KEY ([ArtistId]));
CREATE TABLE [Album] ([AlbumId] INTEGER NOT NULL PRIMARY KEY, [Title] NVARCHAR(160) NOT NULL, [ArtistId] INTEGER NOT NULL,
  [Price] NUMERIC(10,2) NOT NULL DEFAULT 0.99, [Released] DATETIME, [is_live] BOOLEAN DEFAULT 0, "order" TEXT UNIQUE CHECK (length("order") > 1),
  FOREIGN KEY ([ArtistId]) REFERENCES [Artist] ON DELETE NO ACTION ON UPDATE NO ACTION);
CREATE INDEX [IFK_AlbumArtistId] ON [Album] ([ArtistId]);
CREATE TABLE [Log] (line TEXT);
CREATE TABLE [Pair] (b INT, a INT, PRIMARY KEY (a, b), FOREIGN KEY (a, b) REFERENCES [Pair]);
`

describe("inspect", () => {
  after(() => rm(folder, { recursive: true, force: true }))

  forEachEngine((engine) => {
    it("gives declarations from which the database does not differ", async () => {
      const all = changes.find(({ name }) => name === "add columns of every type with defaults")!.after
      const many = changes.find(({ name }) => name === "many at once")!.after
      const links = changes.find(({ name }) => name === "add tables with a composite key that refer to others")!.after
      const circle = changes.find(({ name }) => name === "add tables that refer to each other")!.after
      const guarded = changes.find(({ name }) => name === "refuse changes of rows")!.after
      const indexed = changes.find(({ name }) => name === "add a partial unique index")!.after
      const searched = changes.find(({ name }) => name === "search in lists and JSON")!.after
      for (const tables of [sharedTables, all, many, links, circle, guarded, indexed, searched]) {
        await using database = await engine.temporaryDatabase()
        await createSchema(database.url, tables)
        if (engine.dialect === "sqlite" && tables === all) {
          await execute(database.url, "INSERT INTO users (email, code, c3) VALUES ('a', 'b', '1.25')")
        }
        assert.deepEqual(await differences(database.url, await load(await inspectDatabase(database.url))), [])
      }
    })
  })

  it("reads a database that another program made", async () => {
    await using database = await engines[0]!.temporaryDatabase()
    await execute(database.url, foreign)
    const source = await inspectDatabase(database.url)
    assert.match(source, /export const album = table\(\n {2}"Album"/)
    assert.match(source, /albumId: identity\(\)\.named\("AlbumId"\)/)
    assert.match(source, /NUMERIC\(10,2\) in the database/)
    assert.match(source, /The table Log has no primary key/)
    assert.match(source, /The reference of \(a, b\) to Pair has several columns/)
    const tables = await load(source)
    assert.deepEqual(await differences(database.url, tables), [
      "table Log is not declared",
      "Pair, reference of a, b is not declared (there: a, b to Pair (a, b))",
    ])
    await execute(database.url, "ALTER TABLE Album ADD COLUMN more TEXT")
    assert.ok((await differences(database.url, tables)).includes("Album, column more is not declared (there: text)"))
  })

  const chinook = fileURLToPath(new URL("../../../../../shared/data/chinook.sqlite", import.meta.url))
  it("reads Chinook", {
    skip: existsSync(chinook) ? false : "needs shared/data/chinook.sqlite beside the repository",
  }, async () => {
    const copy = await mkdtemp(join(tmpdir(), "rootstock-chinook-"))
    try {
      await copyFile(chinook, join(copy, "chinook.db"))
      const url = `sqlite:${join(copy, "chinook.db")}`
      const tables = await load(await inspectDatabase(url))
      assert.equal(Object.keys(tables).length, 11)
      assert.deepEqual(await differences(url, tables), [])
    } finally {
      await rm(copy, { recursive: true })
    }
  })

  it("writes declarations that compile", async () => {
    await using database = await engines[0]!.temporaryDatabase()
    await execute(database.url, foreign)
    await load(await inspectDatabase(database.url))
    const circle = changes.find(({ name }) => name === "add tables that refer to each other")!.after
    await using other = await engines[0]!.temporaryDatabase()
    await createSchema(other.url, circle)
    await load(await inspectDatabase(other.url))
    const project = await mkdtemp(join(tmpdir(), "rootstock-project-"))
    const root = fileURLToPath(new URL("../../../../", import.meta.url))
    const config = {
      extends: join(root, "tsconfig.json"),
      compilerOptions: { typeRoots: [join(root, "node_modules/@types")] },
      include: [`${folder}*.ts`],
      exclude: [],
    }
    await writeFile(join(project, "tsconfig.json"), JSON.stringify(config))
    try {
      const compiler = join(root, "node_modules/typescript/bin/tsc")
      await promisify(execFile)(process.execPath, [compiler, "-p", project]).catch((error: { stdout: string }) =>
        assert.fail(error.stdout),
      )
    } finally {
      await rm(project, { recursive: true })
    }
  })
})
