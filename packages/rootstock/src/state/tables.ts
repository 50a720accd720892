import { index, integer, json, real, table, text, timestamp } from "../schema/index.ts"
import { createdAt, updatedAt } from "../shared/index.ts"

/** What a conversation is at and what it has gathered, by key; the two live for times of their own. */
export const conversationStates = table(
  "conversation_states",
  {
    key: text({ max: 200 }).primaryKey(),
    state: text({ max: 100 }).nullable(),
    stateExpiresAt: timestamp().nullable().describe("Null where there is no state."),
    data: json().nullable(),
    dataExpiresAt: timestamp().nullable().describe("Null where there is no data."),
    version: integer().check("version > 0").describe("Begins at random and goes up with every change."),
    expiresAt: timestamp().describe("Not before the end of both: what the pruner goes by."),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [index(t.expiresAt)],
)

/** Members of sets that are ordered by a score, e.g. what stands in a feed. */
export const orderedSetMembers = table(
  "ordered_set_members",
  {
    name: text({ max: 200 }).primaryKey(),
    member: text({ max: 200 }).primaryKey(),
    score: real(),
    expiresAt: timestamp().nullable().describe("Null where the member stays until it is removed."),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  // The first holds all that a page reads, so that the rows themselves are not visited.
  (t) => [
    index(t.name, t.score.desc(), t.member.desc(), t.expiresAt).named("ordered_set_members_order"),
    index(t.expiresAt).where("expires_at IS NOT NULL"),
  ],
)

/** The tables that the state layer needs in a database, beside `once` of the shared tables. */
export const stateTables = { conversationStates, orderedSetMembers } as const
