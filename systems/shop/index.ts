import type { System } from "rootstock/http"
import { makeCaches } from "./caches.ts"
import { jobs } from "./jobs/definitions.ts"
import { makeHandlers } from "./jobs/handlers.ts"
import { makeSchedules } from "./jobs/schedules.ts"
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
  cachePrefix: "",
  jobs,
  open(database, context) {
    const stores = openStores(database)
    const caches = makeCaches(stores)
    const services = makeServices({ ...context, stores, caches })
    return {
      routes: routes(services),
      caches: Object.values(caches),
      handlers: makeHandlers(services, context.timeZone),
      schedules: makeSchedules(context.timeZone),
    }
  },
  loadSample: (database, context) => loadSample({ ...context, stores: openStores(database) }),
}

export { jobs } from "./jobs/definitions.ts"
export { type Produced, produce } from "./producer.ts"
export { openStores } from "./storages/index.ts"
