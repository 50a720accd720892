export type { Host, QueryEvent } from "./host.ts"
export { type Callback, currentSession, type Participant, runInSession, Session } from "./session.ts"
export { afterCommit, afterRollback, outsideTransaction, type TransactionOptions, transaction } from "./transaction.ts"
