import type { Kysely } from "kysely"
import { type Clock, systemClock } from "../clock/index.ts"
import { type EngineOptions, openEngine, type Signals } from "../engine/index.ts"
import { ConfigError, SessionError, ValidationError } from "../errors/index.ts"
import {
  type AnyTable,
  definitionOf,
  type Registry,
  registerTables,
  type TableDefinition,
  type Tables,
} from "../schema/index.ts"
import { currentSession, type Host, type QueryEvent, type TransactionOptions, transaction } from "../session/index.ts"
import { Backend } from "./backend.ts"
import { explainCommit } from "./explain-references.ts"
import { freeRows, type KyselyTables, templateSql } from "./free.ts"
import { type NPlusOneOptions, NPlusOneWatch } from "./n-plus-one.ts"
import type { RowCache } from "./row-cache.ts"
import { isReading } from "./statement.ts"
import type { StorageClass } from "./storage.ts"
import type { TableStorage } from "./table-storage.ts"

export type DatabaseOptions<S extends Tables> = EngineOptions & {
  /** All tables of the database, by the keys under which the program knows them. */
  tables: S
  /** Source of `now` (default: the machine's clock). */
  clock?: Clock
  /** Source of randomness for the pauses between retries, 0 to 1. */
  random?: () => number
  /** Report of reads that repeat row by row: by default it throws in tests, warns in development, is off in production. */
  nPlusOne?: Partial<NPlusOneOptions>
  /** A statement that takes longer than this is reported, in milliseconds (default: none is). */
  slowMs?: number
  /** Told of slow statements, repeated reads, and errors that no caller is left to hear (default: a process warning). */
  warn?: (message: string, cause?: unknown) => void
}

type StorageClasses = { readonly [key: string]: StorageClass<any, any, any> }

type Opened<C, S extends Tables> =
  C extends StorageClass<infer T, any, infer I> ? (T extends AnyTable ? TableStorage<T, S> & I : I) : never

/** Storages by key; each knows all relations of the database. */
export type Storages<C extends StorageClasses, S extends Tables> = { readonly [K in keyof C]: Opened<C[K], S> }

type Listener = (event: QueryEvent) => void

/** An opened database. */
export class Database<S extends Tables = Tables> {
  readonly #backend: Backend
  readonly #host: { -readonly [K in keyof Host]: Host[K] }
  readonly #listeners = new Set<Listener>()
  #replica: Database<S> | undefined
  #closed: Promise<void> | undefined

  constructor(backend: Backend) {
    this.#backend = backend
    this.#host = backend.host as { -readonly [K in keyof Host]: Host[K] }
  }

  /** The engine and its version, e.g. `SQLite 3.53.4`. */
  get version(): string {
    return this.#host.engine.version
  }

  /** The tables and their relations. */
  get registry(): Registry {
    return this.#backend.registry
  }

  /**
   * Storages of this database.
   *
   * ### Examples
   *
   * ```ts
   * const store = db.storages({ users: UserStorage, messages: MessageStorage })
   * await store.users.get(42)
   * ```
   */
  storages<const C extends StorageClasses>(classes: C): Storages<C, S> {
    const made: Record<string, unknown> = {}
    for (const [key, Class] of Object.entries(classes)) made[key] = this.storage(Class)
    return Object.freeze(made) as Storages<C, S>
  }

