import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite"
import { columnList } from "../schema/columns.ts"
import type { Message, NewMessage, NewOrder, Order, OrderWithItems, Product, User } from "../schema/rows.ts"
import { type Contestant, type OpenOptions, OutOfStock } from "./contract.ts"
import {
  decodeItem,
  decodeMessage,
  decodeOrder,
  decodeOrderWithItems,
  decodeProduct,
  decodeUser,
  type Values,
} from "./raw-decoders.ts"

/** Rows in one statement of a bulk insert: the fastest of 1, 10, 100 and 1,000 here. */
const importChunk = 1_000

/** The floor on SQLite: statements prepared once, rows read as arrays, decoded by hand, all calls synchronous. */
export function open({ location }: OpenOptions): Contestant {
  const database = new DatabaseSync(location)
  // The cache of better-sqlite3, which the peers use; that of node:sqlite is an eighth of it.
  database.exec(
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 100; PRAGMA cache_size = -16000",
  )
  const reading = (sql: string): StatementSync => {
    const statement = database.prepare(sql)
    statement.setReturnArrays(true)
    return statement
  }
  const begin = database.prepare("BEGIN IMMEDIATE")
  const commit = database.prepare("COMMIT")
  const rollback = database.prepare("ROLLBACK")
  const inTransaction = <T>(work: () => T): T => {
    begin.run()
    try {
      const answer = work()
      commit.run()
      return answer
    } catch (error) {
      rollback.run()
      throw error
    }
  }

  const selectUser = reading(`SELECT ${columnList("users")} FROM users WHERE id = ?`)
  const selectMessage = reading(`SELECT ${columnList("messages")} FROM messages WHERE id = ?`)
  const selectLatest = reading(
    `SELECT ${columnList("messages")} FROM messages WHERE chat_id = ? ORDER BY created_at DESC LIMIT ?`,
  )
  const selectAfter = reading(
    `SELECT ${columnList("messages")} FROM messages WHERE (created_at, id) > (?, ?) ORDER BY created_at, id LIMIT ?`,
  )
  const selectOrders = reading(`SELECT ${columnList("orders")} FROM orders WHERE id >= ? ORDER BY id LIMIT ?`)
  const selectItems = reading(
    `SELECT ${columnList("orderItems")} FROM order_items WHERE order_id IN (SELECT value FROM json_each(?)) ORDER BY order_id, id`,
  )
  const selectProducts = reading(
    `SELECT ${columnList("products")} FROM products WHERE id IN (SELECT value FROM json_each(?))`,
  )
  const insertValues = (table: "messages" | "imports", rows = 1): string =>
    `INSERT INTO ${table} (${columnList(table, { withoutId: true })}) VALUES ${new Array(rows).fill("(?, ?, ?, ?, ?, ?, ?, ?)").join(", ")}`
  const insertMessage = reading(`${insertValues("messages")} RETURNING ${columnList("messages")}`)
  const insertImport = database.prepare(insertValues("imports"))
  const insertImports = database.prepare(insertValues("imports", importChunk))
  const clearImports = database.prepare("DELETE FROM imports")
  const updateUser = reading(
    `UPDATE users SET description = ?, login_count = ?, updated_at = ? WHERE id = ? RETURNING ${columnList("users")}`,
  )
  const insertOrder = reading(
    `INSERT INTO orders (${columnList("orders", { withoutId: true })}) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING ${columnList("orders")}`,
  )
  const insertItem = database.prepare(
    `INSERT INTO order_items (${columnList("orderItems", { withoutId: true })}) VALUES (?, ?, ?, ?, ?)`,
  )
  const takeStock = database.prepare(
    "UPDATE products SET stock_quantity = stock_quantity - ? WHERE id = ? AND stock_quantity >= ?",
  )

  return {
    form: "statements prepared once, rows as arrays, decoded by hand; synchronous calls",
    packages: [],

    userById(id): User | undefined {
      const row = one(selectUser, id)
      return row === undefined ? undefined : decodeUser(row)
    },

    messageById(id): Message | undefined {
      const row = one(selectMessage, id)
      return row === undefined ? undefined : decodeMessage(row)
    },

    latestMessages(chatId, limit): Message[] {
      return many(selectLatest, chatId, limit).map(decodeMessage)
    },

    messagesAfter(cursor, limit): Message[] {
      return many(selectAfter, cursor.createdAt.toISOString(), cursor.id, limit).map(decodeMessage)
    },

    ordersFrom(fromId, limit): OrderWithItems[] {
      const orders = many(selectOrders, fromId, limit).map(decodeOrderWithItems)
      const byId = new Map<number, OrderWithItems>()
      for (const order of orders) byId.set(order.id, order)
      const items = many(selectItems, JSON.stringify([...byId.keys()]))
      const productIds = new Set<number>()
      for (const item of items) productIds.add(item[2] as number)
      const products = new Map<number, Product>()
      for (const row of many(selectProducts, JSON.stringify([...productIds]))) {
        products.set(row[0] as number, decodeProduct(row))
      }
      for (const item of items) {
        const product = products.get(item[2] as number) as Product
        byId.get(item[1] as number)?.items.push(decodeItem(item, product))
      }
      return orders
    },

    insertMessage(message): Message {
      return decodeMessage(one(insertMessage, ...messageValues(message)) as Values)
    },

    importMessages(messages): number {
      return inTransaction(() => {
        let next = 0
        for (; next + importChunk <= messages.length; next += importChunk) {
          insertImports.run(...messages.slice(next, next + importChunk).flatMap(messageValues))
        }
        for (const message of messages.slice(next)) insertImport.run(...messageValues(message))
        return messages.length
      })
    },

    clearImports(): void {
      clearImports.run()
    },

    updateUser(id, changes): User {
      const { description, loginCount, updatedAt } = changes
      return decodeUser(one(updateUser, description, loginCount, updatedAt.toISOString(), id) as Values)
    },

    placeOrder(input): Order {
      return inTransaction(() => {
        const order = decodeOrder(one(insertOrder, ...orderValues(input.order)) as Values)
        for (const item of input.items) {
          insertItem.run(order.id, item.productId, item.quantity, item.priceCents, item.productName)
        }
        for (const item of input.items) {
          if (takeStock.run(item.quantity, item.productId, item.quantity).changes === 0) {
            throw new OutOfStock(item.productId)
          }
        }
        return order
      })
    },

    close(): void {
      database.close()
    },
  }
}

/** `node:sqlite` types rows as objects; with `setReturnArrays(true)` they are arrays. */
function one(statement: StatementSync, ...values: SQLInputValue[]): Values | undefined {
  return statement.get(...values) as Values | undefined
}

function many(statement: StatementSync, ...values: SQLInputValue[]): Values[] {
  return statement.all(...values) as unknown as Values[]
}

function messageValues(message: NewMessage): SQLInputValue[] {
  return [
    message.chatId,
    message.senderId,
    message.kind,
    message.content,
    message.isPinned ? 1 : 0,
    message.meta === null ? null : JSON.stringify(message.meta),
    message.createdAt.toISOString(),
    message.editedAt === null ? null : message.editedAt.toISOString(),
  ]
}

function orderValues(order: NewOrder["order"]): SQLInputValue[] {
  return [
    order.userId,
    order.status,
    order.totalCents,
    JSON.stringify(order.address),
    order.note,
    order.isPaid ? 1 : 0,
    order.createdAt.toISOString(),
  ]
}
