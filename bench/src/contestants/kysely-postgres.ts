import { Kysely, PostgresDialect, sql } from "kysely"
import { jsonArrayFrom, jsonObjectFrom } from "kysely/helpers/postgres"
import pg from "pg"
import type { Message, NewMessage, Order, OrderItem, OrderWithItems, Product, Profile, User } from "../schema/rows.ts"
import { type Contestant, type OpenOptions, OutOfStock } from "./contract.ts"
import { itemColumns, messageColumns, orderColumns, productColumns, type Tables, userColumns } from "./kysely-tables.ts"
import { numbersForBigint } from "./postgres-types.ts"

type PostgresTables = Tables<{ boolean: boolean; instant: Date; json: unknown }>

/** Rows in one statement of a bulk insert: eight columns, at most 65,535 parameters. */
const importChunk = 5_000

/** Kysely on PostgreSQL: its own dialect over `pg`, which converts the values. */
export function open({ location, poolSize }: OpenOptions): Contestant {
  const pool = new pg.Pool({ connectionString: location, max: poolSize, min: poolSize, types: numbersForBigint })
  const db = new Kysely<PostgresTables>({ dialect: new PostgresDialect({ pool }) })

  return {
    form: "PostgresDialect over `pg`, column aliases, relations by jsonArrayFrom and jsonObjectFrom",
    packages: ["kysely", "pg"],

    async userById(id): Promise<User | undefined> {
      const row = await db.selectFrom("users").select(userColumns).where("id", "=", id).executeTakeFirst()
      return row as (typeof row & { profile: Profile }) | undefined
    },

    async latestMessages(chatId, limit): Promise<Message[]> {
      const rows = await db
        .selectFrom("messages")
        .select(messageColumns)
        .where("chat_id", "=", chatId)
        .orderBy("created_at", "desc")
        .limit(limit)
        .execute()
      return rows as Message[]
    },

    async messagesAfter(cursor, limit): Promise<Message[]> {
      const rows = await db
        .selectFrom("messages")
        .select(messageColumns)
        .where(({ eb, refTuple, tuple }) => eb(refTuple("created_at", "id"), ">", tuple(cursor.createdAt, cursor.id)))
        .orderBy("created_at")
        .orderBy("id")
        .limit(limit)
        .execute()
      return rows as Message[]
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
      // Inside JSON an instant is text.
      for (const row of rows as unknown as { items: (OrderItem & { product: StoredProduct })[] }[]) {
        for (const { product } of row.items) product.createdAt = new Date(product.createdAt)
      }
      return rows as unknown as OrderWithItems[]
    },

    async insertMessage(input): Promise<Message> {
      const row = await db
        .insertInto("messages")
        .values(messageValues(input))
        .returning(messageColumns)
        .executeTakeFirstOrThrow()
      return row as Message
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
      await sql`TRUNCATE imports`.execute(db)
    },

    async updateUser(id, changes): Promise<User> {
      const row = await db
        .updateTable("users")
        .set({ description: changes.description, login_count: changes.loginCount, updated_at: changes.updatedAt })
        .where("id", "=", id)
        .returning(userColumns)
        .executeTakeFirstOrThrow()
      return row as typeof row & { profile: Profile }
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
            is_paid: input.order.isPaid,
            created_at: input.order.createdAt,
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
        return row as Order
      }),

    close: () => db.destroy(),
  }
}

type StoredProduct = Omit<Product, "createdAt"> & { createdAt: string | Date }

function messageValues(input: NewMessage) {
  return {
    chat_id: input.chatId,
    sender_id: input.senderId,
    kind: input.kind,
    content: input.content,
    is_pinned: input.isPinned,
    meta: input.meta === null ? null : JSON.stringify(input.meta),
    created_at: input.createdAt,
    edited_at: input.editedAt,
  }
}
