import {
  bigint,
  boolean,
  bytes,
  choice,
  date,
  decimal,
  identity,
  index,
  integer,
  json,
  list,
  now,
  real,
  table,
  text,
  time,
  timestamp,
  uuid,
} from "../../src/schema/index.ts"
import { openDatabase, Storage } from "../../src/storage/index.ts"

export type Profile = { theme?: "dark" | "light"; visits?: number }

export const users = table("users", {
  id: identity(),
  username: text({ max: 150 }).unique(),
  description: text().nullable(),
  profile: json<Profile>().default({}),
  isActive: boolean().default(true),
  score: real(),
  balance: decimal(10, 2).default("0.00"),
  large: bigint().default(0n),
  role: choice("admin", "member").default("member"),
  tags: list(text()).default([]),
  avatar: bytes().nullable(),
  born: date().nullable(),
  wakes: time().nullable(),
  managerId: integer().nullable().references("id", { as: "manager", many: "reports" }),
  upperName: text().generated("upper(username)"),
  createdAt: timestamp().default(now),
  updatedAt: timestamp().nullable().onUpdate(now),
})

export const chats = table("chats", {
  id: identity(),
  ownerId: integer().references(() => users.id, { many: "ownedChats" }),
  lastEditorId: integer()
    .nullable()
    .references(() => users.id, { many: "editedChats" }),
  title: text(),
})

export const messages = table(
  "messages",
  {
    id: uuid().primaryKey(),
    chatId: integer().references(() => chats.id, { onDelete: "cascade" }),
    content: text(),
    createdAt: timestamp().default(now),
  },
  (t) => [index(t.chatId, t.createdAt.desc())],
)

export const members = table("members", {
  chatId: integer()
    .references(() => chats.id, { many: "chatMembers", across: "chats" })
    .primaryKey(),
  userId: integer()
    .references(() => users.id, { across: "participants" })
    .primaryKey(),
  role: choice("reader", "writer").default("reader"),
})

export const transfers = table("transfers", {
  id: identity(),
  fromId: integer().references(() => users.id),
  toId: integer().references(() => users.id),
})

export const tables = { users, chats, messages, members, transfers }

export class UserStorage extends Storage(users) {
  byName(username: string) {
    return this.find({ username })
  }
}

export class MessageStorage extends Storage(messages, tables) {
  latest(chatId: number, limit = 50) {
    return this.list({ where: { chatId }, orderBy: { createdAt: "desc" }, limit, with: { chat: true } })
  }
}

export const db = await openDatabase("sqlite::memory:", { tables })

export const store = db.storages({
  users: UserStorage,
  chats: Storage(chats),
  messages: MessageStorage,
  members: Storage(members),
})
