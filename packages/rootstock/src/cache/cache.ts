import { ConfigError, DeclarationError, SessionError, ValidationError } from "../errors/index.ts"
import type { Metric } from "../metrics/index.ts"
import { limitedWarnings, type Warn } from "../redis/index.ts"
import { type AnyTable, definitionOf, type TableDefinition, type Tables } from "../schema/index.ts"
import { currentSession, type Host, openSession, transaction } from "../session/index.ts"
import type { Database, RowCache, RowReader, RowSource } from "../storage/index.ts"
import type { CacheState, Coherence, Trace } from "./coherence.ts"
import { Dependencies } from "./dependencies.ts"
import { EmbeddedCoherence, type EmbeddedOptions } from "./embedded.ts"
import type { MemoryLimits } from "./memory.ts"
import { type CacheStats, cacheMetrics } from "./metrics.ts"
import { off } from "./off.ts"
import { openedCaches, served } from "./opened.ts"
import { type CacheDeclaration, type RegisteredKey, registerKeys } from "./registry.ts"
import { type CachedResult, type ResultDeclaration, ResultKind } from "./results.ts"
import { RowKind } from "./rows.ts"
import { CollectedWrites } from "./writes.ts"

export type CacheOptions = {
  /**
   * `memory:` (default) keeps values in this process, `redis://host:6379/0` in Redis too, `off:` nowhere.
   * `memory:?exclusive=true` says that nobody else writes to a PostgreSQL database: no other process, and in this one no
   * other opened database.
   */
  url?: string | undefined
  /** What is cached. */
  caches: readonly CacheDeclaration[]
  /** What stands before all keys in Redis (default: nothing). */
  prefix?: string | undefined
  /** Whether values from Redis are kept in this process too (default: true). A write then waits some 20 ms more. */
  local?: boolean | undefined
  /** What Redis promises: `strict` (default), `bounded` (a second at most), or `ttl` (by age only). */
  coherence?: "strict" | "bounded" | "ttl" | undefined
  /** Bounds of the process's memory. */
  memory?: MemoryLimits | undefined
  /** Between 0 and 1 (default: Math.random), for the parts taken off times to live. */
  random?: (() => number) | undefined
  /** Told of what goes wrong in the background, and that the cache is away; at most once a minute each (default: a process warning). */
  warn?: Warn | undefined
  /** Told of each hit, miss, fill and invalidation by its key; for debug logs. */
  trace?: Trace | undefined
}

/** A cache over the rows of one database. Made by `openCache`. */
export class Cache implements RowCache {
  /** The registry of keys: pattern, time to live, owner, which writes touch it. */
  readonly keys: readonly RegisteredKey[]
  readonly #database: Database
  readonly #coherence: Coherence
  readonly #rowKinds = new Map<TableDefinition, RowKind>()
  readonly #resultKinds = new Map<ResultDeclaration, ResultKind>()
  readonly #dependencies = new Dependencies()
  #closed: Promise<void> | undefined

  constructor(
    database: Database,
    coherence: Coherence,
    declarations: readonly CacheDeclaration[],
    trace: Trace | undefined,
  ) {
    const { rows, results, keys } = registerKeys(declarations)
    this.keys = keys
    this.#database = database
    this.#coherence = coherence
    for (const one of rows) {
      if (this.#rowKinds.has(this.#known(one.table))) {
        throw new DeclarationError(`The table ${one.table.name} is cached under two keys.`, {
          cure: "Declare one cacheRows for each table.",
        })
      }
      const kind = new RowKind(one, coherence, trace)
      this.#rowKinds.set(one.table, kind)
      this.#dependencies.addRows(kind)
    }
    for (const declaration of results) {
      this.#resultKinds.set(declaration, new ResultKind(declaration, coherence, trace))
      for (const tag of declaration.exampleTags) {
        this.#known(tag.table)
        this.#dependencies.addTag(tag)
      }
    }
  }

  #known(table: TableDefinition): TableDefinition {
    if (this.#database.registry.byName.get(table.name) === table) return table
    throw new DeclarationError(`The table ${table.name} is not among the tables of this database.`, {
      cure: "Add it to `tables` where the database is opened, or leave out what is cached of it.",
    })
  }

