import {
  boolean,
  check,
  identity,
  index,
  integer,
  json,
  table,
  text,
  timestamp,
} from "../../../packages/rootstock/src/schema/index.ts"
import type { Message, Order, Product, Profile } from "./rows.ts"

const users = table("users", {
  id: identity(),
  username: text().unique(),
  email: text().unique(),
  description: text().nullable(),
  profile: json<Profile>(),
  isActive: boolean(),
  loginCount: integer(),
  createdAt: timestamp(),
  updatedAt: timestamp().nullable(),
})

const chats = table("chats", {
  id: identity(),
  ownerId: integer().references(() => users.id, { onDelete: "cascade" }),
  title: text(),
  isArchived: boolean(),
  createdAt: timestamp(),
})

const messageColumns = () => ({
  id: identity(),
  chatId: integer().references(() => chats.id, { onDelete: "cascade" }),
  senderId: integer().nullable(),
  kind: text(),
  content: text(),
  isPinned: boolean(),
  meta: json<NonNullable<Message["meta"]>>().nullable(),
  createdAt: timestamp(),
  editedAt: timestamp().nullable(),
})

const messages = table("messages", messageColumns(), (t) => [
  index(t.chatId, t.createdAt.desc()),
  index(t.createdAt, t.id),
])

const imports = table("imports", messageColumns())

const products = table(
  "products",
  {
    id: identity(),
    name: text().unique(),
    description: text().nullable(),
    priceCents: integer(),
    stockQuantity: integer(),
    isActive: boolean(),
    attributes: json<Product["attributes"]>(),
    createdAt: timestamp(),
  },
  () => [check("stock", "stock_quantity >= 0")],
)

const orders = table("orders", {
  id: identity(),
  userId: integer().references(() => users.id),
  status: text(),
  totalCents: integer(),
  address: json<Order["address"]>(),
  note: text().nullable(),
  isPaid: boolean(),
  createdAt: timestamp(),
})

const orderItems = table("order_items", {
  id: identity(),
  orderId: integer().references(() => orders.id, { onDelete: "cascade", many: "items" }),
  productId: integer().references(() => products.id),
  quantity: integer(),
  priceCents: integer(),
  productName: text(),
})

/**
 * The tables of the bench, declared for Rootstock. All contestants work on what it makes of them: STRICT tables with
 * ISO 8601 text for instants on SQLite; bigint, timestamptz(3) and jsonb on PostgreSQL; the same keys, checks and indexes.
 */
export const tables = { users, chats, messages, imports, products, orders, orderItems }
