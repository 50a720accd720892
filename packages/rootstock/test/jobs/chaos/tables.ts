import { objectOf, wholeNumber } from "../../../src/fields/index.ts"
import { Storage } from "../../../src/index.ts"
import { defineJob, jobTables } from "../../../src/jobs/index.ts"
import { identity, integer, table } from "../../../src/schema/index.ts"

/** The effects of jobs, one row for each; nothing but the jobs themselves keeps them from being doubled. */
export const ledger = table("ledger", { id: identity(), n: integer(), attempt: integer(), pid: integer() })

export class Ledger extends Storage(ledger) {}

/** What was sent, in the transactions that sent it: the first number of each. */
export const batch = table("batch", { first: integer().primaryKey() })

export class Batches extends Storage(batch) {}

export const tables = { ...jobTables, ledger, batch }

const payload = objectOf("Numbered", { n: wholeNumber(0) })
const options = { queue: "chaos", payload, attempts: 200, backoff: (_: number, random: number) => 50 + random * 200 }

/** Its whole handler runs in the transaction that completes it. */
export const atomic = defineJob("atomic", { ...options, transactional: true })

/** It works for a while, and then commits its effect. */
export const committed = defineJob("committed", options)
