import assert from "node:assert/strict"
import { beforeEach, describe, it } from "node:test"
import { afterCommit, Scope, Storage, type Storages, transaction } from "../../src/index.ts"
import { outsideScopes } from "../../src/storage/index.ts"
import {
  links,
  notices,
  organisation,
  organizations,
  plainStorages,
  scopedStorages,
  tables,
  users,
} from "./scope-tables.ts"
import { forEachDatabase, queriesOf, refuses } from "./support.ts"

const [a, b, system] = ["a", "b", "c"].map((end) => `00000000-0000-7000-8000-00000000000${end}`) as [
  string,
  string,
  string,
]
const nobody = "00000000-0000-7000-8000-0000000000ff"

type Store = Storages<typeof scopedStorages, typeof tables>

const inA = <T>(work: () => Promise<T>): Promise<T> => organisation.run(a, work)
const inB = <T>(work: () => Promise<T>): Promise<T> => organisation.run(b, work)

async function collected<R>(rows: AsyncIterable<R>): Promise<R[]> {
  const all: R[] = []
  for await (const row of rows) all.push(row)
  return all
}

describe("scopes", () => {
  const none = { code: "SCOPE" }

  it("give the current value to all that the work starts, and nothing behind it", async () => {
    const seen: string[] = []
    const result = await organisation.run(a, async () => {
      await null
      seen.push(organisation.current)
      await organisation.run(b, async () => seen.push(organisation.current))
      seen.push(organisation.current)
      return 7
    })
    assert.equal(result, 7)
    assert.deepEqual(seen, [a, b, a])
    assert.equal(
      organisation.run(a, () => organisation.current),
      a,
    )
    assert.throws(() => organisation.current, none)
    assert.equal(organisation.isUnbounded, false)
  })

  it("have no current value where all are meant", () => {
    organisation.run(a, () =>
      organisation.unbounded(() => {
        assert.equal(organisation.isUnbounded, true)
        assert.throws(() => organisation.current, none)
      }),
    )
  })

  it("take no null and no undefined for a value", () => {
    assert.throws(() => organisation.run(undefined as never, () => 1), none)
    assert.throws(() => organisation.run(null as never, () => 1), none)
  })

  it("can all be left", () => {
    const other = new Scope<number>("other")
    other.run(1, () =>
      organisation.unbounded(() =>
        outsideScopes(() => {
          assert.equal(organisation.isUnbounded, false)
          assert.throws(() => other.current, none)
        }),
      ),
    )
  })

  it("refuse columns that a table does not have", () => {
    const declare = (scope: unknown) => () => Storage(users, tables, { scope } as never)
    assert.throws(declare(organisation.column("organisationId")), { code: "DECLARATION" })
    assert.throws(declare(organisation.through("chat", organizations, "id")), { code: "DECLARATION" })
    assert.throws(declare(organisation.through("id", links, "chatId")), { code: "DECLARATION" })
    const readable = organisation.otherwise("org", organizations, {})
    assert.throws(declare(organisation.column("orgId", { readable } as never)), { code: "DECLARATION" })
  })
})

