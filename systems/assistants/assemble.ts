import type { ServiceContext, SystemParts } from "rootstock/http"
import { type PasswordCost, Passwords } from "rootstock/shared"
import { assistantsAccess } from "./access.ts"
import { chooseProvider } from "./ai/choose.ts"
import type { Provider } from "./ai/provider.ts"
import { makeCaches } from "./caches.ts"
import { concurrency } from "./jobs/definitions.ts"
import { makeHandlers } from "./jobs/handlers.ts"
import { makeSchedules } from "./jobs/schedules.ts"
import { routes } from "./routes/index.ts"
import { makeServices, type Services } from "./services/index.ts"
import { type AssistantsDatabase, openStores, type Stores } from "./storages/index.ts"

/** All that the assistants consist of, over their database. */
export type Assembled = { readonly stores: Stores; readonly services: Services; readonly parts: SystemParts }

/**
 * Puts the assistants together over their database.
 *
 * @param options.passwordCost what hashes of passwords cost, for tests that need many
 * @param options.provider what answers for AI roles, for tests; else the settings say
 */
export function assemble(
  database: AssistantsDatabase,
  context: ServiceContext,
  { passwordCost, provider }: { passwordCost?: PasswordCost; provider?: Provider } = {},
): Assembled {
  const stores = openStores(database)
  const caches = makeCaches(stores, context.settings.PROMPT_DIR)
  const services = makeServices({
    ...context,
    database,
    stores,
    caches,
    passwords: new Passwords(passwordCost),
    provider: provider ?? chooseProvider(context.settings, context.clock),
  })
  const parts = {
    access: assistantsAccess(services.auth, context.keys, services.bot.webhookSecret),
    digestKey: context.secrets.sign,
    routes: routes(services),
    caches: Object.values(caches),
    handlers: makeHandlers(services),
    concurrency,
    schedules: makeSchedules(context.timeZone),
    running: [services.bot],
  }
  return { stores, services, parts }
}
