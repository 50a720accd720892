import { createHash } from "node:crypto"
import { type Clock, systemClock } from "../clock/index.ts"
import { once } from "../shared/index.ts"
import { Storage } from "../storage/index.ts"
import { checkLife, checkWhole } from "./checks.ts"
import type { StateDatabase } from "./database.ts"
import { OnceKeys } from "./once-keys.ts"

/** How many hits are let through, and within which time. */
export type RateLimit = {
  /** Hits within any span of `windowMs`, 1 to 1,000. */
  readonly limit: number
  /** In milliseconds. */
  readonly windowMs: number
}

/** What became of a hit. */
export type RateHit = {
  readonly allowed: boolean
  /** Whole seconds until a hit is let through again, at least 1; 0 for one that was. */
  readonly retryAfterS: number
  /** Takes the hit back, e.g. where only failures count; does nothing for one that was not let through. */
  undo(): Promise<void>
}

class OnceRows extends Storage(once) {}

/**
 * Lets so many hits of a key through within any span of a given length, over all processes and restarts. Hits that are
 * refused do not count.
 *
 * Each key has as many places as its limit, and a place is a once-key in the table `once` that lives as long as the
 * window: so nobody gets through beyond the limit, whoever runs at the same moment.
 *
 * Call it outside of transactions: one that rolls back would take its hits back.
 *
 * ### Examples
 *
 * ```ts
 * const hit = await limiter.hit(`sign-in:${email}`, { limit: 5, windowMs: 15 * 60_000 })
 * if (!hit.allowed) throw rateLimited("Too many failures.", hit.retryAfterS)
 * if (await isRight(password)) await limiter.clear(`sign-in:${email}`)
 * ```
 */
export class RateLimiter {
  readonly #db: StateDatabase
  readonly #rows: OnceRows
  readonly #clock: Clock

  /** @param db a database that was opened with `sharedTables` among its tables */
  constructor(
    db: StateDatabase & { storage(Class: typeof OnceRows): OnceRows },
    { clock = systemClock }: { clock?: Clock } = {},
  ) {
    this.#db = db
    this.#rows = db.storage(OnceRows)
    this.#clock = clock
  }

  /**
   * Counts a hit, if it is let through.
   *
   * @param key any text, e.g. what is done and by whom; only a hash of it is stored
   * @throws ValidationError for a limit that makes no sense
   */
  async hit(key: string, { limit, windowMs }: RateLimit): Promise<RateHit> {
    checkWhole("The limit", limit, 1, 1_000)
    checkLife("windowMs", windowMs)
    const now = this.#clock.now()
    const expiresAt = new Date(now.getTime() + windowMs)
    const keys = new OnceKeys(this.#db, { clock: { now: () => now } })
    const start = placesOf(key)
    for (let round = 0; round < rounds; round++) {
      const taken = await this.#taken(key, now)
      if (taken.size >= limit) {
        // So many must end before one fits in.
        const [end] = [...taken.values()].sort((a, b) => a - b).slice(taken.size - limit)
        return refused(Math.ceil(((end as number) - now.getTime()) / 1_000))
      }
      for (let place = 0; place < limit; place++) {
        const name = start + place
        if (taken.has(name) || !(await keys.once(name, { ttlMs: windowMs }))) continue
        const undo = async () => void (await this.#rows.deleteWhere({ key: name, expiresAt }))
        return { allowed: true, retryAfterS: 0, undo }
      }
    }
    return refused(1)
  }

  /** Forgets the hits of a key, e.g. after a success. */
  async clear(key: string): Promise<void> {
    await this.#rows.deleteWhere({ key: rangeOf(key) })
  }

  /** The places that are taken, with the milliseconds since 1970 when they end. */
  async #taken(key: string, now: Date): Promise<Map<string, number>> {
    const rows = await this.#rows.list({ where: { key: rangeOf(key), expiresAt: { gt: now } } })
    return new Map(rows.map(({ key, expiresAt }) => [key, (expiresAt as Date).getTime()]))
  }
}

/** How often places that others took first are looked for anew. */
const rounds = 3

function refused(retryAfterS: number): RateHit {
  return { allowed: false, retryAfterS, undo: async () => undefined }
}

/** How the once-keys of a key begin; behind it stands the number of the place. */
function placesOf(key: string): string {
  return `rate:${createHash("sha256").update(key).digest("base64url")}:`
}

/** All texts that begin so. */
function rangeOf(key: string): { gte: string; lt: string } {
  const start = placesOf(key)
  return { gte: start, lt: `${start.slice(0, -1)};` }
}
