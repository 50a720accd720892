import Database from "better-sqlite3"
import { and, asc, desc, eq, gte, relations, sql } from "drizzle-orm"
import { drizzle } from "drizzle-orm/better-sqlite3"
import { customType, integer, sqliteTable, text } from "drizzle-orm/sqlite-core"
import type { Message, NewMessage, Order, OrderWithItems, Product, Profile, User } from "../schema/rows.ts"
import { type Contestant, type OpenOptions, OutOfStock } from "./contract.ts"

/** Drizzle has no column type for ISO 8601 text that reads as Date; this is its documented way to add one. */
const instant = customType<{ data: Date; driverData: string | null }>({
  dataType: () => "text",
  fromDriver: (value) => new Date(value as string),
  // A placeholder's null reaches the encoder too.
  toDriver: (value: Date | null) => (value === null ? null : value.toISOString()),
})

export const users = sqliteTable("users", {
  id: integer().primaryKey({ autoIncrement: true }),
  username: text().notNull(),
  email: text().notNull(),
  description: text(),
  profile: text({ mode: "json" }).$type<Profile>().notNull(),
  isActive: integer("is_active", { mode: "boolean" }).notNull(),
  loginCount: integer("login_count").notNull(),
  createdAt: instant("created_at").notNull(),
  updatedAt: instant("updated_at"),
})

const messageColumns = () => ({
  id: integer().primaryKey({ autoIncrement: true }),
  chatId: integer("chat_id").notNull(),
  senderId: integer("sender_id"),
  kind: text().notNull(),
  content: text().notNull(),
  isPinned: integer("is_pinned", { mode: "boolean" }).notNull(),
  meta: text({ mode: "json" }).$type<NonNullable<Message["meta"]>>(),
  createdAt: instant("created_at").notNull(),
  editedAt: instant("edited_at"),
})
const messages = sqliteTable("messages", messageColumns())
const imports = sqliteTable("imports", messageColumns())

const products = sqliteTable("products", {
  id: integer().primaryKey({ autoIncrement: true }),
  name: text().notNull(),
  description: text(),
  priceCents: integer("price_cents").notNull(),
  stockQuantity: integer("stock_quantity").notNull(),
  isActive: integer("is_active", { mode: "boolean" }).notNull(),
  attributes: text({ mode: "json" }).$type<Product["attributes"]>().notNull(),
  createdAt: instant("created_at").notNull(),
})

const orders = sqliteTable("orders", {
  id: integer().primaryKey({ autoIncrement: true }),
  userId: integer("user_id").notNull(),
  status: text().notNull(),
  totalCents: integer("total_cents").notNull(),
  address: text({ mode: "json" }).$type<Order["address"]>().notNull(),
  note: text(),
  isPaid: integer("is_paid", { mode: "boolean" }).notNull(),
  createdAt: instant("created_at").notNull(),
})

const orderItems = sqliteTable("order_items", {
  id: integer().primaryKey({ autoIncrement: true }),
  orderId: integer("order_id").notNull(),
  productId: integer("product_id").notNull(),
  quantity: integer().notNull(),
  priceCents: integer("price_cents").notNull(),
  productName: text("product_name").notNull(),
})

const orderRelations = relations(orders, ({ many }) => ({ items: many(orderItems) }))
const itemRelations = relations(orderItems, ({ one }) => ({
  order: one(orders, { fields: [orderItems.orderId], references: [orders.id] }),
  product: one(products, { fields: [orderItems.productId], references: [products.id] }),
}))

const schema = { users, messages, imports, products, orders, orderItems, orderRelations, itemRelations }
const { placeholder } = sql

