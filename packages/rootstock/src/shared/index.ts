export { absent, fail, otherVersion } from "./absent.ts"
export { type Actor, actAs, actorName, actors, currentActor } from "./actor.ts"
export { type AuditEntry, AuditStorage } from "./audit.ts"
export { addDays, dayOf, rangeOfDay } from "./days.ts"
export { Encryption, type ValuePlace } from "./encryption.ts"
export { amountFromCents, centsFromAmount, mostCents } from "./money.ts"
export {
  type PasswordCost,
  Passwords,
  passwordVersion,
  renewVersion,
  shortestPassword,
  usualCost,
} from "./passwords.ts"
export {
  type CommonRule,
  commonRules,
  defineRules,
  type FieldProblem,
  type Rule,
  type RuleDetails,
  RuleError,
  type Rules,
  rateLimited,
} from "./rules.ts"
export {
  actorKinds,
  audit,
  createdAt,
  files,
  idempotency,
  linkTokens,
  once,
  settings,
  sharedTables,
  updatedAt,
} from "./tables.ts"
