import { type DataSource, type EntityManager, MoreThanOrEqual } from "typeorm"
import type { Message, NewMessage, NewOrder, Order, OrderWithItems, User } from "../schema/rows.ts"
import { OutOfStock } from "./contract.ts"
import type { Entities } from "./typeorm-entities.ts"

/** What TypeORM does in the same way on both engines. */
export function typeormCalls(source: DataSource, entities: Entities, options: { importChunk: number }) {
  const users = source.getRepository(entities.users)
  const messages = source.getRepository(entities.messages)
  const orders = source.getRepository(entities.orders)
  return {
    async userById(id: number): Promise<User | undefined> {
      return (await users.findOneBy({ id })) ?? undefined
    },

    latestMessages: (chatId: number, limit: number): Promise<Message[]> =>
      messages.find({ where: { chatId }, order: { createdAt: "DESC" }, take: limit }),

    async ordersFrom(fromId: number, limit: number): Promise<OrderWithItems[]> {
      // Joined: `relationLoadStrategy: "query"` is 20 times slower here.
      const found = await orders.find({
        where: { id: MoreThanOrEqual(fromId) },
        order: { id: "ASC" },
        take: limit,
        relations: { items: { product: true } },
      })
      // An order by the items in `find` would make `take` count items instead of orders.
      for (const { items } of found) items.sort((left, right) => left.id - right.id)
      return found
    },

    async insertMessage(input: NewMessage): Promise<Message> {
      const row = { ...input } as Message
      await messages.insert(row)
      // A generated bigint comes as text.
      row.id = Number(row.id)
      return row
    },

    importMessages: (rows: NewMessage[]): Promise<number> =>
      source.transaction(async (manager) => {
        for (let next = 0; next < rows.length; next += options.importChunk) {
          await manager
            .createQueryBuilder()
            .insert()
            .into(entities.imports)
            .values(rows.slice(next, next + options.importChunk))
            .updateEntity(false)
            .execute()
        }
        return rows.length
      }),

    async placeOrderWith(manager: EntityManager, input: NewOrder): Promise<Order> {
      const order = { ...input.order } as Order
      await manager.insert(entities.orders, order)
      order.id = Number(order.id)
      await manager
        .createQueryBuilder()
        .insert()
        .into(entities.orderItems)
        .values(input.items.map((item) => ({ ...item, orderId: order.id })))
        .updateEntity(false)
        .execute()
      for (const { productId, quantity } of input.items) {
        const { affected } = await manager
          .createQueryBuilder()
          .update(entities.products)
          .set({ stockQuantity: () => "stock_quantity - :quantity" })
          .where("id = :productId AND stock_quantity >= :quantity", { productId, quantity })
          .execute()
        if (affected === 0) throw new OutOfStock(productId)
      }
      return order
    },
  }
}
