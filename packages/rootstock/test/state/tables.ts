import { cacheTables } from "../../src/cache/index.ts"
import { sharedTables } from "../../src/shared/index.ts"
import { stateTables } from "../../src/state/index.ts"

/** Tables of a system that uses the state layer. */
export const tables = { ...stateTables, once: sharedTables.once } as const

/** Those of one that has Redis too. */
export const tablesOverRedis = { ...tables, ...cacheTables } as const
