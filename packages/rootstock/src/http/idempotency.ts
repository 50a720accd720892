import { createHash, createHmac } from "node:crypto"
import type { Clock } from "../clock/index.ts"
import { NotFoundError, UniqueError } from "../errors/index.ts"
import { transaction } from "../session/index.ts"
import { actorName, commonRules, idempotency, type RuleError } from "../shared/index.ts"
import { Storage } from "../storage/index.ts"
import type { AnswerStore, KeptAnswer, KeyedRequest } from "./answer-store.ts"

/** How long an answer is kept, in milliseconds. */
const keptFor = 24 * 3_600_000
/** How long a request may run before another one with its key takes over, in milliseconds. */
const lease = 60_000
/** How often expired answers are removed, in milliseconds. */
const sweepInterval = 3_600_000
/** Status of a row whose request is running. */
const running = 0

/** The answers that are kept. */
export class IdempotencyStorage extends Storage(idempotency) {}

type RowKey = { actor: string; route: string; key: string }

/**
 * Keeps answers in a system's own database.
 *
 * A key is claimed before the work begins, so that a repeated request sees the first one running; the answer is written
 * in the work's own transaction, and only while the claim still stands. Work that fails gives its claim back; that of a
 * killed process ends after a minute.
 */
export class DatabaseAnswers implements AnswerStore {
  readonly #rows: IdempotencyStorage
  readonly #clock: Clock
  readonly #digestKey: Uint8Array | undefined
  #sweptAt = Number.NEGATIVE_INFINITY

  /** @param options.digestKey makes digests of bodies useless to whoever has the database alone; where bodies have secrets */
  constructor(rows: IdempotencyStorage, clock: Clock, { digestKey }: { digestKey?: Uint8Array | undefined } = {}) {
    this.#rows = rows
    this.#clock = clock
    this.#digestKey = digestKey
  }

  async answerOnce(request: KeyedRequest, work: () => Promise<KeptAnswer>): Promise<KeptAnswer> {
    const key = { actor: actorName(request.actor), route: shortened(request.route), key: request.key }
    const claim = await this.#claim(key, digestOf(request.body, this.#digestKey))
    if ("status" in claim) return claim
    try {
      return await transaction(
        async () => {
          const answer = await work()
          await this.#keep(key, claim.until, answer)
          return answer
        },
        { name: request.route },
      )
    } catch (error) {
      await this.#rows.deleteWhere({ ...key, status: running, expiresAt: claim.until })
      throw error
    }
  }

  /** Claims a key until an instant, or finds the answer that was kept under it. */
  async #claim(key: RowKey, bodyHash: string): Promise<{ until: Date } | KeptAnswer> {
    for (;;) {
      const present = this.#clock.now()
      await this.#sweep(present)
      const until = new Date(present.getTime() + lease)
      try {
        await this.#rows.create({ ...key, bodyHash, status: running, expiresAt: until })
        return { until }
      } catch (error) {
        if (!(error instanceof UniqueError)) throw error
      }
      const found = await this.#rows.get(key)
      if (found === undefined) continue
      if (found.expiresAt <= present) {
        const { status, expiresAt } = found
        const changes = { bodyHash, status: running, body: null, expiresAt: until }
        if ((await this.#rows.updateWhere({ ...key, status, expiresAt }, changes)) === 1) return { until }
        continue
      }
      if (found.bodyHash !== bodyHash) {
        throw commonRules.broken("IDEMPOTENCY_KEY_REUSED", "The idempotency key was used with another body.")
      }
      if (found.status === running) throw inProgress()
      return { status: found.status, body: found.body }
    }
  }

  async #keep(key: RowKey, until: Date, { status, body }: KeptAnswer): Promise<void> {
    const expiresAt = new Date(this.#clock.now().getTime() + keptFor)
    // As JSON carries it: dates become text, as they do in the answer.
    const json: unknown = body === undefined ? null : JSON.parse(JSON.stringify(body))
    const where = { status: running, expiresAt: until }
    try {
      await this.#rows.update(key, { status, body: json, expiresAt }, { where })
    } catch (error) {
      // Another request took the key over, since this one ran too long.
      if (error instanceof NotFoundError) throw inProgress()
      throw error
    }
  }

  async #sweep(present: Date): Promise<void> {
    if (present.getTime() - this.#sweptAt < sweepInterval) return
    this.#sweptAt = present.getTime()
    await this.#rows.deleteWhere({ expiresAt: { lte: present } })
  }
}

function inProgress(): RuleError {
  return commonRules.broken("REQUEST_IN_PROGRESS", "The first request with this idempotency key is still running.", {
    headers: { "retry-after": "1" },
  })
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex")
}

function shortened(route: string): string {
  return route.length <= 160 ? route : sha256(route)
}

/** A digest of what a body says, whatever the order of its keys. */
function digestOf(body: unknown, key: Uint8Array | undefined): string {
  const text = JSON.stringify(body ?? null, sortKeys)
  return key === undefined ? sha256(text) : createHmac("sha256", key).update(text).digest("hex")
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}
