import { openDatabase, Storage } from "../../../packages/rootstock/src/index.ts"
import type { Cursor, Message, Order, OrderWithItems, User } from "../schema/rows.ts"
import { tables } from "../schema/tables.ts"
import { type Contestant, type OpenOptions, OutOfStock } from "./contract.ts"

const keyset = { orderBy: { createdAt: "asc", id: "asc" } } as const

/** Rootstock, the same code on both engines: storages as the front page uses them. */
export async function open({ location, poolSize }: OpenOptions): Promise<Contestant> {
  const url = location.startsWith("postgres") ? location : `sqlite:${location}`
  const db = await openDatabase(url, { tables, postgres: { pool: { size: poolSize, overflow: 0 } } })
  const store = db.storages({
    users: Storage(tables.users),
    messages: Storage(tables.messages),
    imports: Storage(tables.imports),
    products: Storage(tables.products),
    orders: Storage(tables.orders),
    orderItems: Storage(tables.orderItems),
  })
  const cursors = await cursorMaker(async () => (await store.messages.after(undefined, { ...keyset, limit: 1 })).next)

  return {
    form: "storages: `get`, `list` with `with`, `after`, `create`, `createMany`, `update`, `increment` in `transaction`",
    packages: [],

    userById: (id): Promise<User | undefined> => store.users.get(id),

    messageById: (id): Promise<Message | undefined> => store.messages.get(id),

    latestMessages: (chatId, limit): Promise<Message[]> =>
      store.messages.list({ where: { chatId }, orderBy: { createdAt: "desc" }, limit }),

    prepareCursors: cursors.prepare,
    async messagesAfter(cursor, limit): Promise<Message[]> {
      return (await store.messages.after(cursors.textOf(cursor), { ...keyset, limit })).rows
    },

    ordersFrom: (fromId, limit): Promise<OrderWithItems[]> =>
      store.orders.list({
        where: { id: { gte: fromId } },
        orderBy: { id: "asc" },
        limit,
        with: { items: { with: { product: true } } },
      }),

    insertMessage: (message): Promise<Message> => store.messages.create(message),
    importMessages: (rows): Promise<number> => store.imports.createMany(rows, { returning: false }),
    async clearImports(): Promise<void> {
      if (location.startsWith("postgres")) await db.execute`TRUNCATE imports`
      else await db.execute`DELETE FROM imports`
    },

    updateUser: (id, changes): Promise<User> => store.users.update(id, changes),

    placeOrder: (input): Promise<Order> =>
      db.transaction(async () => {
        const order = await store.orders.create(input.order)
        await store.orderItems.createMany(
          input.items.map((item) => ({ ...item, orderId: order.id })),
          { returning: false },
        )
        for (const { productId, quantity } of input.items) {
          const taken = await store.products.increment(
            productId,
            { stockQuantity: -quantity },
            { where: { stockQuantity: { gte: quantity } }, returning: false },
          )
          if (!taken) throw new OutOfStock(productId)
        }
        return order
      }),

    close: () => db.close(),
  }
}

/**
 * A client holds a cursor as text that a page gave it. Here the texts are made before the measurement, in the form of
 * one that Rootstock gave.
 */
async function cursorMaker(givenCursor: () => Promise<string | undefined>) {
  const given = await givenCursor()
  if (given === undefined) throw new Error("the first page has no next one")
  const [order] = JSON.parse(Buffer.from(given, "base64url").toString()) as [string]
  const make = ({ createdAt, id }: Cursor): string =>
    Buffer.from(JSON.stringify([order, createdAt.toISOString(), id])).toString("base64url")
  const texts = new WeakMap<Cursor, string>()
  return {
    textOf: (cursor: Cursor): string => texts.get(cursor) ?? make(cursor),
    prepare(list: readonly Cursor[]): void {
      for (const cursor of list) texts.set(cursor, make(cursor))
    },
  }
}
