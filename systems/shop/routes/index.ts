import type { Route } from "rootstock/http"
import type { Services } from "../services/index.ts"
import { addressRoutes } from "./addresses.ts"
import { orderRoutes } from "./orders.ts"
import { productRoutes } from "./products.ts"
import { reportRoutes } from "./reports.ts"
import { userRoutes } from "./users.ts"

/** Every call of the shop, once. */
export function routes(services: Services): Route[] {
  return [userRoutes, addressRoutes, productRoutes, orderRoutes, reportRoutes].flatMap((make) => make(services))
}
