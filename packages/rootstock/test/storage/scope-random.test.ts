import assert from "node:assert/strict"
import { describe, it } from "node:test"
import fc from "fast-check"
import { cacheRows, openCache } from "../../src/cache/index.ts"
import { type Database, manualClock, openDatabase, type Storages, transaction } from "../../src/index.ts"
import { createSchema } from "../../src/migrate/index.ts"
import { inProcess } from "../cache/support/place.ts"
import { forEachEngine } from "../support/index.ts"
import {
  ChatStorage,
  MessageStorage,
  organisation,
  plainStorages,
  RoleStorage,
  scopedStorages,
  tables,
  UserStorage,
} from "./scope-tables.ts"
import { plainSql } from "./sql.ts"

const tenants = ["00000000-0000-7000-8000-00000000000a", "00000000-0000-7000-8000-00000000000b"] as const
const system = "00000000-0000-7000-8000-00000000000c"

type Plain = Storages<typeof plainStorages, typeof tables>
type Scoped = Storages<typeof scopedStorages, typeof tables>
type Call = { readonly tenant: 0 | 1; readonly inTransaction: boolean; readonly kind: string } & Choices
type Choices = {
  readonly one: number
  readonly two: number
  readonly parent: number
  readonly word: string
  readonly amount: number
}

/** Keys of both tenants, and some of rows that are not there. Each tenant makes rows under keys of its own parity. */
const key = fc.integer({ min: 1, max: 8 })
const ownKey = (tenant: number, any: number): number => any - ((any + tenant) % 2) + 2

const kinds = ["get", "list", "find", "page", "keyset", "count", "exists", "stream", "lock", "with", "create"]
  .concat(["createMany", "update", "version", "updateWhere", "updateMany", "upsert", "increment"])
  .concat(["delete", "deleteWhere", "restore", "create", "create", "move", "users", "changeUsers", "link", "unlink"])

const call: fc.Arbitrary<Call> = fc.record({
  tenant: fc.constantFrom(0 as const, 1 as const),
  inTransaction: fc.boolean(),
  kind: fc.constantFrom(...kinds),
  one: key,
  two: key,
  parent: key,
  word: fc.constantFrom("p", "q", "r"),
  amount: fc.integer({ min: -2, max: 2 }),
})

/** What a call did: its answer, or the code of its error. */
type Outcome = { readonly value: unknown } | { readonly code: string }

async function outcomeOf(work: () => Promise<unknown>): Promise<Outcome> {
  try {
    return { value: await work() }
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === undefined) throw error
    return { code }
  }
}

async function collected(rows: AsyncIterable<unknown>): Promise<unknown[]> {
  const all: unknown[] = []
  for await (const row of rows) all.push(row)
  return all
}

/**
 * Carries a call out. `own` narrows what changes users: readable ones may not be changed, which a database without
 * scopes does not know. `orgId` is left out where a scope fills it in.
 */
async function perform(
  store: Plain | Scoped,
  { kind, one, two, parent, word, amount, tenant }: Call,
  orgId: string,
  isScoped: boolean,
): Promise<unknown> {
  const { chats, messages, users } = store as Plain
  const given = isScoped ? ({} as { orgId: string }) : { orgId }
  const own = isScoped ? {} : { orgId }
  const code = `${tenant}${word}`
  switch (kind) {
    case "get":
      return [await chats.get(one), await messages.get(two), await chats.get(one, { withDeleted: true })]
    case "list":
      return [
        await chats.list({
          where: { or: [{ id: one }, { title: word }, { size: { gte: amount } }] },
          withDeleted: true,
        }),
        await messages.list({ where: { chatId: parent }, orderBy: { createdAt: "desc" }, limit: 3 }),
        await messages.getMany([one, two, one]),
      ]
    case "find":
      return [
        await chats.find({ title: word }),
        await messages.find({ stars: { gt: amount } }, { with: { chat: true } }),
      ]
    case "page":
      return messages.page({ where: { id: { gte: one } }, count: 2, page: 2 })
    case "keyset": {
      const first = await messages.after(undefined, { orderBy: { body: "desc" }, limit: 1 })
      return [first, await messages.after(first.next, { orderBy: { body: "desc" }, limit: 2 })]
    }
    case "count":
      return [await chats.count(), await messages.count({ chatId: [one, two, parent] })]
    case "exists":
      return [await chats.exists({ title: word }, { except: one }), await messages.exists({ id: two })]
    case "stream":
      return collected(messages.stream({ where: { id: { lte: one } }, with: { chat: true } }))
    case "lock":
      return transaction(async () => [await chats.lock(one), await messages.lock(two)])
    case "with":
      return chats.list({ with: { messages: { limit: 2 }, members: { with: { role: true } }, organization: true } })
    case "create":
      return amount > 0
        ? chats.create({ id: ownKey(tenant, one), title: word, ...given })
        : messages.create({ id: ownKey(tenant, one), chatId: parent, code, body: word })
    case "createMany":
      return messages.createMany([
        { id: ownKey(tenant, one), chatId: parent, code, body: word },
        { id: ownKey(tenant, one) + 2, chatId: two, code: `${code}2`, body: word },
      ])
    case "update":
      return [await messages.update(two, { body: word }), await chats.update(one, { size: amount })]
    case "version":
      return chats.update(one, { size: amount }, { version: two % 3 })
    case "updateWhere":
      return [
        await chats.updateWhere({ id: { gte: one } }, { size: amount }),
        await messages.updateWhere({ body: word }, { stars: amount }),
      ]
    case "updateMany":
      return messages.updateMany([
        { id: one, stars: amount },
        ...(one === two ? [] : [{ id: two, body: word, chatId: parent }]),
      ])
    case "upsert":
      return amount > 0
        ? chats.upsert({ title: word, size: amount, id: ownKey(tenant, one), ...given }, { by: ["orgId", "title"] })
        : messages.upsert({ id: ownKey(tenant, one), chatId: parent, code, body: word }, { by: ["code"] })
    case "increment":
      return [
        await chats.increment(one, { size: amount }),
        await messages.increment(two, { stars: amount }, { returning: false }),
      ]
    case "delete":
      return [await messages.delete(one), await chats.delete(two)]
    case "deleteWhere":
      return amount > 1 ? chats.deleteWhere({ id: { lte: one } }) : messages.deleteWhere({ stars: { gt: amount } })
    case "restore":
      return chats.restore(one)
    case "move":
      return amount > 0
        ? messages.update(one, { chatId: parent })
        : messages.updateWhere({ id: [one, two] }, { chatId: parent })
    case "users":
      return [await users.get(one), await users.list({ with: { role: true } }), await users.count({ points: amount })]
    case "changeUsers": {
      if (amount > 1) return users.create({ id: 100 + ownKey(tenant, one), name: word, email: code, ...given })
      if (amount > 0) return users.updateWhere({ name: word, ...own }, { points: two })
      if (amount < 0) return users.increment(one, { points: two }, { where: own })
      return users.deleteWhere({ id: [one, 100 + two], ...own })
    }
    case "link":
      return chats.link(one, "members", [two])
    default:
      return chats.unlink(one, "members", [two])
  }
}

