import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { setImmediate as turn } from "node:timers/promises"
import { type CacheDeclaration, cacheResult, cacheRows, invalidates, openCache, tagsOf } from "../../src/cache/index.ts"
import { type Database, NPlusOneError, openDatabase, transaction, withRequestScope } from "../../src/index.ts"
import { createSchema, schemaStatements } from "../../src/migrate/index.ts"
import { plainSql } from "../storage/sql.ts"
import { refuses } from "../storage/support.ts"
import { forEachEngine, requireService, temporaryDatabase } from "../support/index.ts"
import { asked, forEachCached, inProcess } from "./support/index.ts"
import { Lists, lists, Memberships, memberships, People, people, Teams, teams } from "./support/tables.ts"

const tables = { people, teams, memberships, lists }
const classes = { people: People, teams: Teams, memberships: Memberships, lists: Lists }
let calls = 0
let load: () => Promise<unknown> = async () => 1
const counted = cacheResult("counted:{id}", { ttl: "1h", tags: () => [tagsOf(lists).all()] }, async (_id: number) => {
  calls++
  return load()
})
const rows: readonly CacheDeclaration[] = [
  cacheRows(People, { key: "person:{id}", ttl: "1h" }),
  cacheRows(Memberships, { key: "seat:{teamId}:{personId}", ttl: "1h" }),
  cacheRows(Lists, { key: "list:{id}", ttl: "1h" }),
]
const caches = [...rows, counted]

async function openMemory(): Promise<Database<typeof tables>> {
  const db = await openDatabase("sqlite::memory:", { tables, nPlusOne: { mode: "off" } })
  for (const statement of schemaStatements("sqlite", tables)) await db.execute(plainSql(statement))
  return db
}

describe("a cache that is opened", () => {
  it("is the only one of its database", async () => {
    await using db = await openMemory()
    const cache = await openCache(db, { caches })
    for (const url of ["memory:", "off:"]) {
      await refuses(() => openCache(db, { url, caches: rows }), { code: "SESSION", message: /has a cache/ })
    }
    const store = db.storages(classes)
    await store.lists.create({ id: 1, title: "a" })
    await store.lists.get(1)
    await store.lists.update(1, { title: "b" })
    assert.equal((await store.lists.get(1))?.title, "b")
    await cache.close()
    await cache.close()
    await using _again = await openCache(db, { caches })
    assert.equal((await store.lists.get(1))?.title, "b")
  })

  it("leaves no trace where it is refused", async () => {
    await using db = await openMemory()
    await assert.rejects(openCache(db, { url: "redis://127.0.0.1:1?x=y", caches }))
    await using _cache = await openCache(db, { caches })
  })

  it("serves its own database beside others, and is asked for by name where several could be meant", async () => {
    await using one = await openMemory()
    await using other = await openMemory()
    await using cacheOfOne = await openCache(one, { caches })
    await using cacheOfOther = await openCache(other, { caches })
    const [first, second] = [one.storages(classes), other.storages(classes)]
    for (const [store, title] of [
      [first, "one"],
      [second, "other"],
    ] as const) {
      await store.lists.create({ id: 1, title })
      assert.equal((await store.lists.get(1))?.title, title)
    }
    await first.lists.update(1, { title: "changed" })
    assert.equal((await first.lists.get(1))?.title, "changed")
    assert.equal((await second.lists.get(1))?.title, "other")
    assert.deepEqual(await cacheOfOther.find("list:*"), ["list:1"])

    await refuses(() => counted(1), { code: "SESSION", message: /2 opened caches have counted:\{id\}/ })
    calls = 0
    for (const cache of [cacheOfOne, cacheOfOther, cacheOfOne, cacheOfOther]) await cache.result(counted)(1)
    assert.equal(calls, 2)
    const change = invalidates(["counted:{id}"], async (id: number) => first.lists.update(1, { title: `${id}` }))
    await change(1)
    await cacheOfOther.result(counted)(1)
    assert.equal(calls, 2)
    await cacheOfOne.result(counted)(1)
    assert.equal(calls, 3)
  })

  it("is not there for functions whose cache is not opened, or off", async () => {
    await using db = await openMemory()
    calls = 0
    assert.equal(await counted(1), 1)
    await counted.forget(1)
    await invalidates(["counted:{id}"], async (_id: number) => 1)(1)
    const cache = await openCache(db, { url: "off:", caches })
    const store = db.storages(classes)
    await store.lists.create({ id: 1, title: "a" })
    assert.equal(await counted(1), 1)
    assert.equal(await counted(1), 1)
    assert.equal(calls, 3)
    await store.lists.get(1)
    const ran = await asked(db, () => store.lists.get(1))
    assert.deepEqual(ran, ["lists.get"])
    assert.equal(cache.state, "off")
    assert.equal(cache.stats().kinds["counted:{id}"]!.bypassed, 2)
    await cache.forget(["list:1"])
    await transaction(() => cache.forgetTables(lists))
    await cache.flush()
    assert.deepEqual(await cache.find("*"), [])
    assert.equal(await cache.inspect("list:1"), undefined)
    await cache.close()
  })
})

