import { Storage } from "rootstock"
import { type Order, type OrderItem, type OrderStatus, orders, tables } from "../schema.ts"

export type OrderWithItems = Order & { items: OrderItem[] }

/** An order with the number of its pieces. */
export type PlacedOrder = { orderId: number; countProduct: number }

export type OrderFilters = {
  userId?: number | undefined
  status?: OrderStatus | undefined
  /** Placed at this instant or later. */
  from?: Date | undefined
  /** Placed before this instant. */
  to?: Date | undefined
}

const withItems = { items: { orderBy: { productId: "asc" } } } as const

export class OrderStorage extends Storage(orders, tables) {
  /** An order with its items in the order of the products' ids. */
  withItems(id: number): Promise<OrderWithItems | undefined> {
    return this.get(id, { with: withItems })
  }

  /** Orders placed within `[start, end)`, whatever their status, with the number of their pieces; by id, in one query. */
  placedWithin({ start, end }: { start: Date; end: Date }): Promise<PlacedOrder[]> {
    return this.sql
      .selectFrom("orders")
      .innerJoin("orderItems", "orderItems.orderId", "orders.id")
      .where("orders.createdAt", ">=", start)
      .where("orders.createdAt", "<", end)
      .groupBy("orders.id")
      .orderBy("orders.id")
      .select((of) => [
        "orders.id as orderId",
        of.cast<number>(of.fn.sum("orderItems.quantity"), "integer").as("countProduct"),
      ])
      .execute()
  }

  /** Orders that fit the filters with their items, the newest first. */
  search(
    { userId, status, from, to }: OrderFilters,
    page: { count: number; page: number },
  ): Promise<{ rows: OrderWithItems[]; total: number }> {
    const placed = { ...(from === undefined ? {} : { gte: from }), ...(to === undefined ? {} : { lt: to }) }
    return this.page({
      where: {
        ...(userId === undefined ? {} : { userId }),
        ...(status === undefined ? {} : { status }),
        ...(Object.keys(placed).length === 0 ? {} : { createdAt: placed }),
      },
      orderBy: { createdAt: "desc" },
      with: withItems,
      ...page,
    })
  }
}