/** A reference is checked before the statement in a scope, and behind unique constraints in the database. */
function isSame(scoped: Outcome, plain: Outcome): boolean {
  const refusals = ["UNIQUE", "FOREIGN_KEY"]
  return "code" in scoped && "code" in plain && refusals.includes(scoped.code) && refusals.includes(plain.code)
}

const caches = [
  cacheRows(ChatStorage, { key: "chat:{id}", ttl: "1h", negativeTtl: "1m" }),
  cacheRows(MessageStorage, { key: "message:{id}", ttl: "1h", negativeTtl: "1m", onWrite: "refresh" }),
  cacheRows(UserStorage, { key: "user:{id}", ttl: "1h", negativeTtl: "1m" }),
  cacheRows(RoleStorage, { key: "role:{id}", ttl: "1h" }),
]

describe("random calls of two tenants", () => {
  forEachEngine((engine) => {
    for (const cached of [false, true]) {
      it(`answer as a database of their own does, ${cached ? "with" : "without"} a cache`, async () => {
        await using stack = new AsyncDisposableStack()
        const clock = manualClock(new Date("2026-01-01T00:00:00Z"))
        const open = async (): Promise<{ db: Database<typeof tables>; url: string }> => {
          const temporary = stack.use(await engine.temporaryDatabase())
          await createSchema(temporary.url, tables)
          const db = await openDatabase(temporary.url, { tables, clock, nPlusOne: { mode: "off" } })
          stack.use(db)
          return { db, url: temporary.url }
        }
        const { db, url } = await open()
        const twins = [(await open()).db, (await open()).db]
        const everything = db.storages(plainStorages)
        const scoped = db.storages(scopedStorages)
        const plain = twins.map((twin) => twin.storages(plainStorages)) as [Plain, Plain]
        if (cached) {
          const cache = await openCache(db as unknown as Database, { url: inProcess(url), caches })
          stack.defer(() => cache.close())
        }
        const fill = async (one: Database<typeof tables>, store: Plain, orgs: readonly string[]) => {
          for (const name of [...one.registry.byName.keys()].reverse())
            await one.execute(plainSql(`DELETE FROM "${name}"`))
          const known = ({ orgId }: { orgId: string }) => orgs.includes(orgId)
          await store.organizations.createMany(orgs.map((id) => ({ id, name: id, isSystem: id === system })))
          await store.roles.createMany(
            [...tenants, system].map((orgId, id) => ({ id, orgId, name: "any" })).filter(known),
          )
          const people = [
            { id: 1, orgId: tenants[0], name: "p", roleId: 0 },
            { id: 2, orgId: tenants[1], name: "p", roleId: 1 },
            { id: 3, orgId: tenants[0], name: "q" },
            { id: 4, orgId: tenants[1], name: "q" },
            { id: 5, orgId: system, name: "p", points: 1, roleId: 2 },
          ]
          await store.users.createMany(people.filter(known))
        }
        await fc.assert(
          fc.asyncProperty(fc.array(call, { minLength: 10, maxLength: 40 }), async (calls) => {
            await fill(db, everything, [...tenants, system])
            for (const at of [0, 1] as const) await fill(twins[at] as typeof db, plain[at], [tenants[at], system])
            for (const one of calls) {
              clock.advance(1_000)
              const orgId = tenants[one.tenant]
              const within = (work: () => Promise<unknown>) => (one.inTransaction ? transaction(work) : work())
              const actual = await outcomeOf(() =>
                organisation.run(orgId, () => within(() => perform(scoped, one, orgId, true))),
              )
              const expected = await outcomeOf(() => within(() => perform(plain[one.tenant], one, orgId, false)))
              if (!isSame(actual, expected)) assert.deepEqual(actual, expected, JSON.stringify(one))
            }
            for (const name of ["chats", "messages", "users", "links"] as const) {
              const rowsOf = (store: Plain) => (store[name] as Plain["chats"]).list({ withDeleted: true })
              const shared = (rows: readonly unknown[]) => rows.map((row) => JSON.stringify(row))
              const both = [...shared(await rowsOf(plain[0])), ...shared(await rowsOf(plain[1]))]
              assert.deepEqual(new Set(shared(await rowsOf(everything))), new Set(both), name)
            }
          }),
          { numRuns: 25 },
        )
      })
    }
  })
})
