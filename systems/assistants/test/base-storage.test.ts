import assert from "node:assert/strict"
import { it } from "node:test"
import { fileURLToPath } from "node:url"
import { ScopeError, SessionError, ValidationError } from "rootstock/errors"
import { migrateUp } from "rootstock/migrate"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import { assistants } from "../index.ts"
import { BaseStorage } from "../storages/base.ts"
import { tenant } from "../tenancy.ts"

forEachEngine((engine) => {
  it("runs SQL by the URL of a database", async () => {
    await using place = await engine.temporaryDatabase()
    await migrateUp({ url: place.url, directory: fileURLToPath(assistants.migrations) })
    const storage = new BaseStorage(place.url)
    await assert.rejects(
      tenant.unbounded(() => storage.fetch("SELECT 1")),
      SessionError,
    )
    await Promise.all([storage.init(), storage.init()])
    try {
      await assert.rejects(storage.fetch("SELECT 1"), ScopeError)
      await tenant.unbounded(async () => {
        const { id } = await storage.stores.organizations.create({ name: "It's $1", slug: "one" })
        await storage.stores.organizations.create({ name: "Other", slug: "other" })
        const byBoth = "SELECT slug, is_active FROM organizations WHERE name = 'It''s $1' AND id = $2 AND slug = $1"
        assert.deepEqual(await storage.fetchRow(byBoth, "one", id), {
          slug: "one",
          isActive: (await storage.fetchVal("SELECT is_active FROM organizations WHERE slug = $1", "one")) as unknown,
        })
        assert.equal(await storage.fetchRow(byBoth, "other", id), undefined)
        assert.equal(await storage.execute("UPDATE organizations SET description = $1", "x"), "UPDATE 2")
        assert.equal((await storage.fetch("SELECT id FROM organizations WHERE description = $1", "x")).length, 2)
        await assert.rejects(storage.fetch("SELECT id FROM organizations WHERE slug = $2", "x"), ValidationError)
      })
    } finally {
      await storage.close()
    }
    await assert.rejects(
      tenant.unbounded(() => storage.fetch("SELECT 1")),
      SessionError,
    )
  })
})
