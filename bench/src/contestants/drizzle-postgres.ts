import { and, asc, desc, eq, gte, relations, sql } from "drizzle-orm"
import { drizzle } from "drizzle-orm/node-postgres"
import { bigint, boolean, jsonb, pgTable, text, timestamp } from "drizzle-orm/pg-core"
import pg from "pg"
import type { Message, NewMessage, Order, OrderWithItems, Product, Profile, User } from "../schema/rows.ts"
import { type Contestant, type OpenOptions, OutOfStock } from "./contract.ts"

const identity = () => bigint({ mode: "number" }).primaryKey().generatedByDefaultAsIdentity()
const instant = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: "date" })
const number = (name: string) => bigint(name, { mode: "number" })

export const users = pgTable("users", {
  id: identity(),
  username: text().notNull(),
  email: text().notNull(),
  description: text(),
  profile: jsonb().$type<Profile>().notNull(),
  isActive: boolean("is_active").notNull(),
  loginCount: number("login_count").notNull(),
  createdAt: instant("created_at").notNull(),
  updatedAt: instant("updated_at"),
})

const messageColumns = () => ({
  id: identity(),
  chatId: number("chat_id").notNull(),
  senderId: number("sender_id"),
  kind: text().notNull(),
  content: text().notNull(),
  isPinned: boolean("is_pinned").notNull(),
  meta: jsonb().$type<NonNullable<Message["meta"]>>(),
  createdAt: instant("created_at").notNull(),
  editedAt: instant("edited_at"),
})
const messages = pgTable("messages", messageColumns())
const imports = pgTable("imports", messageColumns())

const products = pgTable("products", {
  id: identity(),
  name: text().notNull(),
  description: text(),
  priceCents: number("price_cents").notNull(),
  stockQuantity: number("stock_quantity").notNull(),
  isActive: boolean("is_active").notNull(),
  attributes: jsonb().$type<Product["attributes"]>().notNull(),
  createdAt: instant("created_at").notNull(),
})

const orders = pgTable("orders", {
  id: identity(),
  userId: number("user_id").notNull(),
  status: text().notNull(),
  totalCents: number("total_cents").notNull(),
  address: jsonb().$type<Order["address"]>().notNull(),
  note: text(),
  isPaid: boolean("is_paid").notNull(),
  createdAt: instant("created_at").notNull(),
})

const orderItems = pgTable("order_items", {
  id: identity(),
  orderId: number("order_id").notNull(),
  productId: number("product_id").notNull(),
  quantity: number("quantity").notNull(),
  priceCents: number("price_cents").notNull(),
  productName: text("product_name").notNull(),
})

const orderRelations = relations(orders, ({ many }) => ({ items: many(orderItems) }))
const itemRelations = relations(orderItems, ({ one }) => ({
  order: one(orders, { fields: [orderItems.orderId], references: [orders.id] }),
  product: one(products, { fields: [orderItems.productId], references: [products.id] }),
}))

const schema = { users, messages, imports, products, orders, orderItems, orderRelations, itemRelations }
const { placeholder } = sql

/** Rows in one statement of a bulk insert: nine columns, at most 65,535 parameters. */
const importChunk = 5_000

