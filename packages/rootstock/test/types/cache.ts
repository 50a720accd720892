import {
  type Cache,
  type CachedRows,
  cacheResult,
  cacheRows,
  invalidates,
  openCache,
  tagsOf,
} from "../../src/cache/index.ts"
import type { Row } from "../../src/index.ts"
import { Storage } from "../../src/storage/index.ts"
import { type Given, same } from "./equal.ts"
import { chats, db, members, messages, store, UserStorage, users } from "./tables.ts"

// What is cached of rows.
export const userCache = cacheRows(UserStorage, { key: "user:{id}", ttl: "1h", onWrite: "invalidate" })
export const chatCache = cacheRows(Storage(chats), { key: "chat:{id}", ttl: "10m", onWrite: "refresh", softTtl: 1_000 })
same<typeof userCache, CachedRows>()
cacheRows(UserStorage, { key: "user:{id}", ttl: "500ms", negativeTtl: "30s", jitter: 0.1 })
// @ts-expect-error no time to live
cacheRows(UserStorage, { key: "user:{id}" })
// @ts-expect-error no duration
cacheRows(UserStorage, { key: "user:{id}", ttl: "1 hour" })
// @ts-expect-error nothing that a write can do
cacheRows(UserStorage, { key: "user:{id}", ttl: "1h", onWrite: "renew" })
// @ts-expect-error a table is no storage
cacheRows(users, { key: "user:{id}", ttl: "1h" })

// What is cached of functions: their arguments and results stay what they are.
const chatRows = tagsOf(chats)
const memberRows = tagsOf(members)
export const chatDetail = cacheResult(
  "chat:{id}:detail",
  { ttl: "1h", tags: (id) => [chatRows.row(id), memberRows.where({ chatId: id })] },
  async (id: number) => ({ chat: await store.chats.get(id), size: await store.members.count({ chatId: id }) }),
)
same<typeof chatDetail extends (...values: infer A) => unknown ? A : never, [id: number]>()
same<Given<typeof chatDetail>, { chat: Row<typeof chats> | undefined; size: number }>()
same<ReturnType<typeof chatDetail.key>, string>()
await chatDetail(7)
await chatDetail.forget(7)
// @ts-expect-error the argument is a number
await chatDetail("7")
// @ts-expect-error the argument is a number
chatDetail.key("7")
// @ts-expect-error an argument is missing
await chatDetail.forget()

const seatOf = cacheResult(
  "seat:{chat}:{user}",
  { ttl: "1h", tags: (chatId, userId) => [memberRows.row({ chatId, userId })] },
  (chatId: number, userId: number) => store.members.get({ chatId, userId }),
)
same<Given<typeof seatOf>, Row<typeof members> | undefined>()
const since = cacheResult("messages:{since}", { ttl: "1m" }, (at: Date) =>
  store.messages.count({ createdAt: { gte: at } }),
)
same<Given<typeof since>, number>()
const plain = cacheResult("motd", { ttl: "1m" }, () => "hello")
same<Given<typeof plain>, string>()
// @ts-expect-error an object is no part of a key
cacheResult("x:{id}", { ttl: "1h" }, async (of: { id: number }) => of.id)
// @ts-expect-error the tags know one argument
cacheResult("x:{id}", { ttl: 1, tags: (...ids) => [chatRows.row(ids[1])] }, async (id: number) => id)

// Tags go by columns and their values.
memberRows.where({ chatId: 1, role: "reader" })
memberRows.row({ chatId: 1, userId: 2 })
tagsOf(messages).row("00000000-0000-4000-8000-000000000000")
tagsOf(users).where({ description: null, isActive: true, createdAt: new Date(0), large: 1n })
// @ts-expect-error the key is a number
chatRows.row("1")
// @ts-expect-error half a key
memberRows.row({ chatId: 1 })
// @ts-expect-error no such column
chatRows.where({ nope: 1 })
// @ts-expect-error of another type
memberRows.where({ chatId: "1" })
// @ts-expect-error the column is not nullable
chatRows.where({ title: null })

// Functions that make results old.
export const setTitle = invalidates(["chat:{id}:detail"], async (id: number, title: string) =>
  store.chats.update(id, { title }),
)
same<typeof setTitle, (id: number, title: string) => Promise<Row<typeof chats>>>()
const setAll = invalidates(
  (ids: number[], _title: string) => ids.map((id) => chatDetail.key(id)),
  (ids: number[], title: string) => store.chats.updateWhere({ id: ids }, { title }),
)
same<typeof setAll, (ids: number[], title: string) => Promise<number>>()
// @ts-expect-error the title is missing
await setTitle(1)
// @ts-expect-error keys are texts
invalidates([1], async (id: number) => id)

// An opened cache.
const cache = await openCache(db, { url: "memory:", caches: [userCache, chatCache, chatDetail, seatOf, since, plain] })
same<typeof cache, Cache>()
same<Given<ReturnType<typeof cache.result<[id: number], number>>>, number>()
const ofThis = cache.result(chatDetail)
same<typeof ofThis, (id: number) => Promise<{ chat: Row<typeof chats> | undefined; size: number }>>()
await cache.forget([chatDetail.key(1)])
await cache.forgetTables(users, chats)
// @ts-expect-error a storage is no table
await cache.forgetTables(UserStorage)
// @ts-expect-error a storage is nothing that is cached
await openCache(db, { caches: [UserStorage] })
// @ts-expect-error no such bound
await openCache(db, { caches: [], memory: { items: 5 } })

// Rows from the cache are of the same type as those from the database.
const user = await store.users.get(1)
same<typeof user, Row<typeof users> | undefined>()
