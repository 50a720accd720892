import type { ServiceContext, SystemParts } from "rootstock/http"
import { makeCaches } from "./caches.ts"
import { makeHandlers } from "./jobs/handlers.ts"
import { makeSchedules } from "./jobs/schedules.ts"
import { routes } from "./routes/index.ts"
import { makeServices, type Services } from "./services/index.ts"
import { type AssistantsDatabase, openStores, type Stores } from "./storages/index.ts"

/** All that the assistants consist of, over their database. */
export type Assembled = { readonly stores: Stores; readonly services: Services; readonly parts: SystemParts }

/** Puts the assistants together over their database. */
export function assemble(database: AssistantsDatabase, context: ServiceContext): Assembled {
  const stores = openStores(database)
  const caches = makeCaches()
  const services = makeServices({ ...context, database, stores, caches })
  const parts = {
    routes: routes(services),
    caches: Object.values(caches),
    handlers: makeHandlers(services),
    schedules: makeSchedules(context.timeZone),
  }
  return { stores, services, parts }
}
