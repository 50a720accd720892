export type { Host, QueryEvent } from "./host.ts"
export {
  type Callback,
  currentSession,
  Lease,
  type Participant,
  runInSession,
  Session,
  sessions,
} from "./session.ts"
export {
  afterCommit,
  afterRollback,
  openSession,
  outsideTransaction,
  type TransactionOptions,
  transaction,
} from "./transaction.ts"
