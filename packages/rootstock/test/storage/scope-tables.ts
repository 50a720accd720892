import { Scope, Storage } from "../../src/index.ts"
import { boolean, identity, index, integer, now, table, text, timestamp, unique, uuid } from "../../src/schema/index.ts"

/** A tenancy as a system has it: organisations, rows with their key, and rows of such rows. */
export const organisation = new Scope<string>("organisation")

export const organizations = table("organizations", {
  id: uuid().primaryKey(),
  name: text({ max: 40 }),
  isSystem: boolean().default(false),
})

export const roles = table("roles", {
  id: identity(),
  orgId: uuid().references(() => organizations.id),
  name: text({ max: 40 }),
})

export const users = table(
  "users",
  {
    id: identity(),
    orgId: uuid().references(() => organizations.id, { as: "organization" }),
    name: text({ max: 40 }),
    email: text().nullable().unique(),
    points: integer().default(0),
    roleId: integer()
      .nullable()
      .references(() => roles.id, { as: "role", many: "users" }),
  },
  (t) => [unique(t.orgId, t.name)],
)

export const chats = table(
  "chats",
  {
    id: identity(),
    orgId: uuid().references(() => organizations.id, { as: "organization" }),
    title: text({ max: 40 }),
    size: integer().default(0),
    version: integer().default(0),
    deletedAt: timestamp().nullable(),
  },
  (t) => [unique(t.orgId, t.title)],
  { softDelete: "deletedAt", version: "version" },
)

export const messages = table(
  "messages",
  {
    id: identity(),
    chatId: integer().references(() => chats.id, { onDelete: "cascade" }),
    code: text().unique(),
    body: text(),
    stars: integer().default(0),
    createdAt: timestamp().default(now),
  },
  (t) => [index(t.chatId, t.createdAt.desc())],
)

/** The user is named without a declared reference. */
export const notices = table("notices", { id: identity(), userId: integer().nullable(), text: text() })

export const links = table("links", {
  chatId: integer()
    .references(() => chats.id, { onDelete: "cascade", across: "chats", many: "userLinks" })
    .primaryKey(),
  userId: integer()
    .references(() => users.id, { onDelete: "cascade", across: "members", many: "chatLinks" })
    .primaryKey(),
})

export const tables = { organizations, roles, users, chats, messages, notices, links }

const readable = organisation.otherwise("orgId", organizations, { isSystem: true })

export class OrgStorage extends Storage(organizations, tables, { scope: organisation.column("id") }) {}
export class RoleStorage extends Storage(roles, tables, { scope: organisation.column("orgId", { readable }) }) {}
export class UserStorage extends Storage(users, tables, { scope: organisation.column("orgId", { readable }) }) {
  async names() {
    return this.sql.selectFrom("users").select("name").where("orgId", "=", organisation.current).execute()
  }
}
export class ChatStorage extends Storage(chats, tables, { scope: organisation.column("orgId") }) {}
export class MessageStorage extends Storage(messages, tables, {
  scope: organisation.through("chatId", chats, "orgId"),
}) {}
export class NoticeStorage extends Storage(notices, tables, {
  scope: organisation.through("userId", users, "orgId"),
}) {}

export const scopedStorages = {
  organizations: OrgStorage,
  roles: RoleStorage,
  users: UserStorage,
  chats: ChatStorage,
  messages: MessageStorage,
  notices: NoticeStorage,
}

/** The same tables without a scope. */
export const plainStorages = {
  organizations: class extends Storage(organizations, tables) {},
  roles: class extends Storage(roles, tables) {},
  users: class extends Storage(users, tables) {},
  chats: class extends Storage(chats, tables) {},
  messages: class extends Storage(messages, tables) {},
  notices: class extends Storage(notices, tables) {},
  links: class extends Storage(links, tables) {},
}
