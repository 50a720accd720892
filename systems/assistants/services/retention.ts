import { transaction } from "rootstock"
import type { Clock } from "rootstock/clock"
import type { Logger } from "rootstock/log"
import type { Context } from "./context.ts"

const day = 24 * 3_600_000
const keptMs = { chatEvents: 7 * day, notificationLog: 180 * day } as const

/** Most rows that one transaction removes. */
const usualPortion = 500

/** Removes what is kept for some days only, of all organisations; and tokens that are over. */
export class Retention {
  readonly #database: Context["database"]
  readonly #clock: Clock
  readonly #log: Logger
  readonly #portion: number

  constructor(
    { database, clock, log }: Pick<Context, "database" | "clock" | "log">,
    { portion = usualPortion }: { portion?: number } = {},
  ) {
    this.#database = database
    this.#clock = clock
    this.#log = log.named("assistants.retention")
    this.#portion = portion
  }

  /** Removes all that is over, oldest first, in portions, each in a transaction of its own. @param signal ends it between two */
  async run(signal?: AbortSignal): Promise<void> {
    const db = this.#database
    const now = this.#clock.now()
    const before = (kept: number) => new Date(now.getTime() - kept)
    const events = before(keptMs.chatEvents)
    const logged = before(keptMs.notificationLog)
    // Each finds its rows by the index of the instant that decides.
    await this.#remove(
      "chat_events",
      signal,
      (most) => db.execute`DELETE FROM chat_events WHERE (chat_id, seq) IN
        (SELECT chat_id, seq FROM chat_events WHERE created_at < ${events} ORDER BY created_at LIMIT ${most})`,
    )
    await this.#remove(
      "notification_log",
      signal,
      (most) => db.execute`DELETE FROM notification_log WHERE id IN
        (SELECT id FROM notification_log WHERE created_at < ${logged} ORDER BY created_at LIMIT ${most})`,
    )
    await this.#remove(
      "refresh_tokens",
      signal,
      (most) => db.execute`DELETE FROM refresh_tokens WHERE token_hash IN
        (SELECT token_hash FROM refresh_tokens WHERE expires_at <= ${now} ORDER BY expires_at LIMIT ${most})`,
    )
    await this.#remove(
      "link_tokens",
      signal,
      (most) => db.execute`DELETE FROM link_tokens WHERE token_hash IN
        (SELECT token_hash FROM link_tokens WHERE expires_at <= ${now} ORDER BY expires_at LIMIT ${most})`,
    )
  }

  async #remove(table: string, signal: AbortSignal | undefined, remove: (most: number) => Promise<number>) {
    let total = 0
    let removed: number
    do {
      signal?.throwIfAborted()
      removed = await transaction(() => remove(this.#portion), { name: "retention" })
      total += removed
    } while (removed === this.#portion)
    if (total > 0) this.#log.info(`Removed ${total} rows of ${table}`, { table, removed: total })
  }
}
