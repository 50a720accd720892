import { choice, identity, index, integer, json, table, text, timestamp } from "../schema/index.ts"
import { createdAt } from "../shared/index.ts"

/**
 * Whether Redis is trusted; one row, with the key 1. A change of `mode` is a compare-and-set on `epoch` that raises it.
 */
export const cacheControl = table("cache_ctl", {
  id: integer().primaryKey(),
  epoch: integer(),
  mode: choice("on", "off", "warming"),
  redisRunId: text({ max: 64 }).nullable(),
  windowMs: integer().describe(
    "How long after an invalidation a process may still give a value from its memory, in milliseconds: writes are acknowledged that much later. 0 where no process keeps values.",
  ),
  since: timestamp().describe(
    "When the mode was set, by the clock of who set it: for people, nothing reckons with it.",
  ),
})

/** Keys whose invalidation has begun: deleted when it is done, and done by anyone where its writer died. */
export const cacheOutbox = table(
  "cache_outbox",
  { id: identity(), keys: json<readonly string[]>(), at: createdAt() },
  (t) => [index(t.at)],
)

/** The tables that the cache needs in each database with cached rows. */
export const cacheTables = { cacheControl, cacheOutbox } as const
