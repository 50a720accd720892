import assert from "node:assert/strict"
import { once } from "node:events"
import { type AddressInfo, connect, createServer, type Socket } from "node:net"
import { beforeEach, describe, it } from "node:test"
import { Cache, cacheResult, cacheRows, EmbeddedCoherence, openCache, tagsOf } from "../../src/cache/index.ts"
import type { CollectedWrites } from "../../src/cache/writes.ts"
import { type Database, openDatabase, type Storages, transaction } from "../../src/index.ts"
import { createSchema } from "../../src/migrate/index.ts"
import { forEachEngine } from "../support/index.ts"
import { forEachCached, inProcess } from "./support/index.ts"
import { Lists, lists, Notes, notes, People, Promises, people, promises } from "./support/tables.ts"

const tables = { people, promises, notes, lists }
const classes = { people: People, promises: Promises, notes: Notes, lists: Lists }
let store: Storages<typeof classes, typeof tables>
let nameInDatabase: (id: number) => Promise<unknown> = async () => undefined

const nameOf = cacheResult("name:{id}", { ttl: "1h", tags: (id) => [tagsOf(people).row(id)] }, (id: number) =>
  nameInDatabase(id),
)
const caches = [
  cacheRows(People, { key: "person:{id}", ttl: "1h" }),
  cacheRows(Promises, { key: "promise:{id}", ttl: "1h" }),
  nameOf,
]

/** A cache that stumbles over every row that it is told of. */
class ConfusedCache extends Cache {
  override collect(): CollectedWrites {
    const writes = super.collect()
    writes.row = () => {
      throw new Error("confused")
    }
    return writes
  }
}

const embedded = () =>
  new EmbeddedCoherence({
    random: Math.random,
    report: (error) => {
      throw error
    },
  })

describe("a write that fails for its caller", () => {
  forEachCached(tables, caches, (place) => {
    beforeEach(() => {
      store = place.db.storages(classes)
      nameInDatabase = (id) => place.db.fetchValue`SELECT name FROM people WHERE id = ${id}`
    })

    it("is forgotten where it was carried out, and only what it gave back could not be read", async () => {
      const { id } = await store.people.create({ name: "Ann" })
      await place.db.execute`UPDATE people SET level = 9007199254740993 WHERE id = ${id}`
      assert.equal(await nameOf(id), "Ann")
      await assert.rejects(store.people.update(id, { name: "Bea" }), { code: "VALIDATION" })
      const stored = await nameInDatabase(id)
      assert.equal(await nameOf(id), stored)
      await assert.rejects(
        transaction(() => store.people.update(id, { name: "Cat" })),
        { code: "VALIDATION" },
      )
      assert.equal(await nameInDatabase(id), stored)
      assert.equal(await nameOf(id), stored)
    })

    it("forgets nothing where the database refused it", async () => {
      const [ann, bea] = await store.people.createMany([
        { name: "Ann", email: "a" },
        { name: "Bea", email: "b" },
      ])
      await store.people.get(ann!.id)
      await assert.rejects(store.people.update(bea!.id, { email: "a" }), { code: "UNIQUE" })
      assert.deepEqual(await place.cache.find("*"), [`person:${ann!.id}`])
    })

    it("is forgotten where free SQL did a part of it", async (t) => {
      if (place.url?.startsWith("postgres") === true) {
        t.skip("PostgreSQL does all of it or nothing")
        return
      }
      const { id } = await store.people.create({ name: "Ann", level: 1 })
      await store.people.create({ name: "Bea", level: 2, email: "b" })
      assert.equal((await store.people.get(id))?.name, "Ann")
      const partly = place.db
        .execute`UPDATE OR FAIL people SET name = 'Cat', email = CASE level WHEN 1 THEN 'c' ELSE 'c' END`
      await assert.rejects(partly, { code: "UNIQUE" })
      assert.equal((await store.people.get(id))?.name, (await transaction(() => store.people.get(id)))?.name)
      assert.equal((await store.people.get(id))?.name, "Cat")
    })

    it("is not one where only the cache does not understand what was written", async () => {
      await place.cache.close()
      const cache = new ConfusedCache(place.db as unknown as Database, embedded(), caches, undefined)
      await cache.start()
      const { id } = await store.people.create({ name: "Ann" })
      assert.equal((await store.people.get(id))?.name, "Ann")
      await store.people.update(id, { name: "Bea" })
      assert.equal((await store.people.get(id))?.name, "Bea")
      await transaction(() => store.people.update(id, { name: "Cat" }))
      assert.equal((await store.people.get(id))?.name, "Cat")
      assert.equal(place.warnings.length, 3)
      await cache.close()
    })

    it("leaves the cache true where the commit is refused", async () => {
      const { id } = await store.people.create({ name: "Ann" })
      const promise = await store.promises.create({ personId: id, what: "x" })
      const read = async () => [(await store.people.get(id))?.name, (await store.promises.get(promise.id))?.what]
      assert.deepEqual(await read(), ["Ann", "x"])
      const broken = transaction(async () => {
        await store.people.update(id, { name: "Bea" })
        await store.promises.update(promise.id, { what: "y" })
        await store.promises.create({ personId: id + 1, what: "z" })
      })
      await assert.rejects(broken, { code: "FOREIGN_KEY" })
      assert.deepEqual(await read(), ["Ann", "x"])
      await assert.rejects(store.promises.update(promise.id, { personId: id + 1, what: "y" }), { code: "FOREIGN_KEY" })
      assert.deepEqual(await read(), ["Ann", "x"])
      assert.equal((await store.promises.get(promise.id))?.personId, id)
    })
  })
})