describe("a cache that is closed", () => {
  it("gives nothing old to whoever still holds it", async () => {
    await using db = await openMemory()
    const cache = await openCache(db, { caches })
    const store = db.storages(classes)
    await store.lists.create({ id: 1, title: "a" })
    const held = cache.result(counted)
    const other = cacheResult("other", { ttl: "1h" }, () => 1)
    assert.throws(() => cache.result(other), { code: "DECLARATION", message: /^other is not among/ })
    calls = 0
    load = () => db.fetchValue`SELECT title FROM lists`
    assert.equal(await held(1), "a")
    await cache.close()
    assert.equal(await held(1), "a")
    await store.lists.update(1, { title: "b" })
    assert.equal(await held(1), "b")
    assert.equal(await counted(1), "b")
    assert.equal((await store.lists.get(1))?.title, "b")
    await store.lists.update(1, { title: "c" })
    assert.equal((await store.lists.get(1))?.title, "c")
    assert.equal(cache.stats().entries, 0)
    load = async () => 1
  })

  forEachEngine((engine) => {
    it("while reads run gives them what they asked for, and keeps none of it", async () => {
      await using temporary = await engine.temporaryDatabase()
      await createSchema(temporary.url, tables)
      await using db = await openDatabase(temporary.url, { tables, nPlusOne: { mode: "off" } })
      const store = db.storages(classes)
      await store.lists.createMany(Array.from({ length: 50 }, (_, id) => ({ id, title: `${id}` })))
      for (let round = 0; round < 5; round++) {
        const cache = await openCache(db, { url: inProcess(temporary.url), caches })
        const reads = Promise.all(Array.from({ length: 100 }, (_, at) => store.lists.get(at % 60)))
        const results = Promise.all(Array.from({ length: 10 }, (_, at) => counted(at)))
        const writes = Promise.all([1, 2].map((id) => store.lists.update(id, { title: `${id}.${round}` })))
        if (round > 0) await turn()
        await cache.close()
        assert.equal((await reads).filter((row) => row === undefined).length, 10)
        assert.equal((await results).length, 10)
        await writes
        assert.equal(cache.stats().entries, 0)
        assert.equal((await store.lists.get(1))?.title, `1.${round}`)
      }
    })
  })

  it("is of no matter to a database that is closed first", async () => {
    const db = await openMemory()
    const cache = await openCache(db, { caches: [...rows, counted] })
    const store = db.storages(classes)
    await store.lists.create({ id: 1, title: "a" })
    await store.lists.get(1)
    await db.close()
    const uncached = await refuses(() => store.lists.list(), { code: "UNAVAILABLE" })
    const { message } = await refuses(() => store.lists.get(2), { code: "UNAVAILABLE" })
    assert.equal(message, uncached.message)
    await cache.close()
  })
})

