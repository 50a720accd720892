import type { Database, Storages } from "rootstock"
import { AuditStorage } from "rootstock/shared"
import type { tables } from "../schema.ts"
import { AddressStorage } from "./addresses.ts"
import { OrderItemStorage } from "./order-items.ts"
import { OrderStorage } from "./orders.ts"
import { ProductStorage } from "./products.ts"
import { RejectedOrderStorage } from "./rejected-orders.ts"
import { ReportRunStorage, ReportStorage } from "./reports.ts"
import { StockMovementStorage } from "./stock-movements.ts"
import { UserStorage } from "./users.ts"

const storageClasses = {
  users: UserStorage,
  addresses: AddressStorage,
  products: ProductStorage,
  orders: OrderStorage,
  orderItems: OrderItemStorage,
  reports: ReportStorage,
  reportRuns: ReportRunStorage,
  stockMovements: StockMovementStorage,
  rejectedOrders: RejectedOrderStorage,
  audit: AuditStorage,
}

/** The shop's database. */
export type ShopDatabase = Database<typeof tables>

/** The storages of the shop. */
export type Stores = Storages<typeof storageClasses, typeof tables>

export function openStores(database: ShopDatabase): Stores {
  return database.storages(storageClasses)
}

export type { OrderFilters, OrderWithItems } from "./orders.ts"
export type { ProductFilters, ProductSort } from "./products.ts"
export type { RejectedOrder } from "./rejected-orders.ts"
export type { Report } from "./reports.ts"
export type { StockMovement } from "./stock-movements.ts"
