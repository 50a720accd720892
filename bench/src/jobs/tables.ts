import { jobTables } from "../../../packages/rootstock/src/jobs/index.ts"
import { identity, integer, table } from "../../../packages/rootstock/src/schema/index.ts"

/** What jobs leave behind. */
export const ledger = table("ledger", { id: identity(), n: integer() })

export const tables = { ...jobTables, ledger }
