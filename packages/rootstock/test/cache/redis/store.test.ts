import assert from "node:assert/strict"
import { after, before, beforeEach, describe, it } from "node:test"
import { cacheTables } from "../../../src/cache/index.ts"
import { type ControlRow, DatabaseStore, redisCoherence } from "../../../src/cache/redis/index.ts"
import { ConfigError, type Database, openDatabase, transaction } from "../../../src/index.ts"
import { createSchema } from "../../../src/migrate/index.ts"
import { forEachEngine, type TemporaryDatabase } from "../../support/index.ts"

const first: ControlRow = { epoch: 10, mode: "on", runId: "run", windowMs: 0 }

describe("the control tables", () => {
  forEachEngine((engine) => {
    let temporary: TemporaryDatabase
    let db: Database
    let store: DatabaseStore
    before(async () => {
      temporary = await engine.temporaryDatabase()
      await createSchema(temporary.url, cacheTables)
      db = (await openDatabase(temporary.url, { tables: cacheTables })) as unknown as Database
      store = new DatabaseStore(db)
    })
    after(async () => {
      await db.close()
      await temporary.dispose()
    })
    beforeEach(async () => {
      await db.execute`DELETE FROM cache_ctl`
      await db.execute`DELETE FROM cache_outbox`
    })

    it("have one row, which the first process makes", async () => {
      assert.equal(await store.read(), undefined)
      const made = await Promise.all([store.create(first), store.create({ ...first, epoch: 11 })])
      assert.deepEqual(made.toSorted(), [false, true])
      assert.equal(made[0] ? 10 : 11, (await store.read())?.epoch)
    })

    it("change by compare-and-set on the epoch", async () => {
      await store.create(first)
      const next: ControlRow = { epoch: 11, mode: "off", runId: null, windowMs: 20 }
      assert.equal(await store.change(9, next), false)
      const changed = await Promise.all([store.change(10, next), store.change(10, { ...next, mode: "warming" })])
      assert.deepEqual(changed.toSorted(), [false, true])
      assert.equal((await store.read())?.epoch, 11)
      assert.equal(await store.change(10, first), false)
    })

    it("make the window longer, never shorter, and only in the epoch that was meant", async () => {
      await store.create(first)
      await store.raiseWindow(10, 20)
      await store.raiseWindow(10, 10)
      await store.raiseWindow(9, 90)
      assert.deepEqual(await store.read(), { ...first, windowMs: 20 })
    })

    it("keep what a transaction is going to invalidate if it commits, and nothing if it does not", async () => {
      let id = 0
      await transaction(async () => {
        id = await store.record(["user:1", "tag:users"])
        assert.deepEqual(await store.recorded(10), [], "others do not see it before the commit")
      })
      await assert.rejects(
        transaction(async () => {
          await store.record(["user:2"])
          throw new Error("no")
        }),
      )
      assert.deepEqual(await store.recorded(10), [id])
      assert.deepEqual(
        (await store.recordedKeys([id, id + 100])).map(({ id, keys }) => ({ id, keys })),
        [{ id, keys: ["user:1", "tag:users"] }],
      )
      await store.forget([id])
      assert.deepEqual(await store.recorded(10), [])
    })

    it("give the oldest records first, at most as many as asked", async () => {
      const ids: number[] = []
      for (let count = 0; count < 5; count++) ids.push(await store.record([`user:${count}`]))
      assert.deepEqual(await store.recorded(3), ids.slice(0, 3))
      await store.forget(ids.slice(1))
      assert.deepEqual(await store.recorded(3), ids.slice(0, 1))
    })

    it("are read past a transaction that is open around the call", async () => {
      await store.create(first)
      await transaction(async () => {
        await db.execute`UPDATE cache_ctl SET epoch = 99`
        assert.equal((await store.read())?.epoch, 10)
      })
      assert.equal((await store.read())?.epoch, 99)
    })
  })

  it("are asked for where a database does not have them", async () => {
    const db = (await openDatabase("sqlite::memory:", { tables: {} })) as unknown as Database
    assert.throws(
      () => redisCoherence("redis://localhost", db),
      (error) =>
        error instanceof ConfigError && /no table cache_ctl/.test(error.message) && /cacheTables/.test(error.cure),
    )
    await db.close()
  })
})
