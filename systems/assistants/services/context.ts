import type { ServiceContext } from "rootstock/http"
import type { Passwords } from "rootstock/shared"
import type { Provider } from "../ai/provider.ts"
import type { Caches } from "../caches.ts"
import type { AssistantsDatabase, Stores } from "../storages/index.ts"

/** What every service of the assistants works with. */
export type Context = ServiceContext & {
  readonly database: AssistantsDatabase
  readonly stores: Stores
  readonly caches: Caches
  readonly passwords: Passwords
  /** What answers for AI roles. */
  readonly provider: Provider
}
