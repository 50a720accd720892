import pg from "pg"
import { type TableName, tableColumns } from "../schema/columns.ts"
import type { Message, NewMessage, NewOrder, Order, OrderItem, OrderWithItems, Product, User } from "../schema/rows.ts"
import { type Contestant, type OpenOptions, OutOfStock } from "./contract.ts"
import { numbersForBigint } from "./postgres-types.ts"

/** The floor on PostgreSQL: `pg` with named statements; names come from aliases and types from `pg`, so rows are ready. */
export function open({ location, poolSize }: OpenOptions): Contestant {
  const pool = new pg.Pool({ connectionString: location, max: poolSize, min: poolSize, types: numbersForBigint })

  const statement =
    (name: string, text: string) =>
    (values: unknown[]): pg.QueryConfig => ({ name, text, values })

  const selectUser = statement("select_user", `SELECT ${aliased("users")} FROM users WHERE id = $1`)
  const selectMessage = statement("select_message", `SELECT ${aliased("messages")} FROM messages WHERE id = $1`)
  const selectLatest = statement(
    "select_latest",
    `SELECT ${aliased("messages")} FROM messages WHERE chat_id = $1 ORDER BY created_at DESC LIMIT $2`,
  )
  const selectAfter = statement(
    "select_after",
    `SELECT ${aliased("messages")} FROM messages WHERE (created_at, id) > ($1, $2) ORDER BY created_at, id LIMIT $3`,
  )
  const selectOrders = statement(
    "select_orders",
    `SELECT ${aliased("orders")} FROM orders WHERE id >= $1 ORDER BY id LIMIT $2`,
  )
  const selectItems = statement(
    "select_items",
    `SELECT ${aliased("orderItems")} FROM order_items WHERE order_id = ANY($1) ORDER BY order_id, id`,
  )
  const selectProducts = statement("select_products", `SELECT ${aliased("products")} FROM products WHERE id = ANY($1)`)
  const insertMessage = statement(
    "insert_message",
    `INSERT INTO messages (chat_id, sender_id, kind, content, is_pinned, meta, created_at, edited_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING ${aliased("messages")}`,
  )
  const insertImports = statement(
    "insert_imports",
    `INSERT INTO imports (chat_id, sender_id, kind, content, is_pinned, meta, created_at, edited_at)
     SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::boolean[], $6::jsonb[], $7::timestamptz[], $8::timestamptz[])`,
  )
  const updateUser = statement(
    "update_user",
    `UPDATE users SET description = $1, login_count = $2, updated_at = $3 WHERE id = $4 RETURNING ${aliased("users")}`,
  )
  const insertOrder = statement(
    "insert_order",
    `INSERT INTO orders (user_id, status, total_cents, address, note, is_paid, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING ${aliased("orders")}`,
  )
  const insertItems = statement(
    "insert_items",
    `INSERT INTO order_items (order_id, product_id, quantity, price_cents, product_name)
     SELECT $1, * FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::text[])`,
  )
  const takeStock = statement(
    "take_stock",
    "UPDATE products SET stock_quantity = stock_quantity - $1 WHERE id = $2 AND stock_quantity >= $1",
  )

  return {
    form: "named statements, `types` that read bigint as number, aliases for names, so that rows need no decoding",
    packages: ["pg"],

    async userById(id): Promise<User | undefined> {
      const { rows } = await pool.query<User>(selectUser([id]))
      return rows[0]
    },

    async messageById(id): Promise<Message | undefined> {
      return (await pool.query<Message>(selectMessage([id]))).rows[0]
    },

    async latestMessages(chatId, limit): Promise<Message[]> {
      return (await pool.query<Message>(selectLatest([chatId, limit]))).rows
    },

    async messagesAfter(cursor, limit): Promise<Message[]> {
      return (await pool.query<Message>(selectAfter([cursor.createdAt, cursor.id, limit]))).rows
    },

    async ordersFrom(fromId, limit): Promise<OrderWithItems[]> {
      const { rows: orders } = await pool.query<OrderWithItems>(selectOrders([fromId, limit]))
      const byId = new Map<number, OrderWithItems>()
      for (const order of orders) {
        order.items = []
        byId.set(order.id, order)
      }
      const { rows: items } = await pool.query<OrderItem & { product: Product }>(selectItems([[...byId.keys()]]))
      const productIds = new Set<number>()
      for (const item of items) productIds.add(item.productId)
      const products = new Map<number, Product>()
      for (const product of (await pool.query<Product>(selectProducts([[...productIds]]))).rows) {
        products.set(product.id, product)
      }
      for (const item of items) {
        item.product = products.get(item.productId) as Product
        byId.get(item.orderId)?.items.push(item)
      }
      return orders
    },

    async insertMessage(message): Promise<Message> {
      const { rows } = await pool.query<Message>(insertMessage(messageValues(message)))
      return rows[0] as Message
    },

    async importMessages(messages): Promise<number> {
      const columns: unknown[][] = [[], [], [], [], [], [], [], []]
      for (const message of messages) {
        const values = messageValues(message)
        for (let column = 0; column < values.length; column += 1) columns[column]?.push(values[column])
      }
      return (await pool.query(insertImports(columns))).rowCount ?? 0
    },

    async clearImports(): Promise<void> {
      await pool.query("TRUNCATE imports")
    },

    async updateUser(id, changes): Promise<User> {
      const { description, loginCount, updatedAt } = changes
      const { rows } = await pool.query<User>(updateUser([description, loginCount, updatedAt, id]))
      return rows[0] as User
    },

    async placeOrder(input): Promise<Order> {
      const client = await pool.connect()
      try {
        await client.query("BEGIN")
        const order = (await client.query<Order>(insertOrder(orderValues(input.order)))).rows[0] as Order
        await client.query(
          insertItems([
            order.id,
            input.items.map((item) => item.productId),
            input.items.map((item) => item.quantity),
            input.items.map((item) => item.priceCents),
            input.items.map((item) => item.productName),
          ]),
        )
        for (const item of input.items) {
          const { rowCount } = await client.query(takeStock([item.quantity, item.productId]))
          if (rowCount === 0) throw new OutOfStock(item.productId)
        }
        await client.query("COMMIT")
        return order
      } catch (error) {
        await client.query("ROLLBACK")
        throw error
      } finally {
        client.release()
      }
    },

    close: () => pool.end(),
  }
}

function aliased(table: TableName): string {
  return tableColumns[table].map(({ column, property }) => `${column} AS "${property}"`).join(", ")
}

function messageValues(message: NewMessage): unknown[] {
  return [
    message.chatId,
    message.senderId,
    message.kind,
    message.content,
    message.isPinned,
    message.meta === null ? null : JSON.stringify(message.meta),
    message.createdAt,
    message.editedAt,
  ]
}

function orderValues(order: NewOrder["order"]): unknown[] {
  return [
    order.userId,
    order.status,
    order.totalCents,
    JSON.stringify(order.address),
    order.note,
    order.isPaid,
    order.createdAt,
  ]
}
