import type { System } from "rootstock/http"
import { makeCaches } from "./caches.ts"
import { routes } from "./routes/index.ts"
import { loadSample } from "./sample/load.ts"
import { tables } from "./schema.ts"
import { makeServices } from "./services/index.ts"
import { openStores } from "./storages/index.ts"

/** The back end of an online shop: users, addresses, products with stock, orders. */
export const shop: System<typeof tables> = {
  name: "shop",
  title: "Shop",
  tables,
  migrations: new URL("./migrations/", import.meta.url),
  auth: "open",
  open(database, context) {
    const stores = openStores(database)
    const caches = makeCaches(stores)
    return { routes: routes(makeServices({ ...context, stores, caches })), caches: Object.values(caches) }
  },
  loadSample: (database, context) => loadSample({ ...context, stores: openStores(database) }),
}
