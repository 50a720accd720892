import { cacheTables } from "rootstock/cache"
import { jobTables } from "rootstock/jobs"
import { scheduleTables } from "rootstock/schedule"
import {
  boolean,
  check,
  choice,
  date,
  identity,
  index,
  integer,
  json,
  now,
  type Row,
  table,
  text,
  timestamp,
  unique,
} from "rootstock/schema"
import { createdAt, sharedTables, updatedAt } from "rootstock/shared"
import { stateTables } from "rootstock/state"

/** States of an order; `cancelled` and `returned` are final. */
export const orderStatuses = [
  "pending",
  "confirmed",
  "processing",
  "shipped",
  "delivered",
  "cancelled",
  "returned",
] as const

/** Why stock changed. */
export const movementReasons = ["initial", "order", "cancel", "return", "receipt", "correction"] as const

export const users = table("users", {
  id: identity(),
  username: text({ max: 150 }).unique(),
  email: text({ max: 255 }).unique().describe("In lower case."),
  description: text({ max: 500 }).nullable(),
  createdAt: createdAt(),
  updatedAt: timestamp().nullable().onUpdate(now).describe("Null until the first change."),
})

export const addresses = table(
  "addresses",
  {
    id: identity(),
    userId: integer().references(() => users.id, { onDelete: "cascade" }),
    country: text({ max: 100 }),
    city: text({ max: 100 }),
    street: text({ max: 255 }),
    postalCode: text({ max: 20 }).nullable(),
    isPrimary: boolean().default(false),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [unique(t.userId).where("is_primary")],
)

export const products = table(
  "products",
  {
    id: identity(),
    name: text({ max: 255 }).unique(),
    description: text({ max: 1000 }).nullable(),
    priceCents: integer().check("price_cents >= 0"),
    currency: text({ max: 3 }).default("RUB"),
    stockQuantity: integer().default(0).check("stock_quantity >= 0"),
    isActive: boolean().default(true),
    lowStockThreshold: integer().default(0),
    version: integer().default(0),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [index(t.createdAt)],
  { version: "version" },
)

/** Where an order goes, as the address was when it was placed. */
export type AddressSnapshot = { country: string; city: string; street: string; postalCode: string | null }

export const orders = table(
  "orders",
  {
    id: identity(),
    userId: integer().references(() => users.id),
    deliveryAddressId: integer().references(() => addresses.id),
    addressSnapshot: json<AddressSnapshot>().describe("The address as it was when the order was placed."),
    status: choice(...orderStatuses).default("pending"),
    totalCents: integer(),
    currency: text({ max: 3 }),
    cancelReason: text({ max: 500 }).nullable(),
    source: choice("rest", "queue", "console").default("rest"),
    version: integer().default(0),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [index(t.userId, t.createdAt.desc()), index(t.status, t.createdAt.desc()), index(t.createdAt)],
  { version: "version" },
)

export const orderItems = table("order_items", {
  orderId: integer()
    .primaryKey()
    .references(() => orders.id, { onDelete: "cascade", many: "items" }),
  productId: integer()
    .primaryKey()
    .references(() => products.id),
  quantity: integer().check("quantity >= 1"),
  priceCents: integer().describe("When ordered."),
  productName: text({ max: 255 }).describe("When ordered."),
  createdAt: createdAt(),
})

export const reports = table(
  "reports",
  {
    id: identity(),
    reportAt: date(),
    orderId: integer().references(() => orders.id, { onDelete: "cascade" }),
    countProduct: integer(),
    createdAt: createdAt(),
  },
  (t) => [unique(t.reportAt, t.orderId), check("count_product", "count_product >= 0")],
)

export const stockMovements = table(
  "stock_movements",
  {
    id: identity(),
    productId: integer().references(() => products.id, { onDelete: "cascade" }),
    delta: integer().check("delta <> 0"),
    reason: choice(...movementReasons),
    orderId: integer()
      .nullable()
      .references(() => orders.id),
    actor: text({ max: 80 }),
    balanceAfter: integer().check("balance_after >= 0"),
    createdAt: createdAt(),
  },
  (t) => [index(t.productId, t.id.desc())],
  { appendOnly: { parent: "productId" } },
)

export const rejectedOrders = table(
  "rejected_orders",
  {
    id: identity(),
    messageId: text({ max: 128 }).nullable().unique(),
    payload: json(),
    reason: text({ max: 64 }).describe("Code of the rule that the order broke."),
    details: json(),
    orderId: integer()
      .nullable()
      .references(() => orders.id, { onDelete: "set null" })
      .describe("Set by a retry that worked."),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [index(t.createdAt.desc())],
)

export const reportRuns = table("report_runs", {
  reportDate: date().primaryKey(),
  reportsCount: integer().default(0),
  startedAt: timestamp(),
  finishedAt: timestamp().nullable(),
  messageSentAt: timestamp().nullable(),
  error: text().nullable(),
  createdAt: createdAt(),
  updatedAt: updatedAt(),
})

/** The tables of the shop's database. */
export const tables = {
  users,
  addresses,
  products,
  orders,
  orderItems,
  reports,
  stockMovements,
  rejectedOrders,
  reportRuns,
  ...sharedTables,
  ...cacheTables,
  ...jobTables,
  ...scheduleTables,
  ...stateTables,
}

export type User = Row<typeof users>
export type Address = Row<typeof addresses>
export type Product = Row<typeof products>
export type Order = Row<typeof orders>
export type OrderItem = Row<typeof orderItems>
export type OrderStatus = (typeof orderStatuses)[number]
export type MovementReason = (typeof movementReasons)[number]
