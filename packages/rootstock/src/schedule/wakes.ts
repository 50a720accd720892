import type { Database } from "../storage/index.ts"

/** Told that a schedule may be due at `due`, in milliseconds of Unix time. */
export type Wake = (due: number) => void

const listeners = new WeakMap<Database, Set<Wake>>()

/** Wakes the schedulers of a database in this process; those of others look by themselves. */
export function wakeSchedulers(database: Database, due: number): void {
  for (const wake of listeners.get(database) ?? []) wake(due)
}

/** @returns the call that stops it */
export function onWake(database: Database, wake: Wake): () => void {
  const present = listeners.get(database) ?? new Set()
  listeners.set(database, present)
  present.add(wake)
  return () => {
    present.delete(wake)
  }
}