/** Drizzle on PostgreSQL: node-postgres, every statement outside transactions prepared under a name. */
export function open({ location, poolSize }: OpenOptions): Contestant {
  const pool = new pg.Pool({ connectionString: location, max: poolSize, min: poolSize })
  const db = drizzle({ client: pool, schema })

  const selectUser = db
    .select()
    .from(users)
    .where(eq(users.id, placeholder("id")))
    .prepare("select_user")
  const selectLatest = db
    .select()
    .from(messages)
    .where(eq(messages.chatId, placeholder("chatId")))
    .orderBy(desc(messages.createdAt))
    .limit(placeholder("limit"))
    .prepare("select_latest")
  const selectAfter = db
    .select()
    .from(messages)
    .where(sql`(${messages.createdAt}, ${messages.id}) > (${placeholder("createdAt")}, ${placeholder("id")})`)
    .orderBy(asc(messages.createdAt), asc(messages.id))
    .limit(placeholder("limit"))
    .prepare("select_after")
  const selectOrders = db.query.orders
    .findMany({
      where: gte(orders.id, placeholder("fromId")),
      orderBy: asc(orders.id),
      limit: placeholder("limit"),
      with: { items: { orderBy: asc(orderItems.id), with: { product: true } } },
    })
    .prepare("select_orders")
  const insertMessage = db
    .insert(messages)
    .values({
      chatId: placeholder("chatId"),
      senderId: placeholder("senderId"),
      kind: placeholder("kind"),
      content: placeholder("content"),
      isPinned: placeholder("isPinned"),
      meta: sql`${placeholder("meta")}`,
      createdAt: placeholder("createdAt"),
      editedAt: sql`${placeholder("editedAt")}`,
    })
    .returning()
    .prepare("insert_message")
  const updateUser = db
    .update(users)
    .set({
      description: sql`${placeholder("description")}`,
      loginCount: sql`${placeholder("loginCount")}`,
      updatedAt: sql`${sql.param(placeholder("updatedAt"), users.updatedAt)}`,
    })
    .where(eq(users.id, placeholder("id")))
    .returning()
    .prepare("update_user")

  return {
    form: "node-postgres, statements `.prepare(name)`d once (built anew inside transactions, where Drizzle cannot keep them), relations by `db.query … with`",
    packages: ["drizzle-orm", "pg"],

    async userById(id): Promise<User | undefined> {
      return (await selectUser.execute({ id }))[0]
    },
    latestMessages: (chatId, limit): Promise<Message[]> => selectLatest.execute({ chatId, limit }),
    messagesAfter: (cursor, limit): Promise<Message[]> =>
      selectAfter.execute({ createdAt: cursor.createdAt.toISOString(), id: cursor.id, limit }),
    ordersFrom: (fromId, limit): Promise<OrderWithItems[]> =>
      selectOrders.execute({ fromId, limit }) as Promise<OrderWithItems[]>,
    async insertMessage(message): Promise<Message> {
      return (await insertMessage.execute(messageParameters(message)))[0] as Message
    },
    importMessages: (rows: NewMessage[]): Promise<number> =>
      db.transaction(async (tx) => {
        let count = 0
        for (let next = 0; next < rows.length; next += importChunk) {
          count += (await tx.insert(imports).values(rows.slice(next, next + importChunk))).rowCount ?? 0
        }
        return count
      }),
    async clearImports(): Promise<void> {
      await db.execute(sql`TRUNCATE imports`)
    },
    async updateUser(id, changes): Promise<User> {
      return (await updateUser.execute({ id, ...changes }))[0] as User
    },
    placeOrder: (input): Promise<Order> =>
      db.transaction(async (tx) => {
        const order = (await tx.insert(orders).values(input.order).returning())[0] as Order
        await tx.insert(orderItems).values(input.items.map((item) => ({ ...item, orderId: order.id })))
        for (const { productId, quantity } of input.items) {
          const { rowCount } = await tx
            .update(products)
            .set({ stockQuantity: sql`${products.stockQuantity} - ${quantity}` })
            .where(and(eq(products.id, productId), gte(products.stockQuantity, quantity)))
          if (rowCount === 0) throw new OutOfStock(productId)
        }
        return order
      }),
    close: () => pool.end(),
  }
}

/** Column encoders are given a placeholder's null too and fail on it, so the nullable values come encoded. */
function messageParameters(message: NewMessage): Record<string, unknown> {
  return {
    ...message,
    meta: message.meta === null ? null : JSON.stringify(message.meta),
    editedAt: message.editedAt === null ? null : message.editedAt.toISOString(),
  }
}
