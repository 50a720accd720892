import {
  absent,
  type CacheCounts,
  type Changes,
  type Coherence,
  type Kind,
  newCounters,
  type Target,
} from "../cache/index.ts"
import { currentSession, type Participant, type Session, transaction } from "../session/index.ts"
import { freezeJson } from "./conversation.ts"

/** How long a value is kept, in milliseconds, where nothing changes it. */
const keptMs = 3_600_000

const noTags: readonly string[] = []
const nothing: Changes["renewed"] = new Map()

/**
 * Values of JSON that a coherence keeps true to the database: reads outside of transactions go through it, and it is told
 * of every write before that is acknowledged. Without a coherence all goes to the database.
 */
export class KeptValues<V extends object> implements Kind {
  readonly pattern: string
  readonly ttlMs = keptMs
  readonly negativeTtlMs = 0
  readonly softTtlMs = undefined
  readonly jitter = 0.02
  readonly counters: CacheCounts = newCounters()
  readonly #coherence: Coherence | undefined
  readonly #isValue: (json: Readonly<Record<string, unknown>>) => boolean
  /** Targets with a value in the process's memory, by their keys. */
  readonly #targets = new Map<string, Target>()

  /** @param isValue whether an object is one of these values, since any text may come from Redis */
  constructor(
    coherence: Coherence | undefined,
    pattern: string,
    isValue: (json: Readonly<Record<string, unknown>>) => boolean,
  ) {
    this.#isValue = isValue
    this.#coherence = coherence?.state === "off" ? undefined : coherence
    this.pattern = pattern
  }

  /** Whether reads of the code that runs may be served without the database. */
  get serves(): boolean {
    return this.#coherence !== undefined && currentSession() === undefined
  }

  /** The value under a logical key, frozen. */
  async read(key: string, load: () => Promise<V | undefined>): Promise<V | undefined> {
    const coherence = this.#coherence
    if (coherence === undefined || currentSession() !== undefined) return freezeJson(await load())
    const target = this.#targets.get(key) ?? { kind: this, key, tags: noTags, slot: undefined }
    const value = coherence.peek(target)
    return (value === absent ? await coherence.read(target, load) : value) as V | undefined
  }

  /**
   * Carries out a write of the values under these logical keys.
   *
   * @param work its result is undefined where it changed nothing
   */
  async write<R>(keys: readonly string[], call: string, work: () => Promise<R | undefined>): Promise<R | undefined> {
    const coherence = this.#coherence
    if (coherence === undefined) return work()
    if (currentSession() !== undefined) {
      // Before the statement: a caller that does not wait for it may let the transaction commit as soon as it is done.
      this.changed(keys)
      return work()
    }
    if (coherence.recordsWrites) {
      const recorded = async () => {
        const result = await work()
        if (result !== undefined) this.changed(keys)
        return result
      }
      return transaction(recorded, { name: call })
    }
    let unchanged = false
    try {
      const result = await work()
      unchanged = result === undefined
      return result
    } finally {
      // Also where it failed: a statement whose answer was lost may have been carried out.
      if (!unchanged) await coherence.committed({ dropped: new Set(keys), renewed: nothing })
    }
  }

  /** The ambient transaction changes the values under these logical keys. */
  changed(keys: readonly string[]): void {
    const coherence = this.#coherence
    const session = currentSession()
    if (coherence === undefined || session === undefined) return
    const { dropped } = droppedBy(session, coherence)
    for (const key of keys) dropped.add(key)
  }

  encode(value: unknown): string {
    return JSON.stringify(value)
  }

  decode(text: string): unknown {
    const value: unknown = JSON.parse(text)
    if (typeof value === "object" && value !== null && this.#isValue(value as Record<string, unknown>)) {
      return freezeJson(value)
    }
    throw new TypeError(`no ${this.pattern}`)
  }

  freeze(value: unknown): unknown {
    return freezeJson(value)
  }

  sizeOf(value: unknown): number {
    return 200 + 2 * JSON.stringify(value).length
  }

  kept(target: Target): void {
    this.#targets.set(target.key, target)
  }

  left(target: Target): void {
    if (this.#targets.get(target.key) === target) this.#targets.delete(target.key)
  }
}

/** What a transaction changes of kept values; the coherence hears of it around the commit. */
class Dropped implements Participant, Changes {
  readonly dropped = new Set<string>()
  readonly renewed = nothing
  readonly #coherence: Coherence

  constructor(coherence: Coherence) {
    this.#coherence = coherence
  }

  async prepare(): Promise<void> {
    if (this.dropped.size > 0) await this.#coherence.prepare(this)
  }

  async committed(): Promise<void> {
    if (this.dropped.size > 0) await this.#coherence.committed(this)
  }

  join(child: Dropped): void {
    for (const key of child.dropped) this.dropped.add(key)
  }
}

/** One for all stores of a coherence, so that a transaction tells it once. */
const owners = new WeakMap<Coherence, object>()

function droppedBy(session: Session, coherence: Coherence): Dropped {
  let owner = owners.get(coherence)
  if (owner === undefined) {
    owner = {}
    owners.set(coherence, owner)
  }
  return session.participant(owner, () => new Dropped(coherence))
}
