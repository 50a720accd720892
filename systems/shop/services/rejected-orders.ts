import { hash } from "node:crypto"
import { afterCommit, transaction } from "rootstock"
import type { Logger } from "rootstock/log"
import { absent, fail, type RuleError } from "rootstock/shared"
import { newOrder } from "../fields.ts"
import { rules } from "../rules.ts"
import type { OrderWithItems, RejectedOrder, Stores } from "../storages/index.ts"
import type { Context, PageRequest } from "./context.ts"
import { type NewOrder, placeOrder } from "./place-order.ts"
import type { ProductService } from "./products.ts"

/** Orders that broke a rule when they arrived, kept so that they can be placed later. */
export class RejectedOrderService {
  readonly #stores: Stores
  readonly #log: Logger
  readonly #products: ProductService

  constructor({ stores, log }: Context, products: ProductService) {
    this.#stores = stores
    this.#log = log.named("shop.rejected_orders")
    this.#products = products
  }

  page(request: PageRequest): Promise<{ rows: RejectedOrder[]; total: number }> {
    return this.#stores.rejectedOrders.page({ orderBy: { createdAt: "desc" }, ...request })
  }

  /**
   * Keeps an order that broke a rule, in the transaction that is open.
   *
   * @param messageId of the message that it came with; the same message is kept once, however often it comes
   */
  async keep(order: NewOrder, error: RuleError, messageId: string): Promise<void> {
    const kept = keptId(messageId)
    const before = await this.#stores.rejectedOrders.byMessageId(kept)
    if (before !== undefined) {
      this.#log.info(`Rejected order ${before.id} came again`, { rejected_order_id: before.id })
      return
    }
    const { id } = await this.#stores.rejectedOrders.create({
      messageId: kept,
      payload: newOrder.toJson!(order),
      reason: error.code,
      details: {
        detail: error.message,
        ...(error.errors === undefined ? {} : { errors: error.errors }),
        ...error.members,
      },
    })
    afterCommit(() =>
      this.#log.warning(`Rejected an order of user ${order.userId}: ${error.code}: ${error.message}`, {
        rejected_order_id: id,
        user_id: order.userId,
        reason: error.code,
      }),
    )
  }

  /** @throws RuleError `NOT_FOUND`, `ALREADY_PLACED`, and those of placing an order */
  async retry(id: number): Promise<OrderWithItems> {
    this.#log.info(`Placing rejected order ${id} again`, { rejected_order_id: id })
    const { order, emptied } = await transaction(async () => {
      const rejected = (await this.#stores.rejectedOrders.lock(id)) ?? fail(absent("rejected order", id))
      if (rejected.orderId !== null) {
        throw rules.broken("ALREADY_PLACED", `Rejected order ${id} was placed as order ${rejected.orderId}.`, {
          members: { order_id: rejected.orderId },
        })
      }
      const placed = await placeOrder(this.#stores, newOrder.fromJson!(rejected.payload as never), "queue")
      await this.#stores.rejectedOrders.update(id, { orderId: placed.order.id })
      return placed
    })
    this.#log.info(`Placed rejected order ${id} as order ${order.id}`, { rejected_order_id: id, order_id: order.id })
    for (const productId of emptied) this.#products.warnIfEmpty({ id: productId, stockQuantity: 0 })
    return order
  }
}

/** The most characters of an id that are kept. */
const longestId = 128

/** A longer id is kept as its beginning and its hash, by which it is told from all others. */
function keptId(messageId: string): string {
  if (messageId.length <= longestId) return messageId
  const digest = hash("sha256", messageId, "hex")
  return messageId.slice(0, longestId - digest.length).toWellFormed() + digest
}
