import type { Database } from "../storage/index.ts"

/** What the state layer asks of an opened database that has its tables. */
export type StateDatabase = Pick<Database, "execute" | "fetch" | "fetchRow" | "fetchValue">