  /** Begins to serve. Called by `openCache`. */
  async start(): Promise<void> {
    if (served.has(this.host)) {
      throw new SessionError("The database has a cache already.", {
        cure: "Open one with all that is cached, or close the other first.",
      })
    }
    served.add(this.host)
    try {
      await this.#coherence.start()
    } catch (error) {
      served.delete(this.host)
      throw error
    }
    if (this.state !== "off") this.#database.useCache(this)
    openedCaches.add(this)
  }

  /** `off` where nothing is cached, `away` while Redis does not answer. */
  get state(): CacheState {
    return this.#coherence.state
  }

  /** What keeps the values true; for states and sets that are to be kept in the same place. */
  get coherence(): Coherence {
    return this.#coherence
  }

  get host(): Host {
    return this.#database.host
  }

  /** Whether this cache has a declaration open. */
  has(declaration: ResultDeclaration): boolean {
    return this.#resultKinds.has(declaration)
  }

  /** Whether a logical key is of one of the patterns. */
  owns(key: string): boolean {
    return this.#kindWith(key) !== undefined
  }

  #kindWith(key: string): RowKind | ResultKind | undefined {
    for (const kind of this.#rowKinds.values()) if (kind.rows.pattern.matches(key)) return kind
    for (const kind of this.#resultKinds.values()) if (kind.declaration.pattern.matches(key)) return kind
    return undefined
  }

  kindOf(declaration: ResultDeclaration): ResultKind {
    return this.#resultKinds.get(declaration) as ResultKind
  }

  /** A cached function, on this cache whatever others are open. @throws DeclarationError where it was not opened with it */
  result<A extends readonly (string | number | bigint | boolean | Date)[], R>(
    cached: CachedResult<A, R>,
  ): (...values: A) => Promise<R> {
    const { declaration } = cached
    if (!this.has(declaration)) {
      throw new DeclarationError(`${declaration.pattern.text} is not among what this cache was opened with.`, {
        cure: "Give it to openCache with the others.",
      })
    }
    return async (...values) => {
      declaration.checkCount(values)
      if (currentSession() === undefined && openedCaches.has(this)) return this.kindOf(declaration).get(values) as R
      return declaration.load(...(values as unknown as never[])) as R
    }
  }

  reader(table: TableDefinition, source: RowSource): RowReader | undefined {
    const kind = this.#rowKinds.get(table)
    if (kind !== undefined) kind.source = source
    return kind
  }

  watches(table: TableDefinition): boolean {
    const { registry } = this.#database
    const dependencies = this.#dependencies
    return (
      dependencies.of(table) !== undefined ||
      dependencies.cascade(table, registry).length > 0 ||
      dependencies.followers(table, registry).length > 0
    )
  }

  get recordsWrites(): boolean {
    return this.#coherence.recordsWrites
  }

  collect(): CollectedWrites {
    return new CollectedWrites(this.#dependencies, this.#coherence, this.#database.registry)
  }

  /** Forgets these logical keys: at once, or after the commit of the ambient transaction. */
  async forget(keys: readonly string[]): Promise<void> {
    await this.#forget((writes) => {
      for (const key of keys) writes.drop(key, this.#kindWith(key))
    })
  }

  /**
   * Forgets all that depends on rows of these tables: for writes that the library does not see, e.g. of a trigger or of
   * another program.
   */
  async forgetTables(...tables: readonly AnyTable[]): Promise<void> {
    await this.#forget((writes) => {
      for (const table of tables) writes.some(this.#known(definitionOf(table)), true)
    })
  }

  async #forget(note: (writes: CollectedWrites) => void): Promise<void> {
    const session = openSession("cache.forget")
    if (session !== undefined) {
      note(session.participant<CollectedWrites>(this, () => this.collect()))
    } else if (this.recordsWrites) {
      await transaction(() => this.#forget(note), { name: "cache.forget" })
    } else {
      const writes = this.collect()
      note(writes)
      await writes.committed()
    }
  }

