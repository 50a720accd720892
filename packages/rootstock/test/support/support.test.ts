import assert from "node:assert/strict"
import { existsSync } from "node:fs"
import { describe, it } from "node:test"
import pg from "pg"
import { type Engine, engines, forEachEngine } from "./index.ts"

describe("temporaryDatabase", () => {
  forEachEngine((engine) => {
    it("gives a fresh place at each call", async () => {
      await using first = await engine.temporaryDatabase()
      await using second = await engine.temporaryDatabase()
      assert.notEqual(first.url, second.url)
    })

    it("leaves nothing behind", async () => {
      const database = await engine.temporaryDatabase()
      assert.equal(await exists(engine, database.url), true)
      await database.dispose()
      await database.dispose()
      assert.equal(await exists(engine, database.url), false)
    })
  })

  for (const engine of engines.filter(({ dialect }) => dialect === "postgres")) {
    it(`makes a database of its own on ${engine.name}`, async () => {
      await using database = await engine.temporaryDatabase({ ownDatabase: true })
      const [row] = await query(database.url, "SELECT current_database() AS name")
      assert.equal(`/${row?.["name"]}`, new URL(database.url).pathname)
    })
  }
})

async function exists({ dialect }: Engine, url: string): Promise<boolean> {
  if (dialect === "sqlite") return existsSync(url.slice("sqlite:".length).replace(/\/test\.db$/, ""))
  const schema = new URL(url).searchParams.get("schema")
  return (await query(url, "SELECT FROM pg_namespace WHERE nspname = $1", [schema])).length === 1
}

async function query(url: string, sql: string, parameters: unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql, parameters)).rows
  } finally {
    await client.end()
  }
}
