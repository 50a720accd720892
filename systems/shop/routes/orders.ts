import { moment, oneOf, optional, refined, rowId } from "rootstock/fields"
import { type Route, route } from "rootstock/http"
import { commonRules } from "rootstock/shared"
import { newOrder, order, orderPage, pageQuery, rejectedOrderPage, statusChange } from "../fields.ts"
import { rules } from "../rules.ts"
import { orderStatuses } from "../schema.ts"
import type { Services } from "../services/index.ts"

const tag = "orders"
const params = { orderId: rowId }
const absent = commonRules.pick("NOT_FOUND")
const version = (row: { version: number }) => row.version
const placing = rules.pick(
  "USER_NOT_FOUND",
  "ADDRESS_NOT_FOUND",
  "ADDRESS_NOT_OWNED",
  "PRODUCT_NOT_FOUND",
  "PRODUCT_INACTIVE",
  "MIXED_CURRENCY",
  "OUT_OF_STOCK",
  "INSUFFICIENT_STOCK",
)
const query = {
  ...pageQuery,
  userId: optional(rowId),
  status: optional(oneOf(...orderStatuses)),
  from: optional(refined(moment, { description: "Placed at this instant or later." })),
  to: optional(refined(moment, { description: "Placed before this instant." })),
}

export function orderRoutes({ orders, rejectedOrders }: Services): Route[] {
  return [
    route(
      "GET",
      "/orders",
      { summary: "Orders with their items, newest first", tag, query, answer: orderPage },
      async ({ query: { count, page, ...filters } }) => {
        const { rows, total } = await orders.search(filters, { count, page })
        return { orders: rows, total }
      },
    ),
    route(
      "GET",
      "/orders/{order_id}",
      { summary: "One order with its items", tag, params, answer: order, version, refusals: absent },
      ({ params: { orderId } }) => orders.get(orderId),
    ),
    route(
      "POST",
      "/orders",
      {
        summary: "Place an order",
        description:
          "All of it or nothing. Lines of the same product are merged; stock goes down when the order is placed.",
        tag,
        body: newOrder,
        answer: order,
        status: 201,
        refusals: placing,
      },
      ({ body }) => orders.place(body, "rest"),
    ),
    route(
      "PUT",
      "/orders/{order_id}",
      {
        summary: "Change the status of an order",
        description: "Cancelling puts every line back into stock; so does a return unless `restock` is false.",
        tag,
        params,
        body: statusChange,
        answer: order,
        version,
        refusals: commonRules.pick("NOT_FOUND", "ILLEGAL_TRANSITION"),
      },
      ({ params: { orderId }, body, ifVersion }) => orders.changeStatus(orderId, body, ifVersion),
    ),
    route(
      "GET",
      "/orders/rejected",
      { summary: "Orders that were rejected, newest first", tag, query: pageQuery, answer: rejectedOrderPage },
      async (call) => {
        const { rows, total } = await rejectedOrders.page(call.query)
        return { orders: rows, total }
      },
    ),
    route(
      "POST",
      "/orders/rejected/{rejected_order_id}/retry",
      {
        summary: "Place a rejected order again",
        tag,
        params: { rejectedOrderId: rowId },
        answer: order,
        refusals: { ...absent, ...placing, ...rules.pick("ALREADY_PLACED") },
      },
      ({ params: { rejectedOrderId } }) => rejectedOrders.retry(rejectedOrderId),
    ),
  ]
}
