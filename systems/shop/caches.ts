import { cacheResult, cacheRows, tagsOf } from "rootstock/cache"
import { orderItems, orders } from "./schema.ts"
import type { Stores } from "./storages/index.ts"
import { ProductStorage } from "./storages/products.ts"
import { UserStorage } from "./storages/users.ts"

const orderRows = tagsOf(orders)
const itemRows = tagsOf(orderItems)

/** What the shop caches: users, products, and orders with their items. */
export function makeCaches(stores: Stores) {
  return {
    users: cacheRows(UserStorage, { key: "user:{id}", ttl: "1h", onWrite: "invalidate" }),
    products: cacheRows(ProductStorage, { key: "product:{id}", ttl: "10m", onWrite: "refresh" }),
    orderWithItems: cacheResult(
      "order:{id}",
      { ttl: "10m", tags: (id) => [orderRows.row(id), itemRows.where({ orderId: id })] },
      (id: number) => stores.orders.withItems(id),
    ),
  }
}

export type Caches = ReturnType<typeof makeCaches>
