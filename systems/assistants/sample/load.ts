import { transaction } from "rootstock"
import { ConflictError } from "rootstock/errors"
import type { SystemContext } from "rootstock/http"
import type { Stores } from "../storages/index.ts"
import { tenant } from "../tenancy.ts"

/** How many rows were loaded, by table. */
export type SampleCounts = Readonly<Record<string, number>>

/**
 * Loads the sample data: the same rows every time.
 *
 * @throws ConflictError where the database has rows
 */
export function loadSample({ stores }: SystemContext & { readonly stores: Stores }): Promise<SampleCounts> {
  return tenant.unbounded(() =>
    transaction(async () => {
      if ((await stores.organizations.count()) > 0) {
        throw new ConflictError("The database of the assistants has organisations already.", {
          cure: "Load the sample data into an empty database.",
        })
      }
      return {}
    }),
  )
}
