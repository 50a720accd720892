import { checkLife } from "./checks.ts"
import type { StateStore } from "./state-store.ts"

/** What a session middleware of grammY stores its data in: its `StorageAdapter`, https://grammy.dev/ref/core/storageadapter */
export type SessionStorage<S> = {
  read(key: string): Promise<S | undefined>
  write(key: string, value: S): Promise<void>
  delete(key: string): Promise<void>
  has(key: string): Promise<boolean>
}

/**
 * Keeps the sessions of a grammY bot in a state store, as data without a state. A session that was not written for its
 * time to live is made anew by the bot's `initial`.
 *
 * grammY reads a session before its handlers and writes it behind them, so of two updates of one chat that are handled at
 * once the later write wins; where that matters, handle the updates of a chat one after another, or use the store's `update`.
 *
 * @param options.prefix what stands before grammY's keys (default `session:`)
 * @param options.ttlMs how long a session lives from its last write on, in milliseconds (default: as the store has it for data)
 *
 * ### Examples
 *
 * ```ts
 * bot.use(session({ initial: () => ({ step: "home" }), storage: grammySessionStorage<Session>(states) }))
 * ```
 */
export function grammySessionStorage<S>(
  states: StateStore<S>,
  options: { prefix?: string; ttlMs?: number } = {},
): SessionStorage<S> {
  const { prefix = "session:", ttlMs } = options
  const lives = ttlMs === undefined ? {} : { dataTtlMs: checkLife("ttlMs", ttlMs) }
  const read = async (key: string) => (await states.get(prefix + key)).data
  return {
    // Handlers change the session in place, so each has a copy of its own.
    read: async (key) => structuredClone(await read(key)),
    write: async (key, value) => {
      await states.set(prefix + key, { data: value }, lives)
    },
    delete: async (key) => {
      await states.delete(prefix + key)
    },
    has: async (key) => (await read(key)) !== undefined,
  }
}