/** Passes bytes on to a server, until it is told to lose what that answers. */
async function startProxy(target: URL) {
  const sockets = new Set<Socket>()
  let losing = false
  const server = createServer((client) => {
    const behind = connect(Number(target.port || 5432), target.hostname)
    for (const socket of [client, behind]) {
      sockets.add(socket)
      socket.on("error", () => undefined).on("close", () => sockets.delete(socket))
    }
    client.pipe(behind)
    behind.on("data", (bytes) => {
      if (losing) client.destroy()
      else client.write(bytes)
    })
    client.on("close", () => behind.destroy())
    behind.on("close", () => client.destroy())
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const url = new URL(target)
  url.hostname = "127.0.0.1"
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    /** Whether what the server answers is lost. */
    set losing(value: boolean) {
      losing = value
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, "close")
    },
  }
}

describe("a write whose answer is lost", () => {
  forEachEngine((engine) => {
    it("is taken for one that was carried out", async (t) => {
      if (engine.dialect === "sqlite") {
        t.skip("nothing lies between it and its file")
        return
      }
      await using temporary = await engine.temporaryDatabase()
      await createSchema(temporary.url, tables)
      await using proxy = await startProxy(new URL(temporary.url))
      await using db = await openDatabase(proxy.url, { tables, warn: () => undefined })
      await using _cache: Cache = await openCache(db, { url: inProcess(proxy.url), caches })
      store = db.storages(classes)
      const { id } = await store.people.create({ name: "one" })
      const lost = { code: "UNAVAILABLE" }
      assert.equal((await store.people.get(id))?.name, "one")
      proxy.losing = true
      await assert.rejects(store.people.update(id, { name: "two" }), lost)
      proxy.losing = false
      assert.equal((await store.people.get(id))?.name, "two")
      proxy.losing = true
      await assert.rejects(db.execute`UPDATE people SET name = 'three'`, lost)
      proxy.losing = false
      assert.equal((await store.people.get(id))?.name, "three")
      const ofCommit = transaction(async () => {
        await store.people.update(id, { name: "four" })
        proxy.losing = true
      })
      await assert.rejects(ofCommit, lost)
      proxy.losing = false
      assert.equal((await store.people.get(id))?.name, "four")
    })
  })
})