describe("storages in a scope", () => {
  forEachDatabase(tables, (place) => {
    let store: Store
    let plain: Storages<typeof plainStorages, typeof tables>
    let chatOfA: number
    let chatOfB: number
    let messageOfA: number
    let messageOfB: number

    beforeEach(async () => {
      store = place.db.storages(scopedStorages)
      plain = place.db.storages(plainStorages)
      await plain.organizations.createMany([
        { id: a, name: "A" },
        { id: b, name: "B" },
        { id: system, name: "System", isSystem: true },
      ])
      ;[chatOfA, chatOfB] = (
        await plain.chats.createMany([
          { orgId: a, title: "one" },
          { orgId: b, title: "two" },
        ])
      ).map(({ id }) => id) as [number, number]
      ;[messageOfA, messageOfB] = (
        await plain.messages.createMany([
          { chatId: chatOfA, code: "a1", body: "hello" },
          { chatId: chatOfB, code: "b1", body: "secret" },
        ])
      ).map(({ id }) => id) as [number, number]
    })

    const snapshot = async () => [
      await plain.chats.list({ withDeleted: true }),
      await plain.messages.list(),
      await plain.users.list(),
      await plain.organizations.list(),
      await plain.links.list(),
    ]

    it("reject every call outside of a scope, before any statement", async () => {
      const { chats, users } = store
      const calls: (() => Promise<unknown>)[] = [
        () => chats.get(chatOfA),
        () => chats.get(chatOfA, { with: { messages: true } }),
        () => chats.getOrFail(chatOfA),
        () => chats.getMany([chatOfA]),
        () => chats.getMany([]),
        () => chats.find({}),
        () => chats.list(),
        () => chats.page({ count: 1 }),
        () => chats.after(undefined, { limit: 1 }),
        () => chats.before(undefined, { limit: 1 }),
        () => chats.count(),
        () => chats.exists({}),
        () => chats.stream().next(),
        () => chats.create({ title: "x" }),
        () => chats.createMany([{ title: "x" }]),
        () => chats.createMany([]),
        () => chats.update(chatOfA, { title: "x" }),
        () => chats.update(chatOfA, {}),
        () => chats.updateWhere({}, { title: "x" }),
        () => chats.updateMany([{ id: chatOfA, title: "x" }]),
        () => chats.upsert({ title: "x" }, { by: ["orgId", "title"] }),
        () => chats.increment(chatOfA, { size: 1 }),
        () => chats.delete(chatOfA),
        () => chats.deleteWhere({}),
        () => chats.restore(chatOfA),
        () => chats.link(chatOfA, "members", []),
        () => chats.unlink(chatOfA, "members", []),
        () => users.names(),
      ]
      const statements = await queriesOf(place.db, async () => {
        for (const call of calls) await refuses(call, { code: "SCOPE" })
      })
      assert.deepEqual(statements, [])
      await transaction(() => refuses(chats.lock(chatOfA), { code: "SCOPE" }))
    })

    it("read no row of another value", async () => {
      await inA(async () => {
        for (const [storage, own, other] of [
          [store.chats, chatOfA, chatOfB],
          [store.messages, messageOfA, messageOfB],
        ] as unknown as [Store["messages"], number, number][]) {
          const where = { id: [own, other] }
          const ids = (rows: readonly { id: number }[]) => rows.map(({ id }) => id)
          assert.equal(await storage.get(other), undefined)
          assert.equal((await storage.get(own))?.id, own)
          assert.equal(await storage.get(other, { withDeleted: true }), undefined)
          await refuses(storage.getOrFail(other), { code: "NOT_FOUND" })
          assert.deepEqual(ids(await storage.getMany([other, own])), [own])
          assert.equal(await storage.find({ id: other }), undefined)
          assert.deepEqual(ids(await storage.list({ where })), [own])
          assert.deepEqual(ids(await storage.list({ where: { or: [{ id: own }, { id: other }] } })), [own])
          assert.equal((await storage.page({ count: 5 })).total, 1)
          assert.deepEqual(ids((await storage.after(undefined, { limit: 5 })).rows), [own])
          assert.deepEqual(ids((await storage.before(undefined, { limit: 5 })).rows), [own])
          assert.equal(await storage.count(), 1)
          assert.equal(await storage.exists({ id: other }), false)
          assert.deepEqual(ids(await collected(storage.stream())), [own])
          assert.equal(await transaction(() => storage.lock(other)), undefined)
          assert.equal((await transaction(() => storage.lock(own)))?.id, own)
        }
      })
    })

    it("change no row of another value", async () => {
      const before = await snapshot()
      await inA(async () => {
        const { chats, messages } = store
        await refuses(chats.update(chatOfB, { title: "x" }), { code: "NOT_FOUND" })
        await refuses(chats.update(chatOfB, { title: "x" }, { version: 9 }), { code: "NOT_FOUND" })
        await refuses(chats.update(chatOfB, {}), { code: "NOT_FOUND" })
        await refuses(messages.update(messageOfB, { body: "x" }), { code: "NOT_FOUND" })
        assert.equal(await chats.updateWhere({ id: chatOfB }, { title: "x" }), 0)
        assert.equal(await messages.updateWhere({ id: messageOfB }, { body: "x" }), 0)
        assert.equal(await chats.updateMany([{ id: chatOfB, title: "x" }]), 0)
        assert.equal(await messages.updateMany([{ id: messageOfB, body: "x" }]), 0)
        assert.equal(await chats.increment(chatOfB, { size: 1 }), undefined)
        assert.equal(await messages.increment(messageOfB, { stars: 1 }, { returning: false }), false)
        assert.equal(await chats.delete(chatOfB), false)
        assert.equal(await messages.delete(messageOfB), false)
        assert.equal(await chats.deleteWhere({ id: chatOfB }), 0)
        assert.equal(await messages.deleteWhere({ id: messageOfB }), 0)
        await refuses(chats.restore(chatOfB), { code: "NOT_FOUND" })
        await refuses(chats.upsert({ id: chatOfB, title: "x" }), { code: "UNIQUE", columns: ["id"] })
        await refuses(messages.upsert({ chatId: chatOfA, code: "b1", body: "x" }, { by: ["code"] }), {
          code: "UNIQUE",
          columns: ["code"],
        })
      })
      assert.deepEqual(await snapshot(), before)
    })

    it("change own rows as ever", async () => {
      await inA(async () => {
        const { chats, messages } = store
        assert.equal((await chats.update(chatOfA, { size: 1 }, { version: 0 })).version, 1)
        await refuses(chats.update(chatOfA, { size: 1 }, { version: 0 }), { code: "CONFLICT" })
        assert.equal(await messages.updateWhere({}, { body: "all" }), 1)
        assert.equal(await messages.updateMany([{ id: messageOfA, body: "many", stars: 2 }]), 1)
        assert.equal((await messages.increment(messageOfA, { stars: 1 }))?.stars, 3)
        const kept = await messages.upsert({ chatId: chatOfA, code: "a1", body: "put" }, { by: ["code"] })
        assert.deepEqual([kept.id, kept.body], [messageOfA, "put"])
        assert.equal(await chats.delete(chatOfA), true)
        assert.equal((await chats.restore(chatOfA)).id, chatOfA)
        assert.equal(await messages.delete(messageOfA), true)
      })
    })

    it("fill in the value where it is left out, and refuse another one whether or not it exists", async () => {
      await inA(async () => {
        assert.equal((await store.chats.create({ title: "new" })).orgId, a)
        assert.deepEqual(
          (await store.chats.createMany([{ title: "x" }, { title: "y", orgId: a.toUpperCase() }])).map(
            ({ orgId }) => orgId,
          ),
          [a, a],
        )
        assert.equal((await store.chats.upsert({ title: "z" }, { by: ["orgId", "title"] })).orgId, a)
        for (const orgId of [b, nobody]) {
          await refuses(store.chats.create({ title: "w", orgId }), { code: "SCOPE" })
          await refuses(store.chats.createMany([{ title: "w" }, { title: "v", orgId }]), { code: "SCOPE" })
          await refuses(store.chats.upsert({ title: "w", orgId }, { by: ["orgId", "title"] }), { code: "SCOPE" })
          await refuses(store.chats.update(chatOfA, { orgId }), { code: "SCOPE" })
          await refuses(store.chats.updateWhere({}, { orgId }), { code: "SCOPE" })
          await refuses(store.chats.updateMany([{ id: chatOfA, orgId }]), { code: "SCOPE" })
        }
        assert.equal((await store.chats.update(chatOfA, { orgId: a, size: 3 })).size, 3)
      })
      assert.equal(await plain.chats.count({ title: ["w", "v"] }), 0)
    })

    it("refuse a parent of another value as one that does not exist", async () => {
      await inA(async () => {
        const { messages } = store
        const refusals: string[][] = []
        for (const chatId of [chatOfB, 999_999]) {
          const expected = { code: "FOREIGN_KEY", table: "messages", columns: ["chatId"] }
          const errors = [
            await refuses(messages.create({ chatId, code: "n", body: "" }), expected),
            await refuses(
              messages.createMany([
                { chatId: chatOfA, code: "m", body: "" },
                { chatId, code: "n", body: "" },
              ]),
              expected,
            ),
            await refuses(messages.upsert({ chatId, code: "a1", body: "" }, { by: ["code"] }), expected),
            await refuses(messages.update(messageOfA, { chatId }), expected),
            await refuses(messages.updateWhere({}, { chatId }), expected),
            await refuses(messages.updateMany([{ id: messageOfA, chatId }]), expected),
          ]
          refusals.push(errors.map(({ message, cure }) => `${message} ${cure}`))
          await refuses(messages.update(messageOfB, { chatId }), { code: "NOT_FOUND" })
          assert.equal(await messages.updateWhere({ id: messageOfB }, { chatId }), 0)
          assert.equal(
            await messages.updateMany([
              { id: messageOfB, chatId },
              { id: messageOfA, stars: 1 },
            ]),
            1,
          )
        }
        assert.deepEqual(refusals[0], refusals[1])
        assert.equal((await messages.create({ chatId: chatOfA, code: "own", body: "" })).chatId, chatOfA)
      })
      assert.equal(await plain.messages.count({ chatId: chatOfB }), 1)
    })

    it("go through a column that declares no reference", async () => {
      const [ann, bob] = await plain.users.createMany([
        { orgId: a, name: "Ann" },
        { orgId: b, name: "Bob" },
      ])
      await inA(async () => {
        const made = await store.notices.create({ userId: ann!.id, text: "hi" })
        await refuses(store.notices.create({ userId: bob!.id, text: "hi" }), {
          code: "FOREIGN_KEY",
          columns: ["userId"],
        })
        await refuses(store.notices.create({ userId: null, text: "hi" }), { code: "FOREIGN_KEY" })
        await refuses(store.notices.create({ text: "hi" }), { code: "FOREIGN_KEY" })
        await refuses(store.notices.createMany([{ text: "hi" }]), { code: "FOREIGN_KEY" })
        await refuses(store.notices.update(made.id, { userId: null }), { code: "FOREIGN_KEY" })
        assert.equal(await store.notices.count(), 1)
      })
      await inB(async () => assert.equal(await store.notices.count(), 0))
    })

    it("read more than they write where more is readable", async () => {
      const helper = await plain.users.create({ orgId: system, name: "Helper" })
      const bob = await plain.users.create({ orgId: b, name: "Bob" })
      const before = await snapshot()
      await inA(async () => {
        const { users } = store
        assert.equal((await users.get(helper.id))?.name, "Helper")
        assert.equal(await users.get(bob.id), undefined)
        assert.deepEqual(
          (await users.list()).map(({ name }) => name),
          ["Helper"],
        )
        assert.equal(await users.count(), 1)
        assert.deepEqual(
          (await collected(users.stream())).map(({ name }) => name),
          ["Helper"],
        )
        await refuses(users.update(helper.id, { points: 1 }), { code: "NOT_FOUND" })
        await refuses(users.update(helper.id, {}), { code: "NOT_FOUND" })
        assert.equal(await users.updateWhere({}, { points: 1 }), 0)
        assert.equal(await users.updateMany([{ id: helper.id, points: 1 }]), 0)
        assert.equal(await users.increment(helper.id, { points: 1 }), undefined)
        assert.equal(await users.delete(helper.id), false)
        assert.equal(await users.deleteWhere({}), 0)
        await refuses(users.upsert({ id: helper.id, name: "x" }), { code: "UNIQUE" })
        await refuses(users.create({ orgId: system, name: "x" }), { code: "SCOPE" })
        assert.equal(await transaction(() => users.lock(helper.id)), undefined)
      })
      assert.deepEqual(await snapshot(), before)
    })

    it("take a function of the value for what is readable", async () => {
      class Public extends Storage(notices, tables, {
        scope: organisation.through("userId", users, "orgId", { readable: (own) => ({ text: `for ${own}` }) }),
      }) {}
      await plain.notices.createMany([{ text: `for ${a}` }, { text: `for ${b}` }])
      const storage = place.db.storage(Public)
      assert.deepEqual(
        (await inA(() => storage.list())).map(({ text }) => text),
        [`for ${a}`],
      )
    })

    it("keep a tenant to its own row", async () => {
      await inA(async () => {
        assert.deepEqual(
          (await store.organizations.list()).map(({ id }) => id),
          [a],
        )
        assert.equal((await store.organizations.update(a, { name: "AA" })).name, "AA")
        await refuses(store.organizations.update(b, { name: "x" }), { code: "NOT_FOUND" })
        await refuses(store.organizations.create({ id: nobody, name: "x" }), { code: "SCOPE" })
      })
      assert.equal((await organisation.run(nobody, () => store.organizations.create({ name: "N" }))).id, nobody)
    })

    it("load relations of the scope only, also along links", async () => {
      const [ann, bob, helper] = await plain.users.createMany([
        { orgId: a, name: "Ann" },
        { orgId: b, name: "Bob" },
        { orgId: system, name: "Helper" },
      ])
      const foreign = await plain.roles.create({ orgId: b, name: "of B" })
      await plain.users.update(ann!.id, { roleId: foreign.id })
      await plain.chats.link(chatOfA, "members", [ann!.id, bob!.id, helper!.id])
      await inA(async () => {
        const chat = await store.chats.getOrFail(chatOfA, {
          with: { organization: true, messages: true, members: { orderBy: { name: "asc" }, with: { role: true } } },
        })
        assert.equal(chat.organization.id, a)
        assert.deepEqual(
          chat.messages.map(({ id }) => id),
          [messageOfA],
        )
        assert.deepEqual(
          chat.members.map(({ name, role }) => [name, role]),
          [
            ["Ann", null],
            ["Helper", null],
          ],
        )
        const own = await store.organizations.getOrFail(a, { with: { chats: { limit: 9 } } })
        assert.deepEqual(
          own.chats.map(({ id }) => id),
          [chatOfA],
        )
        assert.equal((await store.users.getOrFail(helper!.id, { with: { organization: true } })).organization, null)
        const streamed = await collected(store.chats.stream({ with: { members: true } }))
        assert.equal(streamed[0]?.members.length, 2)
      })
      const all = await organisation.unbounded(() => store.chats.getOrFail(chatOfA, { with: { members: true } }))
      assert.equal(all.members.length, 3)
    })

    it("link own rows with rows that are to be seen", async () => {
      const [ann, bob, helper] = await plain.users.createMany([
        { orgId: a, name: "Ann" },
        { orgId: b, name: "Bob" },
        { orgId: system, name: "Helper" },
      ])
      await plain.chats.link(chatOfB, "members", [bob!.id])
      await inA(async () => {
        await store.chats.link(chatOfA, "members", [ann!.id, helper!.id])
        await refuses(store.chats.link(chatOfA, "members", [ann!.id, bob!.id]), {
          code: "FOREIGN_KEY",
          columns: ["userId"],
        })
        await refuses(store.chats.link(chatOfB, "members", [ann!.id]), { code: "FOREIGN_KEY", columns: ["chatId"] })
        assert.equal(await store.chats.unlink(chatOfB, "members", [bob!.id]), 0)
        assert.equal(await store.chats.unlink(chatOfA, "members", [helper!.id]), 1)
      })
      assert.deepEqual(
        (await plain.links.list()).map(({ chatId, userId }) => [chatId, userId]),
        [
          [chatOfA, ann!.id],
          [chatOfB, bob!.id],
        ],
      )
    })

    it("are as without a scope where all values are meant", async () => {
      await organisation.unbounded(async () => {
        assert.equal(await store.chats.count(), 2)
        assert.equal((await store.messages.get(messageOfB))?.body, "secret")
        assert.equal((await store.messages.update(messageOfA, { chatId: chatOfB })).chatId, chatOfB)
        assert.equal((await store.chats.update(chatOfA, { orgId: b })).orgId, b)
        await refuses(store.chats.create({ title: "x" }), { code: "NOT_NULL", columns: ["orgId"] })
        await store.users.create({ orgId: b, name: "Bob" })
        await refuses(store.users.names(), { code: "SCOPE" })
      })
    })

    it("give their class SQL where a scope is set", async () => {
      await plain.users.createMany([
        { orgId: a, name: "Ann" },
        { orgId: b, name: "Bob" },
      ])
      assert.deepEqual(await inA(() => store.users.names()), [{ name: "Ann" }])
    })

    it("keep the value in transactions and in work after them", async () => {
      const titles: string[] = []
      await inA(() =>
        transaction(async () => {
          afterCommit(async () => {
            for (const { title } of await store.chats.list()) titles.push(title)
          })
          await store.chats.create({ title: "three" })
          await transaction(() => store.chats.create({ title: "four" }), { nested: true })
        }),
      )
      assert.deepEqual(titles, ["one", "three", "four"])
    })

    it("stream the rows of the scope in which the stream was asked for", async () => {
      const rows = organisation.run(a, () => store.messages.stream({ with: { chat: true } }))
      const all = await inB(() => collected(rows))
      assert.deepEqual(
        all.map(({ id, chat }) => [id, chat.id]),
        [[messageOfA, chatOfA]],
      )
    })

    it("make a plan once for all values", async () => {
      const statements = new Set<string>()
      const stop = place.db.on("query", ({ sql }) => statements.add(sql))
      for (const id of [a, b, nobody]) {
        await organisation.run(id, () => store.messages.list({ where: { chatId: chatOfA }, limit: 1 }))
      }
      stop()
      assert.equal(statements.size, 1)
    })

    it("take a value of the wrong type for no value of any row", async () => {
      await refuses(
        organisation.run("no uuid", () => store.chats.list()),
        { code: "VALIDATION" },
      )
    })
  })
})
