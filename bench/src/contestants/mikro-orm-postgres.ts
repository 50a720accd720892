import { defineEntity, MikroORM, p, raw } from "@mikro-orm/postgresql"
import type { Message, Order, OrderWithItems, Product, Profile, User } from "../schema/rows.ts"
import { type Contestant, type OpenOptions, OutOfStock } from "./contract.ts"
import { plainEntities } from "./mikro-orm-plain.ts"

const number = () => p.bigint("number")
const instant = () => p.datetime(3)

const Users = defineEntity({
  name: "User",
  tableName: "users",
  properties: {
    id: number().primary(),
    username: p.text(),
    email: p.text(),
    description: p.text().nullable(),
    profile: p.json<Profile>(),
    isActive: p.boolean(),
    loginCount: number(),
    createdAt: instant(),
    updatedAt: instant().nullable(),
  },
})

const messageProperties = () => ({
  id: number().primary(),
  chatId: number(),
  senderId: number().nullable(),
  kind: p.text(),
  content: p.text(),
  isPinned: p.boolean(),
  meta: p.json<NonNullable<Message["meta"]>>().nullable(),
  createdAt: instant(),
  editedAt: instant().nullable(),
})
const Messages = defineEntity({ name: "Message", tableName: "messages", properties: messageProperties() })
const Imports = defineEntity({ name: "Import", tableName: "imports", properties: messageProperties() })

const Products = defineEntity({
  name: "Product",
  tableName: "products",
  properties: {
    id: number().primary(),
    name: p.text(),
    description: p.text().nullable(),
    priceCents: number(),
    stockQuantity: number(),
    isActive: p.boolean(),
    attributes: p.json<Product["attributes"]>(),
    createdAt: instant(),
  },
})

const Orders = defineEntity({
  name: "Order",
  tableName: "orders",
  properties: {
    id: number().primary(),
    userId: number(),
    status: p.text(),
    totalCents: number(),
    address: p.json<Order["address"]>(),
    note: p.text().nullable(),
    isPaid: p.boolean(),
    createdAt: instant(),
    items: () => p.oneToMany(OrderItems).mappedBy("order").orderBy({ id: "asc" }),
  },
})

const OrderItems = defineEntity({
  name: "OrderItem",
  tableName: "order_items",
  properties: {
    id: number().primary(),
    order: () => p.manyToOne(Orders),
    product: () => p.manyToOne(Products),
    quantity: number(),
    priceCents: number(),
    productName: p.text(),
  },
})

/** MikroORM on PostgreSQL: rows by the query builder's raw execution, which is faster than entities. */
export async function open({ location, poolSize }: OpenOptions): Promise<Contestant> {
  const orm = await MikroORM.init({
    clientUrl: location,
    entities: [Users, Messages, Imports, Products, Orders, OrderItems],
    allowGlobalContext: true,
    debug: false,
    pool: { min: poolSize, max: poolSize },
  })
  const { em } = orm

  return {
    form: "query builder with `execute()` for rows, bigint converted by hand, `em.find` with `populate` for relations (identity map off), `insertMany` for bulk",
    packages: ["@mikro-orm/core", "@mikro-orm/postgresql", "pg"],

    async userById(id): Promise<User | undefined> {
      const row = await em.qb(Users).where({ id }).execute<Bigints<User> | null>("get")
      return row == null ? undefined : userOf(row)
    },

    async latestMessages(chatId, limit): Promise<Message[]> {
      const rows = await em
        .qb(Messages)
        .where({ chatId })
        .orderBy({ createdAt: "desc" })
        .limit(limit)
        .execute<Bigints<Message>[]>("all")
      return rows.map(messageOf)
    },

    async messagesAfter(cursor, limit): Promise<Message[]> {
      const rows = await em
        .qb(Messages)
        .where(raw("(created_at, id) > (?, ?)", [cursor.createdAt, cursor.id]))
        .orderBy({ createdAt: "asc", id: "asc" })
        .limit(limit)
        .execute<Bigints<Message>[]>("all")
      return rows.map(messageOf)
    },

    async ordersFrom(fromId, limit): Promise<OrderWithItems[]> {
      const orders = await em.find(
        Orders,
        { id: { $gte: fromId } },
        { disableIdentityMap: true, orderBy: { id: "asc" }, limit, populate: ["items.product"], strategy: "select-in" },
      )
      return orders as unknown as OrderWithItems[]
    },

    async insertMessage(input): Promise<Message> {
      const row = await em.qb(Messages).insert(input).returning("*").execute<Bigints<Message>>("get")
      return messageOf(row)
    },

    async importMessages(rows): Promise<number> {
      await em.transactional((transaction) => transaction.insertMany(Imports, rows))
      return rows.length
    },

    async clearImports(): Promise<void> {
      await em.execute("TRUNCATE imports")
    },

    async updateUser(id, changes): Promise<User> {
      const row = await em.qb(Users).update(changes).where({ id }).returning("*").execute<Bigints<User>>("get")
      return userOf(row)
    },

    placeOrder: (input): Promise<Order> =>
      em.transactional(
        async (transaction) => {
          const row = await transaction.qb(Orders).insert(input.order).returning("*").execute<Bigints<Order>>("get")
          const order = orderOf(row)
          await transaction.insertMany(
            OrderItems,
            input.items.map(({ productId, ...item }) => ({ ...item, product: productId, order: order.id })),
          )
          for (const { productId, quantity } of input.items) {
            const updated = await transaction.nativeUpdate(
              Products,
              { id: productId, stockQuantity: { $gte: quantity } },
              { stockQuantity: raw<number>("stock_quantity - ?", [quantity]) },
            )
            if (updated === 0) throw new OutOfStock(productId)
          }
          return order
        },
        { clear: true },
      ),

    plain: plainEntities,
    close: () => orm.close(true),
  }
}

/** A row of the query builder's raw execution: bigint comes as text. */
type Bigints<T> = { [K in keyof T]: T[K] extends number ? string : T[K] extends number | null ? string | null : T[K] }

function userOf(row: Bigints<User>): User {
  return { ...row, id: Number(row.id), loginCount: Number(row.loginCount) }
}

function messageOf(row: Bigints<Message>): Message {
  const senderId = row.senderId === null ? null : Number(row.senderId)
  return { ...row, id: Number(row.id), chatId: Number(row.chatId), senderId }
}

function orderOf(row: Bigints<Order>): Order {
  return { ...row, id: Number(row.id), userId: Number(row.userId), totalCents: Number(row.totalCents) }
}
