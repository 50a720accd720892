import Database from "better-sqlite3"
import { Kysely, SqliteDialect, sql } from "kysely"
import { jsonArrayFrom, jsonObjectFrom } from "kysely/helpers/sqlite"
import type { Message, NewMessage, Order, OrderItem, OrderWithItems, User } from "../schema/rows.ts"
import { type Contestant, type OpenOptions, OutOfStock } from "./contract.ts"
import { itemColumns, messageColumns, orderColumns, productColumns, type Tables, userColumns } from "./kysely-tables.ts"
import { decodeMessage, decodeOrder, decodeProduct, decodeUser } from "./sqlite-stored.ts"

type SqliteTables = Tables<{ boolean: number; instant: string; json: string }>

/** Rows in one statement of a bulk insert: eight columns, at most 32,766 parameters. */
const importChunk = 1_000

/** Kysely on SQLite: its own dialect over better-sqlite3; values that it leaves as the driver's are converted by hand. */
export function open({ location }: OpenOptions): Contestant {
  const database = new Database(location)
  database.pragma("journal_mode = WAL")
  database.pragma("synchronous = FULL")
  database.pragma("foreign_keys = ON")
  const db = new Kysely<SqliteTables>({ dialect: new SqliteDialect({ database }) })

  return {
    form: "SqliteDialect over better-sqlite3, column aliases, relations by jsonArrayFrom and jsonObjectFrom, values decoded by hand",
    packages: ["kysely", "better-sqlite3"],

    async userById(id): Promise<User | undefined> {
      const row = await db.selectFrom("users").select(userColumns).where("id", "=", id).executeTakeFirst()
      return row === undefined ? undefined : decodeUser(row)
    },

    async latestMessages(chatId, limit): Promise<Message[]> {
      const rows = await db
        .selectFrom("messages")
        .select(messageColumns)
        .where("chat_id", "=", chatId)
        .orderBy("created_at", "desc")
        .limit(limit)
        .execute()
      return rows.map(decodeMessage)
    },

    async messagesAfter(cursor, limit): Promise<Message[]> {
      const rows = await db
        .selectFrom("messages")
        .select(messageColumns)
        .where(({ eb, refTuple, tuple }) =>
          eb(refTuple("created_at", "id"), ">", tuple(cursor.createdAt.toISOString(), cursor.id)),
        )
        .orderBy("created_at")
        .orderBy("id")
        .limit(limit)
        .execute()
      return rows.map(decodeMessage)
    },

    async ordersFrom(fromId, limit): Promise<OrderWithItems[]> {
      const rows = await db
        .selectFrom("orders")
        .select(orderColumns)
        .select((order) =>
          jsonArrayFrom(
            order
              .selectFrom("order_items")
              .select(itemColumns)
              .select((item) =>
                jsonObjectFrom(
                  item
                    .selectFrom("products")
                    .select(productColumns)
                    .whereRef("products.id", "=", "order_items.product_id"),
                ).as("product"),
              )
              .whereRef("order_items.order_id", "=", "orders.id")
              .orderBy("order_items.id"),
          ).as("items"),
        )
        .where("orders.id", ">=", fromId)
        .orderBy("orders.id")
        .limit(limit)
        .execute()
      return rows.map((row) => ({
        ...decodeOrder(row),
        items: (JSON.parse(row.items as unknown as string) as StoredItem[]).map((item) => ({
          ...item,
          // A nested JSON object arrives as text: SQLite forgets between subqueries that it is JSON.
          product: decodeProduct(JSON.parse(item.product)),
        })),
      }))
    },

    async insertMessage(input): Promise<Message> {
      const row = await db
        .insertInto("messages")
        .values(messageValues(input))
        .returning(messageColumns)
        .executeTakeFirstOrThrow()
      return decodeMessage(row)
    },

    importMessages: (rows): Promise<number> =>
      db.transaction().execute(async (transaction) => {
        let count = 0
        for (let next = 0; next < rows.length; next += importChunk) {
          const { numInsertedOrUpdatedRows } = await transaction
            .insertInto("imports")
            .values(rows.slice(next, next + importChunk).map(messageValues))
            .executeTakeFirstOrThrow()
          count += Number(numInsertedOrUpdatedRows)
        }
        return count
      }),

    async clearImports(): Promise<void> {
      await db.deleteFrom("imports").execute()
    },

    async updateUser(id, changes): Promise<User> {
      const row = await db
        .updateTable("users")
        .set({
          description: changes.description,
          login_count: changes.loginCount,
          updated_at: changes.updatedAt.toISOString(),
        })
        .where("id", "=", id)
        .returning(userColumns)
        .executeTakeFirstOrThrow()
      return decodeUser(row)
    },

    placeOrder: (input): Promise<Order> =>
      db.transaction().execute(async (transaction) => {
        const row = await transaction
          .insertInto("orders")
          .values({
            user_id: input.order.userId,
            status: input.order.status,
            total_cents: input.order.totalCents,
            address: JSON.stringify(input.order.address),
            note: input.order.note,
            is_paid: input.order.isPaid ? 1 : 0,
            created_at: input.order.createdAt.toISOString(),
          })
          .returning(orderColumns)
          .executeTakeFirstOrThrow()
        await transaction
          .insertInto("order_items")
          .values(
            input.items.map((item) => ({
              order_id: row.id,
              product_id: item.productId,
              quantity: item.quantity,
              price_cents: item.priceCents,
              product_name: item.productName,
            })),
          )
          .execute()
        for (const { productId, quantity } of input.items) {
          const { numUpdatedRows } = await transaction
            .updateTable("products")
            .set({ stock_quantity: sql`stock_quantity - ${quantity}` })
            .where("id", "=", productId)
            .where("stock_quantity", ">=", quantity)
            .executeTakeFirstOrThrow()
          if (numUpdatedRows === 0n) throw new OutOfStock(productId)
        }
        return decodeOrder(row)
      }),

    close: () => db.destroy(),
  }
}

type StoredItem = OrderItem & { product: string }

function messageValues(input: NewMessage) {
  return {
    chat_id: input.chatId,
    sender_id: input.senderId,
    kind: input.kind,
    content: input.content,
    is_pinned: input.isPinned ? 1 : 0,
    meta: input.meta === null ? null : JSON.stringify(input.meta),
    created_at: input.createdAt.toISOString(),
    edited_at: input.editedAt === null ? null : input.editedAt.toISOString(),
  }
}
