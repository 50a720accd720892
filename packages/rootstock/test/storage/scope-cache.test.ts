import assert from "node:assert/strict"
import { beforeEach, describe, it } from "node:test"
import { cacheResult, cacheRows, tagsOf } from "../../src/cache/index.ts"
import type { Storages } from "../../src/index.ts"
import { asked, forEachCached } from "../cache/support/index.ts"
import {
  ChatStorage,
  chats,
  MessageStorage,
  organisation,
  plainStorages,
  scopedStorages,
  tables,
  UserStorage,
} from "./scope-tables.ts"
import { refuses } from "./support.ts"

const a = "00000000-0000-7000-8000-00000000000a"
const b = "00000000-0000-7000-8000-00000000000b"
const system = "00000000-0000-7000-8000-00000000000c"

let store: Storages<typeof scopedStorages, typeof tables>

const tagged = tagsOf(chats)
const titlesOf = cacheResult("titles:{orgId}", { ttl: "1h", tags: () => [tagged.all()] }, (orgId: string) =>
  organisation.run(orgId, async () => (await store.chats.list()).map(({ title }) => title)),
)
const careless = cacheResult("careless:{word}", { ttl: "1h" }, async (word: string) =>
  store.chats.find({ title: word }),
)

const caches = [
  cacheRows(ChatStorage, { key: "chat:{id}", ttl: "1h", negativeTtl: "1m" }),
  cacheRows(MessageStorage, { key: "message:{id}", ttl: "1h", negativeTtl: "1m", onWrite: "refresh" }),
  cacheRows(UserStorage, { key: "user:{id}", ttl: "1h", negativeTtl: "1m" }),
  titlesOf,
  careless,
]

describe("cached rows of storages in a scope", () => {
  forEachCached(tables, caches, (place) => {
    beforeEach(async () => {
      store = place.db.storages(scopedStorages)
      const plain = place.db.storages(plainStorages)
      await plain.organizations.createMany([
        { id: a, name: "A" },
        { id: b, name: "B" },
        { id: system, name: "System", isSystem: true },
      ])
      await plain.chats.createMany([
        { id: 1, orgId: a, title: "one" },
        { id: 2, orgId: b, title: "two" },
      ])
      await plain.messages.createMany([
        { id: 1, chatId: 1, code: "a", body: "hello" },
        { id: 2, chatId: 2, code: "b", body: "secret" },
      ])
      await plain.users.createMany([
        { id: 1, orgId: a, name: "Ann" },
        { id: 2, orgId: b, name: "Bob" },
        { id: 3, orgId: system, name: "Helper" },
      ])
    })

    it("are kept once for all values, and given to those that they are of", async () => {
      assert.equal((await organisation.run(a, () => store.chats.get(1)))?.title, "one")
      const calls = await asked(place.db, async () => {
        assert.equal((await organisation.run(a, () => store.chats.get(1)))?.title, "one")
        assert.equal(await organisation.run(b, () => store.chats.get(1)), undefined)
        assert.equal((await organisation.unbounded(() => store.chats.get(1)))?.title, "one")
      })
      assert.deepEqual(calls, [])
    })

    it("are not absent for one because they are not to be seen for another", async () => {
      for (const [name, id] of [
        ["chats", 1],
        ["messages", 1],
        ["users", 1],
      ] as const) {
        const storage = store[name] as typeof store.chats
        assert.equal(await organisation.run(b, () => storage.get(id)), undefined)
        assert.equal((await organisation.run(a, () => storage.get(id)))?.id, id)
        assert.equal(await organisation.run(b, () => storage.get(id)), undefined)
      }
    })

    it("are given where they may be read by all", async () => {
      for (const one of [a, b, a]) {
        assert.equal((await organisation.run(one, () => store.users.get(3)))?.name, "Helper")
      }
      assert.equal(await organisation.run(a, () => store.users.get(2)), undefined)
    })

    it("reject outside of a scope, also what is kept", async () => {
      await organisation.run(a, () => store.chats.get(1))
      await refuses(store.chats.get(1), { code: "SCOPE" })
    })

    it("are forgotten by a write in the scope, and of another value by none", async () => {
      await organisation.run(a, () => store.chats.get(1))
      await organisation.run(b, () => refuses(store.chats.update(1, { title: "x" }), { code: "NOT_FOUND" }))
      assert.equal((await organisation.run(a, () => store.chats.get(1)))?.title, "one")
      await organisation.run(a, () => store.chats.update(1, { title: "new" }))
      assert.equal((await organisation.run(a, () => store.chats.get(1)))?.title, "new")
      await organisation.run(a, () => store.messages.update(1, { body: "new" }))
      assert.equal((await organisation.run(a, () => store.messages.get(1)))?.body, "new")
      assert.equal(await organisation.run(b, () => store.messages.get(1)), undefined)
    })

    it("are not loaded in the scope of who asks first where they are results", async () => {
      await organisation.run(b, async () => assert.deepEqual(await titlesOf(a), ["one"]))
      await organisation.run(a, async () => assert.deepEqual(await titlesOf(b), ["two"]))
      await organisation.run(a, () => refuses(careless("one"), { code: "SCOPE" }))
    })
  })
})
