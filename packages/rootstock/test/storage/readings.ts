import { identity, integer, table, text, timestamp } from "../../src/schema/index.ts"

/** The table of the test that streams. */
export const readings = table("readings", { id: identity(), sensor: text(), value: integer(), at: timestamp() })
