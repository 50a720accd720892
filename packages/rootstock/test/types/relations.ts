import type { Row } from "../../src/index.ts"
import { type Given, same } from "./equal.ts"
import { type chats, db, type members, type messages, store, UserStorage, type users } from "./tables.ts"

type User = Row<typeof users>
type Chat = Row<typeof chats>
type Message = Row<typeof messages>
type Member = Row<typeof members>

// Without relations a row is a row.
same<Given<typeof plain>, Chat[]>()
const plain = () => store.chats.list({ where: { title: "x" } })
same<Given<typeof one>, Chat | undefined>()
const one = () => store.chats.get(1)
same<Given<typeof known>, Chat>()
const known = () => store.chats.getOrFail(1)

// To one: null only where the reference may be.
const owners = () => store.chats.list({ with: { owner: true, lastEditor: true } })
same<Given<typeof owners>, (Chat & { owner: User; lastEditor: User | null })[]>()
const managers = () => store.users.get(1, { with: { manager: true } })
same<Given<typeof managers>, (User & { manager: User | null }) | undefined>()

// To many: by the table's key, or by the name that the reference gives.
const many = () =>
  store.chats.list({ with: { messages: { limit: 3, orderBy: { createdAt: "desc" } }, chatMembers: true } })
same<Given<typeof many>, (Chat & { messages: Message[]; chatMembers: Member[] })[]>()
const twins = () => store.users.getOrFail(1, { with: { ownedChats: true, editedChats: true, reports: true } })
same<Given<typeof twins>, User & { ownedChats: Chat[]; editedChats: Chat[]; reports: User[] }>()

// Across a link table, from both ends.
const across = () => store.chats.getMany([1], { with: { participants: { where: { isActive: true } } } })
same<Given<typeof across>, (Chat & { participants: User[] })[]>()
const back = () => store.users.find({ id: 1 }, { with: { chats: true } })
same<Given<typeof back>, (User & { chats: Chat[] }) | undefined>()

// Nested.
const nested = () =>
  store.chats.list({
    with: {
      owner: { with: { manager: { with: { reports: true } } } },
      messages: { with: { chat: { with: { owner: true } } } },
    },
  })
same<
  Given<typeof nested>,
  (Chat & {
    owner: User & { manager: (User & { reports: User[] }) | null }
    messages: (Message & { chat: Chat & { owner: User } })[]
  })[]
>()

// In all calls that read.
const paged = () => store.chats.page({ count: 10, with: { owner: true } })
same<Given<typeof paged>, { rows: (Chat & { owner: User })[]; total: number }>()
const behind = () => store.chats.after(undefined, { limit: 10, with: { owner: true } })
same<
  Given<typeof behind>,
  { rows: (Chat & { owner: User })[]; next: string | undefined; previous: string | undefined }
>()
for await (const chat of store.chats.stream({ with: { owner: true } })) same<typeof chat, Chat & { owner: User }>()

// What was not loaded is not there.
const [chat] = await store.chats.list({ with: { owner: true } })
// @ts-expect-error the relation was not loaded
chat?.messages
// @ts-expect-error the relation of the relation was not loaded
chat?.owner.manager
// @ts-expect-error nothing was loaded
;(await store.chats.get(1))?.owner

// What does not exist cannot be loaded.
// @ts-expect-error an unknown relation
await store.chats.list({ with: { nope: true } })
// @ts-expect-error an unknown relation beside a known one
await store.chats.list({ with: { owner: true, nope: true } })
// @ts-expect-error a relation of another table
await store.chats.list({ with: { reports: true } })
// @ts-expect-error an unknown relation below
await store.chats.list({ with: { owner: { with: { nope: true } } } })
// @ts-expect-error a column is no relation
await store.chats.list({ with: { title: true } })
// @ts-expect-error the condition is one of the related table
await store.chats.list({ with: { messages: { where: { title: "x" } } } })
// @ts-expect-error the order is one of the related table
await store.chats.list({ with: { messages: { orderBy: { title: "asc" } } } })
// @ts-expect-error one row has no limit
await store.chats.list({ with: { owner: { limit: 1 } } })
// @ts-expect-error several references to one table have the names that they give, or none
await store.users.list({ with: { transfers: true } })

// Links.
await store.chats.link(1, "participants", [1, 2])
await store.users.unlink(1, "chats", [1])
// @ts-expect-error not a relation across a link table
await store.chats.link(1, "messages", [1])
// @ts-expect-error the keys of users are numbers
await store.chats.link(1, "participants", ["1"])

// A storage's own calls stay, and know their relations.
const byName = () => store.users.byName("jane")
same<Given<typeof byName>, User | undefined>()
const latest = () => store.messages.latest(1)
same<Given<typeof latest>, (Message & { chat: Chat })[]>()
// @ts-expect-error a wrong parameter of an own call
await store.users.byName(1)
// @ts-expect-error no such call
await store.users.byMail("x")
// @ts-expect-error no such storage
store.nope
const others = db.storages({ users: UserStorage })
// @ts-expect-error storages are not replaced
store.users = others.users

// Kysely, by keys.
const free = () =>
  db.sql.selectFrom("users").select(["id", "username", "createdAt", "tags"]).where("isActive", "=", true).execute()
same<Given<typeof free>, { id: number; username: string; createdAt: Date; tags: string[] }[]>()
const joined = () =>
  db.sql
    .selectFrom("messages")
    .innerJoin("chats", "chats.id", "messages.chatId")
    .select(["messages.content", "chats.ownerId"])
    .executeTakeFirst()
same<Given<typeof joined>, { content: string; ownerId: number } | undefined>()
// @ts-expect-error an unknown table
db.sql.selectFrom("nope")
// @ts-expect-error an unknown column
db.sql.selectFrom("users").select("nope")
// @ts-expect-error columns go by their keys
db.sql.selectFrom("users").select("is_active")
// @ts-expect-error a wrong type
db.sql.updateTable("users").set({ isActive: "yes" })
// @ts-expect-error a generated column is never given
db.sql.updateTable("users").set({ upperName: "JANE" })
