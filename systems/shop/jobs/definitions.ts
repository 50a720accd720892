import { fieldsOf, listOf, moment, objectOf, optional, rowId, wholeNumber } from "rootstock/fields"
import { defineJob } from "rootstock/jobs"
import { newOrder, newProduct, productChangeFields, statusChangeFields } from "../fields.ts"
import { reports } from "../schema.ts"

/** A product to be made, as `POST /products` takes it. */
export const productMessage = defineJob("product", {
  queue: "product",
  payload: newProduct,
  transactional: true,
  foreign: true,
})

/** Changes of a product. */
export const productUpdateMessage = defineJob("product_update", {
  queue: "product_update",
  payload: objectOf("ProductUpdate", { id: rowId, ...productChangeFields }),
  transactional: true,
  foreign: true,
})

/** An order to be placed, as `POST /orders` takes it. */
export const orderMessage = defineJob("order", {
  queue: "order",
  payload: newOrder,
  transactional: true,
  foreign: true,
})

/** A change of an order's status. */
export const orderUpdateMessage = defineJob("order_update", {
  queue: "order_update",
  payload: objectOf("OrderUpdate", { id: rowId, ...statusChangeFields }),
  transactional: true,
  foreign: true,
})

const { reportAt, orderId, countProduct } = fieldsOf(reports)

/** What was reported of a day, for whoever listens; kept for a week where queues are in the database. */
export const reportMessage = defineJob("report", {
  queue: "report",
  published: true,
  transactional: true,
  payload: objectOf("ReportMessage", {
    reportDate: reportAt,
    reportsCount: wholeNumber(0),
    reports: listOf(objectOf("ReportLine", { reportId: rowId, orderId, countProduct, reportAt })),
    createdAt: moment,
  }),
})

/** Makes the report of a day; without one, of the day before the instant that the job is for. */
export const reportRun = defineJob("report_run", {
  queue: "report_run",
  payload: objectOf("ReportRun", { reportDate: optional(reportAt) }),
  transactional: true,
})

/** All kinds of jobs of the shop. */
export const jobs = [productMessage, productUpdateMessage, orderMessage, orderUpdateMessage, reportMessage, reportRun]
