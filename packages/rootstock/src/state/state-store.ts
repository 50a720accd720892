import type { CacheCounts, Coherence } from "../cache/index.ts"
import { type Clock, systemClock } from "../clock/index.ts"
import { ConflictError, ValidationError } from "../errors/index.ts"
import { canonicalJson, definitionOf, shown } from "../schema/index.ts"
import { Storage } from "../storage/index.ts"
import { checkLife, checkName, checkWhole } from "./checks.ts"
import {
  type Conversation,
  conversationAt,
  freezeJson,
  isKeptConversation,
  type KeptConversation,
} from "./conversation.ts"
import type { StateDatabase } from "./database.ts"
import { KeptValues } from "./kept-values.ts"
import { day, type Lives, livesOf } from "./lives.ts"
import { type Prunable, type PruneOptions, pruneAll } from "./prune.ts"
import { conversationStates } from "./tables.ts"
import { together } from "./together.ts"

class ConversationRows extends Storage(conversationStates) {}

export type StateStoreOptions = Lives & {
  /** Default: the machine's clock. */
  clock?: Clock
  /** Source of randomness for first versions and pauses, 0 to 1. */
  random?: () => number
  /** Most bytes of one key's data as JSON in UTF-8 (default 64 KiB). */
  maxDataBytes?: number
  /** How long it can be told of a key that its time is over, in milliseconds (default 7 days). */
  expiredForMs?: number
  /** What keeps values true to the database that are read from memory or Redis (default: each read asks the database). */
  coherence?: Coherence | undefined
}

/** What to change: what is left out stays as it is, null takes away. */
export type StateChanges<D> = {
  /** Name of the state, 1 to 100 characters. */
  readonly state?: string | null | undefined
  /** Anything that JSON carries, but null. */
  readonly data?: D | null | undefined
}

type Row = Awaited<ReturnType<ConversationRows["getMany"]>>[number]

const longestState = 100
const dataType = definitionOf(conversationStates).column.get("data")!.type

/**
 * Conversation state by key: a name of a state and data, each with a time to live. The database holds the truth; with a
 * coherence, reads outside of transactions come from memory or Redis and are as true.
 *
 * Every call takes part in the ambient transaction, so that a state changes with the data that it stands for or not at all.
 *
 * ### Examples
 *
 * ```ts
 * const states = new StateStore<Draft>(db, { clock })
 * await states.set("bot:17:42", { state: "order:quantity", data: { product: 7 } })
 * const { state, data, stateExpired } = await states.get("bot:17:42")
 * ```
 */
export class StateStore<D = unknown> implements Prunable {
  readonly name = "states"
  readonly #db: StateDatabase
  readonly #rows: ConversationRows
  readonly #clock: Clock
  readonly #random: () => number
  readonly #lives: Required<Lives>
  readonly #maxDataBytes: number
  readonly #expiredForMs: number
  readonly #kept: KeptValues<KeptConversation>

  /** @param db a database that was opened with `stateTables` among its tables */
  constructor(
    db: StateDatabase & { storage(Class: typeof ConversationRows): ConversationRows },
    options: StateStoreOptions = {},
  ) {
    this.#db = db
    this.#rows = db.storage(ConversationRows)
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? Math.random
    this.#lives = livesOf(options, { stateTtlMs: day, dataTtlMs: day })
    this.#maxDataBytes = checkWhole("maxDataBytes", options.maxDataBytes ?? 65_536, 1, 16_777_216)
    this.#expiredForMs = checkLife("expiredForMs", options.expiredForMs ?? 7 * day)
    this.#kept = new KeptValues(options.coherence, "state:{key}", isKeptConversation)
  }

  /**
   * What is kept under a key.
   *
   * @throws ValidationError for what is no key
   */
  async get(key: string): Promise<Conversation<D>> {
    checkName("The key", key)
    return this.#conversation(await this.#kept.read(keptKey(key), async () => keptOf(await this.#rows.get(key))))
  }