describe("reads that repeat", () => {
  forEachCached(
    tables,
    rows,
    (place) => {
      it("count where the database is asked, and not where the cache answers", async () => {
        const store = place.db.storages(classes)
        const team = await store.teams.create({ name: "One" })
        const made = await store.people.createMany(Array.from({ length: 9 }, (_, at) => ({ name: `${at}` })))
        await store.teams.link(
          team.id,
          "members",
          made.map(({ id }) => id),
        )
        const readRows = async () => {
          for (const { id } of made) await store.people.get(id)
        }
        const readSeats = async () => {
          for (const { id } of made) await store.memberships.get({ teamId: team.id, personId: id })
        }
        for (const read of [readRows, readSeats]) {
          await assert.rejects(withRequestScope(read), NPlusOneError)
          await read()
          await withRequestScope(read)
          await place.cache.flush()
          await assert.rejects(withRequestScope(read), (error: Error) => {
            assert.match(error.message, /\.get ran more than 3 times .*lifecycle\.test\.ts:\d+/)
            return error instanceof NPlusOneError
          })
        }
        await assert.rejects(
          transaction(() => readRows()),
          NPlusOneError,
        )
      })

      it("leave nothing behind in the process beyond what is kept", async () => {
        const store = place.db.storages(classes)
        const made = await store.people.createMany(Array.from({ length: 300 }, (_, at) => ({ name: `${at}` })))
        for (const { id } of made) {
          await store.people.get(id)
          await store.people.get(-id)
        }
        const { entries, bytes, kinds } = place.cache.stats()
        assert.equal(entries, 10)
        assert.ok(bytes < 10_000)
        assert.equal(kinds["person:{id}"]!.evictions, 290)
        await Promise.all([...made].reverse().map(({ id }) => store.people.get(id)))
        assert.equal(place.cache.stats().entries, 10)
      })
    },
    { nPlusOne: { mode: "throw", limit: 3 }, memory: { entries: 10 } },
  )
})

describe("PostgreSQL with several processes and no Redis", () => {
  forEachEngine((engine) => {
    it("keeps nothing in a process", async (t) => {
      if (engine.dialect === "sqlite") {
        t.skip("SQLite tells of other processes")
        return
      }
      await using temporary = await engine.temporaryDatabase()
      await createSchema(temporary.url, tables)
      await using db = await openDatabase(temporary.url, { tables, nPlusOne: { mode: "off" } })
      await using other = await openDatabase(temporary.url, { tables, nPlusOne: { mode: "off" } })
      await using cache = await openCache(db, { url: "memory:", caches })
      assert.equal(cache.state, "off")
      const [store, others] = [db.storages(classes), other.storages(classes)]
      await store.lists.create({ id: 1, title: "0" })
      load = () => db.fetchValue`SELECT title FROM lists`
      for (let round = 1; round <= 10; round++) {
        await others.lists.update(1, { title: `${round}` })
        assert.equal((await store.lists.get(1))?.title, `${round}`)
        assert.equal(await counted(1), `${round}`)
        await store.lists.update(1, { title: `${round}.` })
        assert.equal(await cache.result(counted)(1), `${round}.`)
      }
      load = async () => 1
      assert.equal(cache.stats().entries, 0)
      assert.deepEqual(cache.metrics().find(({ name }) => name === "cache_up")?.samples, [{ value: 0 }])
    })
  })
})

requireService("TEST_POSTGRES_URL", "reads through a replica", () => {
  // Two schemas stand for two servers: what is read shows which of them answered.
  it("go past the cache of the first server, and leave it alone", async () => {
    await using first = await temporaryDatabase("postgres")
    await using second = await temporaryDatabase("postgres")
    for (const { url } of [first, second]) await createSchema(url, tables)
    await using copy = await openDatabase(second.url, { tables })
    await copy.storages(classes).lists.create({ id: 1, title: "of the replica" })
    await using db = await openDatabase(first.url, { tables, postgres: { replicaUrl: second.url } })
    await using cache = await openCache(db, { url: inProcess(first.url), caches })
    const [store, replica] = [db.storages(classes), db.replica.storages(classes)]
    await store.lists.create({ id: 1, title: "of the first" })
    for (let round = 0; round < 2; round++) {
      assert.equal((await replica.lists.get(1))?.title, "of the replica")
      assert.equal((await store.lists.get(1))?.title, "of the first")
    }
    await assert.rejects(replica.lists.update(1, { title: "x" }), /read-only/)
    assert.deepEqual(await cache.find("*"), ["list:1"])
    const { misses, hitsLocal } = cache.stats().kinds["list:{id}"]!
    assert.deepEqual([misses, hitsLocal], [1, 1])
  })
})
