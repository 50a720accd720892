import { cacheTables } from "../../../packages/rootstock/src/cache/index.ts"
import { identity, integer, table } from "../../../packages/rootstock/src/schema/index.ts"
import { tables as benchTables } from "../schema/tables.ts"

/** Rows whose version says how old a read is. */
const counters = table("counters", { id: identity(), version: integer() })

/** The tables of the cache's tasks: the bench's users, counters, and what Rootstock's cache needs. */
export const tables = { users: benchTables.users, counters, ...cacheTables }

/** Users that the tasks ask for, and counters. */
export const userCount = 1_000
export const counterCount = 1_000
