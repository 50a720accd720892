import { transaction } from "rootstock"
import { invalidRequest } from "rootstock/fields"
import type { Logger } from "rootstock/log"
import { absent, actorName, commonRules, fail, otherVersion } from "rootstock/shared"
import type { Caches } from "../caches.ts"
import type { Order, OrderStatus } from "../schema.ts"
import type { OrderFilters, OrderWithItems, Stores } from "../storages/index.ts"
import type { Context, PageRequest } from "./context.ts"
import { nextStatuses } from "./order-status.ts"
import { type NewOrder, placeOrder } from "./place-order.ts"
import type { ProductService } from "./products.ts"

export type StatusChange = {
  status: OrderStatus
  /** Only with `cancelled`. */
  cancelReason?: string | null | undefined
  /** Only with `returned`: whether the lines go back into stock; true by default. */
  restock?: boolean | undefined
}

/** Orders: placed whole or not at all, and moved through their states. */
export class OrderService {
  readonly #stores: Stores
  readonly #caches: Caches
  readonly #log: Logger
  readonly #products: ProductService

  constructor({ stores, caches, log }: Context, products: ProductService) {
    this.#stores = stores
    this.#caches = caches
    this.#log = log.named("shop.orders")
    this.#products = products
  }

  search(filters: OrderFilters, page: PageRequest): Promise<{ rows: OrderWithItems[]; total: number }> {
    return this.#stores.orders.search(filters, page)
  }

  /** @throws RuleError `NOT_FOUND` */
  async get(id: number): Promise<OrderWithItems> {
    return (await this.#caches.orderWithItems(id)) ?? fail(absent("order", id))
  }

  /** Places an order in one transaction. @throws RuleError for each rule of placing an order */
  async place(input: NewOrder, source: Order["source"]): Promise<OrderWithItems> {
    this.#log.info(`Placing an order of user ${input.userId}`, { user_id: input.userId })
    const { order, emptied } = await transaction(() => placeOrder(this.#stores, input, source))
    this.#log.info(`Placed order ${order.id}`, { order_id: order.id, user_id: order.userId })
    for (const id of emptied) this.#products.warnIfEmpty({ id, stockQuantity: 0 })
    return order
  }

  /**
   * Moves an order to another state; lines of a cancelled or returned one go back into stock.
   *
   * @throws RuleError `NOT_FOUND`, `ILLEGAL_TRANSITION`, `VERSION_MISMATCH`, and `VALIDATION_FAILED` for fields that do not belong to the state
   */
  async changeStatus(id: number, change: StatusChange, ifVersion?: number): Promise<OrderWithItems> {
    const { status, cancelReason, restock } = change
    if (cancelReason != null && status !== "cancelled") {
      throw invalidRequest([{ path: "body/cancel_reason", message: "goes with the status cancelled only" }])
    }
    if (restock !== undefined && status !== "returned") {
      throw invalidRequest([{ path: "body/restock", message: "goes with the status returned only" }])
    }
    this.#log.info(`Changing order ${id} to ${status}`, { order_id: id })
    const order = await transaction(async () => {
      const before = (await this.#stores.orders.lock(id)) ?? fail(absent("order", id))
      if (ifVersion !== undefined && ifVersion !== before.version)
        throw otherVersion("order", id, ifVersion, before.version)
      const allowed = nextStatuses[before.status]
      if (!allowed.includes(status)) {
        throw commonRules.broken("ILLEGAL_TRANSITION", `An order cannot go from ${before.status} to ${status}.`, {
          members: { from: before.status, to: status, allowed },
        })
      }
      const changes = cancelReason === undefined ? { status } : { status, cancelReason }
      const after = await this.#stores.orders.update(id, changes)
      if (status === "cancelled") await this.#putBack(id, "cancel")
      if (status === "returned" && restock !== false) await this.#putBack(id, "return")
      await this.#stores.audit.record({ action: "orders.status", entity: "orders", entityId: id, before, after })
      return (await this.#stores.orders.withItems(id))!
    })
    this.#log.info(`Changed order ${id} to ${status}`, { order_id: id })
    return order
  }

  async #putBack(orderId: number, reason: "cancel" | "return"): Promise<void> {
    const { orderItems, products, stockMovements } = this.#stores
    const items = await orderItems.list({ where: { orderId }, orderBy: { productId: "asc" } })
    for (const { productId, quantity } of items) {
      const balanceAfter = await products.putBack(productId, quantity)
      await stockMovements.create({ productId, delta: quantity, reason, orderId, actor: actorName(), balanceAfter })
    }
  }
}
