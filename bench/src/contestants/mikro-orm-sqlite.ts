import { defineEntity, MikroORM, p, raw, Type } from "@mikro-orm/sqlite"
import type { Message, Order, OrderWithItems, Product, Profile, User } from "../schema/rows.ts"
import { type Contestant, type OpenOptions, OutOfStock } from "./contract.ts"
import { plainEntities } from "./mikro-orm-plain.ts"
import { decodeMessage, decodeOrder, decodeUser, type Stored } from "./sqlite-stored.ts"

/** MikroORM keeps instants on SQLite as numbers; a custom type is its documented way to keep them as text. */
class Instant extends Type<Date | null, string | null> {
  override convertToDatabaseValue(value: Date | null): string | null {
    return value === null ? null : value.toISOString()
  }

  override convertToJSValue(value: string | null): Date | null {
    return value === null ? null : new Date(value)
  }

  override getColumnType(): string {
    return "text"
  }

  override ensureComparable(): boolean {
    return false
  }
}

const instant = () => p.type(Instant).$type<Date>()

const Users = defineEntity({
  name: "User",
  tableName: "users",
  properties: {
    id: p.integer().primary(),
    username: p.string(),
    email: p.string(),
    description: p.string().nullable(),
    profile: p.json<Profile>(),
    isActive: p.boolean(),
    loginCount: p.integer(),
    createdAt: instant(),
    updatedAt: instant().nullable(),
  },
})

const messageProperties = () => ({
  id: p.integer().primary(),
  chatId: p.integer(),
  senderId: p.integer().nullable(),
  kind: p.string(),
  content: p.string(),
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
    id: p.integer().primary(),
    name: p.string(),
    description: p.string().nullable(),
    priceCents: p.integer(),
    stockQuantity: p.integer(),
    isActive: p.boolean(),
    attributes: p.json<Product["attributes"]>(),
    createdAt: instant(),
  },
})

const Orders = defineEntity({
  name: "Order",
  tableName: "orders",
  properties: {
    id: p.integer().primary(),
    userId: p.integer(),
    status: p.string(),
    totalCents: p.integer(),
    address: p.json<Order["address"]>(),
    note: p.string().nullable(),
    isPaid: p.boolean(),
    createdAt: instant(),
    items: () => p.oneToMany(OrderItems).mappedBy("order").orderBy({ id: "asc" }),
  },
})

const OrderItems = defineEntity({
  name: "OrderItem",
  tableName: "order_items",
  properties: {
    id: p.integer().primary(),
    order: () => p.manyToOne(Orders),
    product: () => p.manyToOne(Products),
    quantity: p.integer(),
    priceCents: p.integer(),
    productName: p.string(),
  },
})

const form =
  "query builder with `execute()` for rows, `em.find` with `populate` for relations (identity map off), `insertMany` for bulk"

/** MikroORM on SQLite: better-sqlite3. Rows by the query builder's raw execution, which is faster than entities. */
export async function open({ location }: OpenOptions): Promise<Contestant> {
  const orm = await MikroORM.init({
    dbName: location,
    entities: [Users, Messages, Imports, Products, Orders, OrderItems],
    allowGlobalContext: true,
    debug: false,
  })
  const { em } = orm
  await em.execute("PRAGMA journal_mode = WAL")
  await em.execute("PRAGMA synchronous = FULL")
  await em.execute("PRAGMA foreign_keys = ON")

  return {
    form: `better-sqlite3; ${form}; values decoded by hand`,
    packages: ["@mikro-orm/core", "@mikro-orm/sqlite", "better-sqlite3"],

    async userById(id): Promise<User | undefined> {
      const row = await em.qb(Users).where({ id }).execute<Stored<User> | undefined>("get")
      return row == null ? undefined : decodeUser(row)
    },

    async latestMessages(chatId, limit): Promise<Message[]> {
      const rows = await em
        .qb(Messages)
        .where({ chatId })
        .orderBy({ createdAt: "desc" })
        .limit(limit)
        .execute<Stored<Message>[]>("all")
      return rows.map(decodeMessage)
    },

    async messagesAfter(cursor, limit): Promise<Message[]> {
      const rows = await em
        .qb(Messages)
        .where(raw("(created_at, id) > (?, ?)", [cursor.createdAt.toISOString(), cursor.id]))
        .orderBy({ createdAt: "asc", id: "asc" })
        .limit(limit)
        .execute<Stored<Message>[]>("all")
      return rows.map(decodeMessage)
    },

    async ordersFrom(fromId, limit): Promise<OrderWithItems[]> {
      const orders = await em.find(
        Orders,
        { id: { $gte: fromId } },
        { orderBy: { id: "asc" }, limit, populate: ["items.product"], strategy: "select-in", disableIdentityMap: true },
      )
      return orders as unknown as OrderWithItems[]
    },

    async insertMessage(input): Promise<Message> {
      const row = await em.qb(Messages).insert(input).returning("*").execute<Stored<Message>>("get")
      return decodeMessage(row)
    },

    async importMessages(rows): Promise<number> {
      await em.transactional((transaction) => transaction.insertMany(Imports, rows))
      return rows.length
    },

    async clearImports(): Promise<void> {
      await em.nativeDelete(Imports, {})
    },

    async updateUser(id, changes): Promise<User> {
      const row = await em.qb(Users).update(changes).where({ id }).returning("*").execute<Stored<User>>("get")
      return decodeUser(row)
    },

    placeOrder: (input): Promise<Order> =>
      em.transactional(
        async (transaction) => {
          const row = await transaction.qb(Orders).insert(input.order).returning("*").execute<Stored<Order>>("get")
          await transaction.insertMany(
            OrderItems,
            input.items.map(({ productId, ...item }) => ({ ...item, product: productId, order: row.id })),
          )
          for (const { productId, quantity } of input.items) {
            const updated = await transaction.nativeUpdate(
              Products,
              { id: productId, stockQuantity: { $gte: quantity } },
              { stockQuantity: raw<number>("stock_quantity - ?", [quantity]) },
            )
            if (updated === 0) throw new OutOfStock(productId)
          }
          return decodeOrder(row)
        },
        { clear: true },
      ),

    plain: plainEntities,
    close: () => orm.close(true),
  }
}
