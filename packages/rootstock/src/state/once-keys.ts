import { type Clock, systemClock } from "../clock/index.ts"
import { checkLife, checkName } from "./checks.ts"
import type { StateDatabase } from "./database.ts"
import { type Prunable, type PruneOptions, pruneAll } from "./prune.ts"

/**
 * Keys of what must happen once. They stand in the table `once` of the shared tables.
 *
 * ### Examples
 *
 * ```ts
 * await transaction(async () => {
 *   if (!(await keys.once(`invoice:${order.id}`))) return
 *   await store.invoices.create({ orderId: order.id }) // a rollback frees the key by itself
 * })
 * ```
 */
export class OnceKeys implements Prunable {
  readonly name = "once"
  readonly #db: StateDatabase
  readonly #clock: Clock

  /** @param db a database that was opened with `sharedTables` among its tables */
  constructor(db: StateDatabase, options: { clock?: Clock } = {}) {
    this.#db = db
    this.#clock = options.clock ?? systemClock
  }

  /**
   * Takes a key, in the ambient transaction where there is one. While another transaction holds it and has not ended,
   * this waits for the outcome: a rollback frees the key.
   *
   * @param key 1 to 200 characters
   * @param options.ttlMs after so many milliseconds it can be taken again (default: never)
   * @returns whether it was free
   */
  async once(key: string, options: { ttlMs?: number } = {}): Promise<boolean> {
    checkName("The key", key)
    const now = this.#clock.now()
    const { ttlMs } = options
    const end = ttlMs === undefined ? null : new Date(now.getTime() + checkLife("ttlMs", ttlMs))
    const made = await this.#db.execute`INSERT INTO once (key, expires_at, created_at)
      VALUES (${key}, ${end}, ${now}) ON CONFLICT (key) DO NOTHING`
    if (made > 0) return true
    // A key that is taken is only read: on a server, to lock its row would cost as much as to write one.
    const lives = await this.#db.fetchValue`SELECT 1 FROM once
      WHERE key = ${key} AND (expires_at IS NULL OR expires_at > ${now})`
    return lives === undefined && this.#takeAgain(key, end, now)
  }

  /** Takes a key whose time is over, unless another caller was faster. */
  async #takeAgain(key: string, end: Date | null, now: Date): Promise<boolean> {
    const taken = await this.#db.execute`INSERT INTO once AS own (key, expires_at, created_at)
      VALUES (${key}, ${end}, ${now})
      ON CONFLICT (key) DO UPDATE SET expires_at = excluded.expires_at, created_at = excluded.created_at
      WHERE own.expires_at <= ${now}`
    return taken > 0
  }

  /** Removes keys that can be taken again anyway. */
  prune(options: PruneOptions = {}): Promise<number> {
    const now = this.#clock.now()
    return pruneAll(
      this.name,
      options,
      (most) => this.#db.execute`DELETE FROM once WHERE expires_at <= ${now}
        AND key IN (SELECT key FROM once WHERE expires_at <= ${now} ORDER BY expires_at LIMIT ${most})`,
    )
  }
}
