import type { Isolation } from "../engine/index.ts"
import { isRetryable, SessionError } from "../errors/index.ts"
import { type Callback, currentLease, currentSession, runInSession, Session, settle } from "./session.ts"

export type TransactionOptions = {
  /** Default: read committed on PostgreSQL. SQLite is always serializable. */
  isolation?: Isolation
  /** Writes are refused; on SQLite it does not wait for the writer. It has no meaning inside a transaction that writes. */
  readOnly?: boolean
  /** How often the whole is run again after a serialization failure or a deadlock, 0 to 100 (default 3). */
  retries?: number
  /** Inside a transaction: a savepoint, so that an error undoes only this part. */
  nested?: boolean
  /** Name for messages; by default the name of the function. */
  name?: string
}

const defaultRetries = 3

/**
 * Runs `work` in a transaction: every storage call inside, however deep, is part of it. It commits when `work` resolves
 * and rolls back when it rejects. Inside a transaction it joins that one.
 *
 * @throws what `work` throws; SessionError where a failed call was swallowed inside
 *
 * ### Examples
 *
 * ```ts
 * await transaction(async () => {
 *   const order = await store.orders.create({ userId })
 *   await store.orderItems.createMany(items.map((item) => ({ ...item, orderId: order.id })))
 * })
 * ```
 */
export async function transaction<T>(work: () => T | Promise<T>, options: TransactionOptions = {}): Promise<T> {
  const outer = currentSession()
  const label = options.name ?? (work.name === "" ? "(unnamed)" : work.name)
  if (outer === undefined) return begin(work, options, label)
  if (options.isolation !== undefined) {
    throw new SessionError(`The transaction ${label} asks for an isolation level inside another transaction.`, {
      cure: "Set the isolation where the outermost transaction begins.",
    })
  }
  if (options.nested === true) return outer.nest(label, (child) => runInSession(child, async () => work()))
  try {
    return await work()
  } catch (error) {
    // What it wrote must not be committed by a caller that goes on.
    if (outer.failure === undefined) outer.fail(error)
    throw error
  }
}

async function begin<T>(work: () => T | Promise<T>, options: TransactionOptions, label: string): Promise<T> {
  const retries = options.retries ?? defaultRetries
  const lease = currentLease()
  for (let attempt = 0; ; attempt++) {
    const session = new Session({ label, isolation: options.isolation, readOnly: options.readOnly }, undefined)
    try {
      const run = () => runInSession(session, async () => work())
      const value = await (lease === undefined ? run() : lease.during(session, run))
      await session.commit()
      await tellCommitted(session)
      for (const callback of session.afterCommit) await runInSession(undefined, () => settle(session.host, callback))
      return value
    } catch (error) {
      await session.rollback(error)
      // A commit that failed may have been carried out.
      if (session.commitTried) await tellCommitted(session)
      for (const callback of session.afterRollback) await runInSession(undefined, () => settle(session.host, callback))
      const reason = isRetryable(session.failure) ? session.failure : error
      if (!isRetryable(reason) || attempt >= retries) throw error
      const random = session.host?.random() ?? 0.5
      await new Promise((resolve) => setTimeout(resolve, (5 + random * 20) * 2 ** attempt))
    }
  }
}

/** They know nothing of each other, and may have to wait: so all at once. */
async function tellCommitted({ participants }: Session): Promise<void> {
  await Promise.all(Array.from(participants, (one) => runInSession(undefined, () => one.committed())))
}

/**
 * Runs `callback` after the ambient transaction commits, before `transaction` resolves; at once outside of one.
 *
 * @throws SessionError where the transaction ended already
 */
export function afterCommit(callback: Callback): void {
  const session = openSession("afterCommit")
  if (session === undefined) void settle(undefined, callback)
  else session.afterCommit.push(callback)
}

/**
 * Runs `callback` after the ambient transaction (or the savepoint) rolled back; never outside of one. That of a savepoint
 * runs in the transaction around it.
 *
 * @throws SessionError where the transaction ended already
 */
export function afterRollback(callback: Callback): void {
  openSession("afterRollback")?.afterRollback.push(callback)
}

/** The ambient session, which must still have its end before it. @throws SessionError where it ended already */
export function openSession(call: string): Session | undefined {
  const session = currentSession()
  if (session?.ended !== true) return session
  throw new SessionError(`${call} was called after its transaction ${session.label} ended, so it would never run.`, {
    cure: "Await every call inside the transaction, or run work that outlives it with outsideTransaction(…).",
  })
}

/** Runs `work` outside of the ambient transaction: for what must outlive it or not be undone with it. */
export function outsideTransaction<T>(work: () => T): T {
  return runInSession(undefined, work)
}