  /** One storage of this database. @throws ValidationError for a table that the database was not opened with */
  storage<C extends StorageClass<any, any, any>>(Class: C): Opened<C, S> {
    const definition = definitionOf(Class.table)
    if (this.#backend.registry.byName.get(definition.name) !== definition) {
      throw new ValidationError(`The table ${definition.name} is not among the tables of this database.`, {
        cure: "Add it to `tables` where the database is opened.",
      })
    }
    return new Class(this.#backend) as Opened<C, S>
  }

  /** Kysely on the ambient session, for what the storages cannot say; tables and columns go by their keys. */
  get sql(): Kysely<KyselyTables<S>> {
    return this.#backend.kysely
  }

  /** Runs a statement; how many rows it changed. */
  async execute(strings: TemplateStringsArray, ...values: unknown[]): Promise<number> {
    return (await this.#free("db.execute", strings, values)).changes
  }

  /** The rows of a statement, their columns in camelCase. */
  async fetch<R = Record<string, unknown>>(strings: TemplateStringsArray, ...values: unknown[]): Promise<R[]> {
    return freeRows(this.#backend, await this.#free("db.fetch", strings, values)) as R[]
  }

  /** The first row of a statement, or undefined. */
  async fetchRow<R = Record<string, unknown>>(
    strings: TemplateStringsArray,
    ...values: unknown[]
  ): Promise<R | undefined> {
    return freeRows(this.#backend, await this.#free("db.fetchRow", strings, values))[0] as R | undefined
  }

  /** The first column of the first row of a statement, or undefined. */
  async fetchValue<V = unknown>(strings: TemplateStringsArray, ...values: unknown[]): Promise<V | undefined> {
    const row = freeRows(this.#backend, await this.#free("db.fetchValue", strings, values))[0]
    return row === undefined ? undefined : (Object.values(row)[0] as V)
  }

  #free(call: string, strings: readonly string[], values: readonly unknown[]) {
    const bound = templateSql(this.#backend, strings, values)
    return this.#backend.free(bound.sql, bound.values, !isReading(bound.sql), call)
  }

  /** The host of this database's sessions; tells which database a session belongs to. */
  get host(): Host {
    return this.#host
  }

  /**
   * Gives a number that differs from the one before if another process committed in between; undefined where the engine
   * cannot tell at once.
   */
  get foreignCommits(): (() => number) | undefined {
    const { engine } = this.#host
    return engine.foreignCommits === undefined ? undefined : () => engine.foreignCommits?.() as number
  }

  /**
   * Signals to those who have this database open in other processes, that there is something to look at. They save time
   * and carry no promise: one may be lost, and one may come for nothing.
   */
  get signals(): Signals {
    return this.#host.engine.signals
  }

  /** Serves reads by key from a cache and tells it of all writes; undefined takes it away. Called by `openCache`. */
  useCache(cache: RowCache | undefined): void {
    this.#backend.cache = cache
  }

  /** Runs `work` in a transaction of this database; as `transaction` does. */
  transaction<T>(work: () => T | Promise<T>, options?: TransactionOptions): Promise<T> {
    const session = currentSession()
    if (session?.host !== undefined && session.host !== this.#host) {
      return Promise.reject(
        new SessionError("A transaction of another database is open here.", {
          cure: "End it first: one transaction holds one database.",
        }),
      )
    }
    return transaction(work, options)
  }

  /**
   * Tells `listener` of every statement: SQL, milliseconds, rows, the call that it serves.
   *
   * @returns the call that stops it
   */
  on(_event: "query", listener: Listener): () => void {
    this.#listeners.add(listener)
    this.#observe()
    return () => {
      this.#listeners.delete(listener)
      this.#observe()
    }
  }

  #observe(): void {
    const tellAll = (event: QueryEvent) => {
      for (const listener of this.#listeners) {
        try {
          listener(event)
        } catch (error) {
          // The statement did what it did: its caller is not told of another's fault.
          this.#host.report(error)
        }
      }
    }
    this.#host.observer = this.#listeners.size === 0 ? undefined : tellAll
  }

  /**
   * The same database on its read replica (`postgres: { replicaUrl }`), for reads outside transactions that may be a
   * little behind; writes through it are refused. Without a replica it is this database.
   *
   * ### Examples
   *
   * ```ts
   * const report = db.replica.storages({ orders: OrderStorage })
   * ```
   */
  get replica(): Database<S> {
    const { replica } = this.#host.engine
    if (replica === undefined) return this
    this.#replica ??= new Database<S>(this.#backend.on({ ...this.#host, engine: replica, observer: undefined }))
    return this.#replica
  }

  /** Answers when the database does. @throws UnavailableError, TimeoutError */
  ping(): Promise<void> {
    return this.#host.engine.ping()
  }

  /** Waits for what runs and closes all connections; idempotent. */
  close(): Promise<void> {
    opened.delete(this as unknown as Database)
    this.#closed ??= this.#host.engine.close()
    return this.#closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

const opened = new Set<Database>()

/** The opened database that has this table: that of the ambient session, or the only one. */
function databaseOf(table: TableDefinition): Database {
  const candidates = [...opened].filter(({ registry }) => registry.byName.get(table.name) === table)
  if (candidates.length === 1) return candidates[0] as Database
  throw new SessionError(
    candidates.length === 0
      ? `No opened database has the table ${table.name}.`
      : `${candidates.length} opened databases have the table ${table.name}.`,
    { cure: "Use the storages of the database that is meant: db.storages({ … })." },
  )
}

type Instances<C extends readonly StorageClass<any, any, any>[]> = { [K in keyof C]: InstanceType<C[K]> }

/**
 * A function with storages, whose calls share one transaction: it commits when the function resolves and rolls back
 * when it rejects.
 *
 * ### Examples
 *
 * ```ts
 * const startDialog = withStorages([DialogStorage, AccountStorage], async ([dialogs, accounts], contactId: number) => { … })
 * await startDialog(7)
 * ```
 */
export function withStorages<const C extends readonly StorageClass<any, any, any>[], A extends unknown[], R>(
  classes: C,
  work: (storages: Instances<C>, ...values: A) => R | Promise<R>,
): (...values: A) => Promise<R> {
  return async (...values) => {
    const storages = classes.map((Class) =>
      databaseOf(definitionOf(Class.table)).storage(Class),
    ) as unknown as Instances<C>
    return transaction(() => work(storages, ...values), work.name === "" ? {} : { name: work.name })
  }
}

/** In tests it throws, in production it is off, and otherwise it warns. */
function defaultMode(): NPlusOneOptions["mode"] {
  const { NODE_ENV, NODE_TEST_CONTEXT } = process.env
  if (NODE_ENV === "production") return "off"
  return NODE_ENV === "test" || NODE_TEST_CONTEXT !== undefined ? "throw" : "warn"
}

/**
 * Opens a database.
 *
 * @param url `sqlite:./data/shop.db`, `sqlite::memory:`, or `postgres://user@host/db?schema=shop`
 * @throws ConfigError, DeclarationError, UnavailableError
 *
 * ### Examples
 *
 * ```ts
 * const db = await openDatabase("sqlite:./data/app.db", { tables: { users, messages } })
 * ```
 */
export async function openDatabase<const S extends Tables>(
  url: string,
  options: DatabaseOptions<S>,
): Promise<Database<S>> {
  if (typeof url !== "string" || url === "") {
    throw new ConfigError("openDatabase needs a URL.", {
      cure: "Give one such as sqlite:./data/app.db or postgres://user@host/database.",
    })
  }
  const registry = registerTables(options.tables)
  const warn =
    options.warn ??
    ((message, cause) =>
      process.emitWarning(message, { ...(cause instanceof Error ? { detail: String(cause.stack) } : {}) }))
  const watchOptions: NPlusOneOptions = { mode: defaultMode(), limit: 10, ...options.nPlusOne }
  const watch = watchOptions.mode === "off" ? undefined : new NPlusOneWatch(watchOptions, warn)
  const engine = await openEngine(url, options)
  const host: Host = {
    engine,
    observer: undefined,
    explain: (error) => explainCommit(registry, error),
    report: (error) => warn("A callback failed whose caller is gone: work after a transaction, or a listener.", error),
    random: options.random ?? Math.random,
  }
  const database = new Database<S>(new Backend(host, registry, options.clock ?? systemClock, watch))
  opened.add(database as unknown as Database)
  const { slowMs } = options
  if (slowMs !== undefined) {
    database.on("query", ({ milliseconds, call, sql }) => {
      if (milliseconds >= slowMs) warn(`Slow statement: ${call} took ${Math.round(milliseconds)} ms: ${sql}`)
    })
  }
  return database
}
