import assert from "node:assert/strict"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { describe, it, test } from "node:test"
import { manualClock, openDatabase } from "rootstock"
import { forEachEngine } from "../../packages/rootstock/test/support/index.ts"
import { appUnit } from "../src/databases.ts"
import { KeyService } from "../src/keys/service.ts"
import { ApiKeyStorage } from "../src/keys/storage.ts"
import { bringUp } from "../src/migrations.ts"
import { appTables } from "../src/schema.ts"
import { run, serve, temporaryFolder } from "./program.ts"

describe("KeyService", () => {
  forEachEngine((engine) => {
    it("finds a key by what was shown once, until it expires or is revoked", async () => {
      await using place = await engine.temporaryDatabase()
      await bringUp(appUnit, place.url)
      const clock = manualClock("2026-03-11T12:00:00Z")
      await using database = await openDatabase(place.url, { tables: appTables, clock })
      const storage = database.storage(ApiKeyStorage)
      const keys = new KeyService(storage, clock)
      const expiresAt = new Date("2026-03-12T12:00:00Z")
      const made = await keys.create({ name: "warehouse", scopes: ["shop:read"], expiresAt })
      assert.match(made.key, /^rsk_[\w-]{43}$/)
      assert.equal(made.prefix, made.key.slice(0, 12))
      assert.deepEqual(await keys.lookup(made.key), { id: made.id, scopes: ["shop:read"] })
      assert.equal(await keys.lookup(`${made.key}x`), undefined)
      const row = await storage.getOrFail(made.id)
      assert.ok(!JSON.stringify(row).includes(made.key))
      assert.deepEqual(row.lastUsedAt, clock.now())
      const [shown] = await keys.list()
      assert.equal("keyHash" in shown!, false)
      clock.advance(59_999)
      await keys.lookup(made.key)
      assert.deepEqual((await storage.getOrFail(made.id)).lastUsedAt, row.lastUsedAt)
      clock.set(expiresAt)
      assert.equal(await keys.lookup(made.key), undefined)
      const other = await keys.create({ name: "other", scopes: ["shop:admin"] })
      assert.notEqual(await keys.lookup(other.key), undefined)
      assert.notEqual(await keys.revoke(other.id), undefined)
      assert.equal(await keys.lookup(other.key), undefined)
      assert.equal(await keys.revoke("00000000-0000-7000-8000-000000000000"), undefined)
    })
  })
})

test("rootstock keys makes keys that the server takes until they are revoked", async () => {
  await using folder = await temporaryFolder()
  const env = { DATABASE_URL: `sqlite:${folder.path}`, API_AUTH: "required" }
  const expires = "2999-01-31T00:00:00.000Z"
  const made = await run(`keys create --name reader --scopes shop:read --expires ${expires} --json`, env)
  assert.equal(made.code, 0, made.err)
  const { key, id, expires_at } = JSON.parse(made.out)
  assert.equal(expires_at, expires)
  await using server = await serve(env, "shop --no-sample")
  const status = async (method: string, sent: string) =>
    (await fetch(`${server.address}/users/1`, { method, headers: { "x-api-key": sent } })).status
  assert.deepEqual(
    [await status("GET", key), await status("DELETE", key), await status("GET", "rsk_wrong")],
    [404, 403, 401],
  )
  const list = await run("keys list", env)
  assert.match(list.out, new RegExp(`${id}  rsk_.*shop:read  reader`))
  assert.ok(!list.out.includes(key))
  assert.equal((await run(`keys revoke ${id}`, env)).code, 0)
  assert.equal(await status("GET", key), 401)
  assert.ok(!(await readFile(join(folder.path, "app.db"), "latin1")).includes(key))
})

for (const [words, message] of [
  ["keys create --scopes shop:read", /--name is missing/],
  ["keys create --name x", /--scopes is missing/],
  ["keys create --name x --scopes shop:all", /"shop:all" is no scope; there are shop:read, shop:write, shop:admin/],
  ["keys create --name x --scopes shop:read --expires tomorrow", /--expires tomorrow is no instant/],
  [
    "keys create --name x --scopes shop:read --expires 2027-02-30T00:00:00Z",
    /--expires 2027-02-30T00:00:00Z is no instant/,
  ],
  ["keys revoke 7", /7 is no id of a key/],
  ["keys", /needs a command: create, list, revoke/],
] as const) {
  test(`refuses \`rootstock ${words}\` and ends with 2`, async () => {
    const outcome = await run(words)
    assert.equal(outcome.code, 2)
    assert.match(outcome.err, message)
  })
}
