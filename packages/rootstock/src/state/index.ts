export type { Conversation } from "./conversation.ts"
export { grammySessionStorage, type SessionStorage } from "./grammy.ts"
export type { Lives } from "./lives.ts"
export { OnceKeys } from "./once-keys.ts"
export {
  type Member,
  type MemberPage,
  type NewMember,
  OrderedSets,
  type OrderedSetsOptions,
  type PageOptions,
  type ScoreRange,
} from "./ordered-sets.ts"
export type { Prunable, PruneOptions } from "./prune.ts"
export { Pruner, type PrunerOptions } from "./pruner.ts"
export { type RateHit, type RateLimit, RateLimiter } from "./rate-limiter.ts"
export { type StateChanges, StateStore, type StateStoreOptions } from "./state-store.ts"
export { conversationStates, orderedSetMembers, stateTables } from "./tables.ts"