  /** What is kept under each of these keys, in their order; one query for those that do not come from the cache. */
  async getMany(keys: readonly string[]): Promise<Conversation<D>[]> {
    for (const key of keys) checkName("A key", key)
    const load = together((some) => this.#loadMany(some))
    const kept = await Promise.all(keys.map((key) => this.#kept.read(keptKey(key), () => load(key))))
    return kept.map((one) => this.#conversation(one))
  }

  /**
   * Sets the state, the data, or both, whatever they were. What is set lives from this moment on.
   *
   * @returns the version that it has then
   * @throws ValidationError for data that JSON cannot carry or that are too large
   *
   * ### Examples
   *
   * ```ts
   * await states.set(key, { state: "order:confirm" })            // the data stay, with their own time to live
   * await states.set(key, { state: null, data: { cart: [] } })   // no state
   * ```
   */
  async set(key: string, changes: StateChanges<D>, lives: Lives = {}): Promise<number> {
    const change = this.#change(key, changes, lives)
    return (await this.#kept.write([keptKey(key)], "states.set", () => this.#put(change, true))) as number
  }

  /**
   * Sets what `set` sets, if the key is still at the version that was read; 0 stands for a key under which nothing lives.
   *
   * @returns the version that it has then, or undefined where another change came first
   */
  async compareAndSet(
    key: string,
    version: number,
    changes: StateChanges<D>,
    lives: Lives = {},
  ): Promise<number | undefined> {
    checkWhole("The version", version, 0, Number.MAX_SAFE_INTEGER)
    const change = this.#change(key, changes, lives)
    return this.#kept.write([keptKey(key)], "states.compareAndSet", () =>
      version === 0 ? this.#put(change, false) : this.#replace(change, version),
    )
  }

  /**
   * Changes what is there by a function of it, which runs again where another change came first; so no change is lost.
   *
   * @param change gives the changes, or undefined for none; it may run many times
   * @param options.attempts how often it runs at most, 1 to 1,000 (default 100)
   * @returns what is kept then
   * @throws ConflictError where every attempt met with another change; what `change` throws
   *
   * ### Examples
   *
   * ```ts
   * await states.update(key, ({ data }) => ({ data: { ...data, quantity: (data?.quantity ?? 0) + 1 } }))
   * ```
   */
  async update(
    key: string,
    change: (current: Conversation<D>) => StateChanges<D> | undefined | Promise<StateChanges<D> | undefined>,
    options: Lives & { attempts?: number } = {},
  ): Promise<Conversation<D>> {
    const attempts = checkWhole("attempts", options.attempts ?? 100, 1, 1_000)
    checkName("The key", key)
    let current = this.#conversation(await this.#kept.read(keptKey(key), () => this.#load(key)))
    for (let attempt = 1; ; attempt++) {
      const changes = await change(current)
      if (changes === undefined) return current
      const version = await this.compareAndSet(key, current.version, changes, options)
      if (version !== undefined) return this.#changed(current, changes, version)
      if (attempt === attempts) throw overtaken(key, attempts)
      await new Promise((resolve) => setTimeout(resolve, this.#random() * Math.min(2 ** attempt, 64)))
      current = this.#conversation(freezeJson(await this.#load(key)))
    }
  }

  /** Removes what is kept under a key; whether a state or data lived. */
  async delete(key: string): Promise<boolean> {
    checkName("The key", key)
    const row = await this.#kept.write(
      [keptKey(key)],
      "states.delete",
      () =>
        this.#db.fetchRow<Row>`DELETE FROM conversation_states WHERE key = ${key}
          RETURNING state, state_expires_at, data, data_expires_at, version`,
    )
    return this.#conversation(keptOf(row)).version !== 0
  }

  /**
   * Makes what lives under a key live on from this moment; its version stays.
   *
   * @returns whether anything lived
   */
  async touch(key: string, lives: Lives = {}): Promise<boolean> {
    checkName("The key", key)
    const present = this.#present()
    const now = new Date(present)
    const { stateTtlMs, dataTtlMs } = livesOf(lives, this.#lives)
    const stateEnd = new Date(present + stateTtlMs)
    const dataEnd = new Date(present + dataTtlMs)
    const end = stateEnd > dataEnd ? stateEnd : dataEnd
    const touched = await this.#kept.write(
      [keptKey(key)],
      "states.touch",
      async () =>
        (await this.#db.execute`UPDATE conversation_states AS own SET
          state_expires_at = CASE WHEN own.state_expires_at > ${now} THEN ${stateEnd} ELSE own.state_expires_at END,
          data_expires_at = CASE WHEN own.data_expires_at > ${now} THEN ${dataEnd} ELSE own.data_expires_at END,
          expires_at = CASE WHEN own.expires_at < ${end} THEN ${end} ELSE own.expires_at END,
          updated_at = ${now}
          WHERE key = ${key} AND (own.state_expires_at > ${now} OR own.data_expires_at > ${now})`) > 0 || undefined,
    )
    return touched === true
  }

  /** Removes rows that expired longer ago than `expiredForMs`. */
  prune(options: PruneOptions = {}): Promise<number> {
    const until = new Date(this.#present() - this.#expiredForMs)
    return pruneAll(this.name, options, async (most) => {
      const rows = await this.#db.fetch<{ key: string }>`DELETE FROM conversation_states WHERE expires_at <= ${until}
        AND key IN (SELECT key FROM conversation_states WHERE expires_at <= ${until} ORDER BY expires_at LIMIT ${most})
        RETURNING key`
      this.#kept.changed(rows.map(({ key }) => keptKey(key)))
      return rows.length
    })
  }

  /** What happened to the store's reads since the start, in this process; all 0 without a coherence. */
  get counts(): CacheCounts {
    return { ...this.#kept.counters }
  }

  #present(): number {
    return this.#clock.now().getTime()
  }

  /** Not by `get` of the storage, which is watched: an update reads and writes row by row by its nature. */
  async #load(key: string): Promise<KeptConversation | undefined> {
    return (await this.#loadMany([key])).get(key)
  }

  async #loadMany(keys: readonly string[]): Promise<Map<string, KeptConversation | undefined>> {
    return new Map((await this.#rows.getMany(keys)).map((row) => [row.key, keptOf(row)]))
  }

  #conversation(kept: KeptConversation | undefined): Conversation<D> {
    return conversationAt(kept, this.#present())
  }

  #change(key: string, changes: StateChanges<D>, lives: Lives): Change {
    checkName("The key", key)
    const { state, data } = changes
    if (state === undefined && data === undefined) {
      throw new ValidationError(`A change of ${key} has neither a state nor data.`, {
        cure: "Give one of them, null to take it away, or use touch to make it live longer.",
      })
    }
    if (typeof state === "string") checkName("The state", state, longestState)
    else if (state !== undefined && state !== null) checkName("The state", state)
    const { stateTtlMs, dataTtlMs } = livesOf(lives, this.#lives)
    const present = this.#present()
    const stateEnd = typeof state === "string" ? new Date(present + stateTtlMs) : null
    const dataEnd = data === undefined || data === null ? null : new Date(present + dataTtlMs)
    return {
      key,
      givesState: state !== undefined,
      state: state ?? null,
      stateEnd,
      givesData: data !== undefined,
      json: dataEnd === null ? null : this.#json(key, data),
      dataEnd,
      end: new Date(Math.max(present, stateEnd?.getTime() ?? 0, dataEnd?.getTime() ?? 0)),
      now: new Date(present),
    }
  }

  #json(key: string, data: unknown): string {
    const problem = dataType.problem(data)
    if (problem !== undefined) {
      throw new ValidationError(`The data of ${shown(key)} ${problem.sentence}.`, {
        cure: "Give plain data: objects, lists, texts, numbers and booleans.",
      })
    }
    const json = canonicalJson(data)
    const bytes = Buffer.byteLength(json)
    if (bytes <= this.#maxDataBytes) return json
    throw new ValidationError(
      `The data of ${shown(key)} have ${bytes} bytes as JSON; at most ${this.#maxDataBytes} are kept.`,
      { cure: "Keep the rows' ids in the state and the rest in tables of their own, or raise maxDataBytes." },
    )
  }

  /** Makes the row, or changes the one that is there: any one, or only one under which nothing lives. */
  async #put(change: Change, any: boolean): Promise<number | undefined> {
    const { key, givesState, state, stateEnd, givesData, json, dataEnd, end, now } = change
    const first = 1 + Math.floor(this.#random() * 2 ** 52)
    return this.#db.fetchValue<number>`INSERT INTO conversation_states AS own
      (key, state, state_expires_at, data, data_expires_at, expires_at, version, created_at, updated_at)
      VALUES (${key}, ${state}, ${stateEnd}, ${json}, ${dataEnd}, ${end}, ${first}, ${now}, ${now})
      ON CONFLICT (key) DO UPDATE SET
        state = CASE WHEN ${givesState} THEN excluded.state ELSE own.state END,
        state_expires_at = CASE WHEN ${givesState} THEN excluded.state_expires_at ELSE own.state_expires_at END,
        data = CASE WHEN ${givesData} THEN excluded.data ELSE own.data END,
        data_expires_at = CASE WHEN ${givesData} THEN excluded.data_expires_at ELSE own.data_expires_at END,
        expires_at = CASE WHEN ${givesState && givesData} OR own.expires_at < excluded.expires_at
          THEN excluded.expires_at ELSE own.expires_at END,
        version = own.version + 1,
        updated_at = excluded.updated_at
      WHERE ${any} OR (coalesce(own.state_expires_at <= ${now}, TRUE) AND coalesce(own.data_expires_at <= ${now}, TRUE))
      RETURNING version`
  }

  /** Changes the row if it lives and has this version. */
  async #replace(change: Change, version: number): Promise<number | undefined> {
    const { key, givesState, state, stateEnd, givesData, json, dataEnd, end, now } = change
    return this.#db.fetchValue<number>`UPDATE conversation_states AS own SET
      state = CASE WHEN ${givesState} THEN ${state} ELSE own.state END,
      state_expires_at = CASE WHEN ${givesState} THEN ${stateEnd} ELSE own.state_expires_at END,
      data = CASE WHEN ${givesData} THEN ${json} ELSE own.data END,
      data_expires_at = CASE WHEN ${givesData} THEN ${dataEnd} ELSE own.data_expires_at END,
      expires_at = CASE WHEN ${givesState && givesData} OR own.expires_at < ${end} THEN ${end} ELSE own.expires_at END,
      version = own.version + 1,
      updated_at = ${now}
      WHERE key = ${key} AND version = ${version} AND (own.state_expires_at > ${now} OR own.data_expires_at > ${now})
      RETURNING version`
  }

  /** What a change makes of what was read, once it is written. */
  #changed(current: Conversation<D>, { state, data }: StateChanges<D>, version: number): Conversation<D> {
    const stored = data === undefined || data === null ? undefined : freezeJson(JSON.parse(canonicalJson(data)) as D)
    const after = {
      state: state === undefined ? current.state : (state ?? undefined),
      data: data === undefined ? current.data : stored,
      stateExpired: state === undefined && current.stateExpired,
      dataExpired: data === undefined && current.dataExpired,
    }
    const lives = after.state !== undefined || after.data !== undefined
    return Object.freeze({ ...after, version: lives ? version : 0 })
  }
}

/** A change as its statements take it. */
type Change = {
  readonly key: string
  readonly givesState: boolean
  readonly state: string | null
  readonly stateEnd: Date | null
  readonly givesData: boolean
  readonly json: string | null
  readonly dataEnd: Date | null
  /** The end of what is given, and not before the present. */
  readonly end: Date
  readonly now: Date
}

/** The logical key under which it is cached. */
const keptKey = (key: string): string => `state:${key}`

function keptOf(row: Row | undefined): KeptConversation | undefined {
  if (row === undefined) return undefined
  const { state, stateExpiresAt, data, dataExpiresAt, version } = row
  return {
    state,
    stateEnd: stateExpiresAt?.getTime() ?? null,
    data,
    dataEnd: dataExpiresAt?.getTime() ?? null,
    version,
  }
}

function overtaken(key: string, attempts: number): ConflictError {
  return new ConflictError(`Each of ${attempts} changes of ${shown(key)} met with another one.`, {
    cure: "Let fewer callers change one key at once, or give more attempts.",
  })
}
