import type { KeyLookup, Secrets } from "rootstock/http"
import type { Workplace } from "./commands/surroundings.ts"
import { appUnit, openUnit, urlOf } from "./databases.ts"
import { KeyService } from "./keys/service.ts"
import { ApiKeyStorage } from "./keys/storage.ts"
import { appTables } from "./schema.ts"
import { openSecrets, SecretStorage } from "./secrets.ts"

/** The app's own database, with what every system of the process gets from it. */
export type OpenedApp = {
  readonly lookupKey: KeyLookup
  /** Keys of a system's own. */
  secretsOf(system: string): Secrets
  /** Asks its database something trivial. */
  ping(): Promise<unknown>
  /** Idempotent. */
  close(): Promise<void>
} & AsyncDisposable

/** Opens the app's database, which must be up to date. */
export async function openApp(workplace: Workplace): Promise<OpenedApp> {
  const url = urlOf(appUnit, workplace.settings, false)
  const database = await openUnit({ ...appUnit, tables: appTables }, url, workplace)
  const keys = new KeyService(database.storage(ApiKeyStorage), workplace.clock)
  const close = () => database.close()
  try {
    const secretsOf = await openSecrets(database.storage(SecretStorage), workplace.settings)
    return { lookupKey: keys.lookup, secretsOf, ping: () => database.ping(), close, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}