  /** The JSON text that is kept under a logical key, and the milliseconds that it has to live. */
  inspect(key: string): Promise<{ text: string; ttlMs: number } | undefined> {
    return this.#coherence.inspect(key)
  }

  /**
   * Logical keys that are kept.
   *
   * @param pattern with `*` for any text, e.g. `user:*`
   * @param limit most keys, 1 to 10,000 (default 1,000)
   * @throws ValidationError
   */
  async find(pattern: string, limit = 1_000): Promise<string[]> {
    if (!Number.isSafeInteger(limit) || limit < 1 || limit > 10_000) {
      throw new ValidationError(`The limit of keys is ${limit}.`, { cure: "Give a whole number from 1 to 10,000." })
    }
    return this.#coherence.keys(pattern, limit)
  }

  /** Empties the cache. */
  flush(): Promise<void> {
    return this.#coherence.flush()
  }

  /** What happened since the start, in this process. */
  stats(): CacheStats {
    const kinds = [...this.#rowKinds.values(), ...this.#resultKinds.values()]
    const memory = this.#coherence.memory
    return {
      state: this.state,
      entries: memory?.entries ?? 0,
      bytes: memory?.bytes ?? 0,
      kinds: Object.fromEntries(kinds.map(({ pattern, counters }) => [pattern, { ...counters }])),
    }
  }

  /** The counts as metrics. */
  metrics(): readonly Metric[] {
    return cacheMetrics(this.stats())
  }

  /** Serves no more; idempotent. The database stays open. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    openedCaches.delete(this)
    served.delete(this.host)
    if (this.state !== "off") this.#database.useCache(undefined)
    await this.#coherence.stop()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/**
 * Opens the cache of a database: from here on its storages serve `get(key)` from it, and tell it of their writes.
 *
 * On SQLite and in one process nothing else is needed. With several processes on PostgreSQL, values can only be kept where
 * Redis keeps them true: without it every read is one of the database.
 *
 * Open it before the database is written to: of a write that is under way meanwhile it does not know.
 *
 * @throws DeclarationError, ConfigError; SessionError where the database has a cache already
 *
 * ### Examples
 *
 * ```ts
 * const cache = await openCache(db, { url: "redis://localhost:6379/0", caches: [userCache, productCache, projectDetail] })
 * ```
 */
export async function openCache<S extends Tables>(database: Database<S>, options: CacheOptions): Promise<Cache> {
  const plain = database as unknown as Database
  const cache = new Cache(plain, await coherenceOf(plain, options), options.caches, options.trace)
  await cache.start()
  return cache
}

async function coherenceOf(database: Database, options: CacheOptions): Promise<Coherence> {
  const { url = "memory:", memory, random = Math.random, warn = (message) => process.emitWarning(message) } = options
  switch (/^([a-z]+):/.exec(url)?.[1]) {
    case "off":
      return off
    case "memory":
      return inMemory(database, url, { memory, random, report: reportTo(limitedWarnings(warn)) })
    case "redis":
    case "rediss": {
      const { prefix, local, coherence } = options
      // Only who uses Redis loads its client.
      const { redisCoherence } = await import("./redis/index.ts")
      return redisCoherence(url, database, { prefix, local, coherence, memory, random, warn })
    }
    default:
      throw wrongUrl()
  }
}

function wrongUrl(): ConfigError {
  return new ConfigError("The URL of the cache is not understood.", {
    cure: "Give memory:, memory:?exclusive=true, off: or redis://host:6379/0.",
  })
}

const reportTo = (warn: Warn) => (error: unknown) => warn("A cached value could not be renewed.", error)

function inMemory(database: Database, url: string, options: Omit<EmbeddedOptions, "foreignCommits">): Coherence {
  if (!/^memory:(?:\?exclusive=(?:true|false))?$/.test(url)) throw wrongUrl()
  const exclusive = url.endsWith("=true")
  const foreignCommits = exclusive ? undefined : database.foreignCommits
  return exclusive || foreignCommits !== undefined ? new EmbeddedCoherence({ ...options, foreignCommits }) : off
}
