import { sharedTables } from "../../src/shared/index.ts"
import { stateTables } from "../../src/state/index.ts"

/** Tables of a system that uses the state layer. */
export const tables = { ...stateTables, once: sharedTables.once } as const