/** Drizzle on SQLite: better-sqlite3, every statement prepared once with placeholders, synchronous calls. */
export function open({ location }: OpenOptions): Contestant {
  const client = new Database(location)
  client.pragma("journal_mode = WAL")
  client.pragma("synchronous = FULL")
  client.pragma("foreign_keys = ON")
  const db = drizzle({ client, schema })

  const selectUser = db
    .select()
    .from(users)
    .where(eq(users.id, placeholder("id")))
    .prepare()
  const selectLatest = db
    .select()
    .from(messages)
    .where(eq(messages.chatId, placeholder("chatId")))
    .orderBy(desc(messages.createdAt))
    .limit(placeholder("limit"))
    .prepare()
  const selectAfter = db
    .select()
    .from(messages)
    .where(sql`(${messages.createdAt}, ${messages.id}) > (${placeholder("createdAt")}, ${placeholder("id")})`)
    .orderBy(asc(messages.createdAt), asc(messages.id))
    .limit(placeholder("limit"))
    .prepare()
  const selectOrders = db.query.orders
    .findMany({
      where: gte(orders.id, placeholder("fromId")),
      orderBy: asc(orders.id),
      limit: placeholder("limit"),
      with: { items: { orderBy: asc(orderItems.id), with: { product: true } } },
    })
    .prepare()
  const messageValues = {
    chatId: placeholder("chatId"),
    senderId: placeholder("senderId"),
    kind: placeholder("kind"),
    content: placeholder("content"),
    isPinned: placeholder("isPinned"),
    meta: sql`${placeholder("meta")}`,
    createdAt: placeholder("createdAt"),
    editedAt: placeholder("editedAt"),
  }
  const insertMessage = db.insert(messages).values(messageValues).returning().prepare()
  const insertImport = db.insert(imports).values(messageValues).prepare()
  const clearImports = db.delete(imports).prepare()
  const updateUser = db
    .update(users)
    .set({
      description: sql`${placeholder("description")}`,
      loginCount: sql`${placeholder("loginCount")}`,
      updatedAt: sql`${sql.param(placeholder("updatedAt"), users.updatedAt)}`,
    })
    .where(eq(users.id, placeholder("id")))
    .returning()
    .prepare()
  const insertOrder = db
    .insert(orders)
    .values({
      userId: placeholder("userId"),
      status: placeholder("status"),
      totalCents: placeholder("totalCents"),
      address: placeholder("address"),
      note: placeholder("note"),
      isPaid: placeholder("isPaid"),
      createdAt: placeholder("createdAt"),
    })
    .returning()
    .prepare()
  const insertItem = db
    .insert(orderItems)
    .values({
      orderId: placeholder("orderId"),
      productId: placeholder("productId"),
      quantity: placeholder("quantity"),
      priceCents: placeholder("priceCents"),
      productName: placeholder("productName"),
    })
    .prepare()
  const takeStock = db
    .update(products)
    .set({ stockQuantity: sql`${products.stockQuantity} - ${placeholder("quantity")}` })
    .where(and(eq(products.id, placeholder("id")), gte(products.stockQuantity, placeholder("quantity"))))
    .prepare()

  return {
    form: "better-sqlite3 (synchronous), every statement `.prepare()`d once, relations by `db.query … with`",
    packages: ["drizzle-orm", "better-sqlite3"],

    userById: (id): User | undefined => selectUser.get({ id }),
    latestMessages: (chatId, limit): Message[] => selectLatest.all({ chatId, limit }),
    messagesAfter: (cursor, limit): Message[] =>
      selectAfter.all({ createdAt: cursor.createdAt.toISOString(), id: cursor.id, limit }),
    ordersFrom: (fromId, limit): OrderWithItems[] => selectOrders.all({ fromId, limit }) as OrderWithItems[],
    insertMessage: (message): Message => insertMessage.get(messageParameters(message)),
    importMessages: (rows): number => {
      db.transaction(() => {
        for (const row of rows) insertImport.run(messageParameters(row))
      })
      return rows.length
    },
    clearImports: (): void => {
      clearImports.run()
    },
    updateUser: (id, changes): User => updateUser.get({ id, ...changes }),
    placeOrder: (input): Order =>
      db.transaction(
        () => {
          const order = insertOrder.get({ ...input.order })
          for (const item of input.items) insertItem.run({ orderId: order.id, ...item })
          for (const { productId, quantity } of input.items) {
            if (takeStock.run({ id: productId, quantity }).changes === 0) throw new OutOfStock(productId)
          }
          return order
        },
        { behavior: "immediate" },
      ),
    close: (): void => {
      client.close()
    },
  }
}

/** A JSON placeholder would store null as the JSON text `null`, so the nullable one is given as text. */
function messageParameters(message: NewMessage): Record<string, unknown> {
  return { ...message, meta: message.meta === null ? null : JSON.stringify(message.meta) }
}
