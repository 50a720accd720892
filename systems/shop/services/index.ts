import { AddressService } from "./addresses.ts"
import type { Context } from "./context.ts"
import { OrderService } from "./orders.ts"
import { ProductService } from "./products.ts"
import { RejectedOrderService } from "./rejected-orders.ts"
import { ReportService } from "./reports.ts"
import { UserService } from "./users.ts"

/** The services of the shop. */
export type Services = {
  readonly users: UserService
  readonly addresses: AddressService
  readonly products: ProductService
  readonly orders: OrderService
  readonly rejectedOrders: RejectedOrderService
  readonly reports: ReportService
}

export function makeServices(context: Context): Services {
  const products = new ProductService(context)
  return {
    users: new UserService(context),
    addresses: new AddressService(context),
    products,
    orders: new OrderService(context, products),
    rejectedOrders: new RejectedOrderService(context, products),
    reports: new ReportService(context),
  }
}

export type { Context, PageRequest } from "./context.ts"
