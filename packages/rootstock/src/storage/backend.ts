import type { Kysely } from "kysely"
import { type Clock, elapsed } from "../clock/index.ts"
import type {
  Connection,
  Dialect,
  Engine,
  Executor,
  FreeExecutor,
  FreeResult,
  Lookup,
  Query,
  Step,
  StepResult,
} from "../engine/index.ts"
import { transactionWord } from "../engine/index.ts"
import {
  CheckError,
  ForeignKeyError,
  NotNullError,
  SerializationError,
  SessionError,
  UniqueError,
} from "../errors/index.ts"
import type { Registry, SqlValue, TableDefinition } from "../schema/index.ts"
import { currentSession, type Host, type QueryEvent, transaction } from "../session/index.ts"
import { makeKysely } from "./free.ts"
import type { NPlusOneWatch } from "./n-plus-one.ts"
import { Plans } from "./plans.ts"
import type { RowCache, Writes } from "./row-cache.ts"
import { tablesWritten } from "./statement.ts"

/** Turns an error of the engine into one that speaks of the table; it may ask the database. */
export type Explain = (error: unknown, executor: Executor) => Promise<unknown>

/** Tells the cache what a write did, from its result. */
export type Touch<R> = (writes: Writes, result: R) => void

/** What storages run on: an opened database, with the ambient session where there is one. */
export class Backend {
  readonly host: Host
  readonly registry: Registry
  readonly clock: Clock
  readonly dialect: Dialect
  readonly watch: NPlusOneWatch | undefined
  readonly #plans = new Map<TableDefinition, Plans>()
  #kysely: Kysely<any> | undefined
  #cache: RowCache | undefined

  constructor(host: Host, registry: Registry, clock: Clock, watch: NPlusOneWatch | undefined) {
    this.host = host
    this.registry = registry
    this.clock = clock
    this.dialect = host.engine.dialect
    this.watch = watch
  }

  /** The same tables on another host. */
  on(host: Host): Backend {
    return new Backend(host, this.registry, this.clock, this.watch)
  }

  /** Kysely on the ambient session, made at the first use. */
  get kysely(): Kysely<any> {
    this.#kysely ??= makeKysely(this)
    return this.#kysely
  }

  /** The kept plans of a table. */
  plans(table: TableDefinition): Plans {
    let plans = this.#plans.get(table)
    if (plans === undefined) {
      plans = new Plans(table, this.dialect)
      this.#plans.set(table, plans)
    }
    return plans
  }

  /** Serves reads by key from a cache, and tells it of writes; undefined takes it away. */
  set cache(cache: RowCache | undefined) {
    this.#cache = cache
    for (const table of this.registry.byName.values()) this.#attach(this.plans(table), cache)
  }

  #attach(plans: Plans, cache: RowCache | undefined): void {
    plans.watched = cache?.watches(plans.table) ?? false
    plans.reader = cache?.reader(plans.table, {
      load: (key) => this.#load(plans, key),
      check: (key) => {
        plans.encodeKey(key)
      },
      count: () => this.countGet(plans.table),
    })
  }

  /** Counts a read by key. @throws NPlusOneError */
  countGet({ name }: TableDefinition): void {
    this.watch?.count(`${name}.get`, "Read the rows together with getMany(ids), or with `with` where they are loaded.")
  }

  #load(plans: Plans, key: unknown): Promise<unknown> {
    if (plans.keyColumns.length === 1) return this.lookup(plans.lookup, plans.encodeKey(key)[0] as SqlValue)
    return this.first(plans.lookupByKeys, plans.encodeKey(key))
  }

  all<T>(query: Query<T>, values: readonly SqlValue[]): Promise<T[]> {
    const { host } = this
    const session = currentSession()
    if (host.observer !== undefined)
      return this.#observed(
        query,
        (on) => on.all(query, values),
        (rows) => rows.length,
      )
    if (session === undefined) return host.engine.all(query, values)
    return session.run(host, query.label, (on) => on.all(query, values))
  }

  first<T>(query: Query<T>, values: readonly SqlValue[]): Promise<T | undefined> {
    const { host } = this
    const session = currentSession()
    if (host.observer !== undefined) return this.#observed(query, (on) => on.first(query, values), countOne)
    if (session === undefined) return host.engine.first(query, values)
    return session.run(host, query.label, (on) => on.first(query, values))
  }

  lookup<T>(lookup: Lookup<T>, key: SqlValue): Promise<T | undefined> {
    const { host } = this
    const session = currentSession()
    if (host.observer !== undefined) return this.#observed(lookup.one, (on) => on.lookup(lookup, key), countOne)
    if (session === undefined) return host.engine.lookup(lookup, key)
    return session.run(host, lookup.one.label, (on) => on.lookup(lookup, key))
  }

  /** A writing statement that returns its first row. */
  write<T>(
    query: Query<T>,
    values: readonly SqlValue[],
    explain: Explain,
    touch?: Touch<T | undefined>,
  ): Promise<T | undefined> {
    return this.#explained(query, (on) => on.first(query, values), countOne, explain, touch)
  }

  /** A writing statement; how many rows it changed. */
  run(query: Query, values: readonly SqlValue[], explain: Explain, touch?: Touch<number>): Promise<number> {
    return this.#explained(
      query,
      (on) => on.run(query, values),
      (changes) => changes,
      explain,
      touch,
    )
  }

  /** Several writing statements, all or none. */
  unit(steps: readonly Step[], explain: Explain, touch?: Touch<StepResult[]>): Promise<StepResult[]> {
    const first = steps[0]
    if (first === undefined) return Promise.resolve([])
    return this.#explained(
      first.query,
      (on) => on.unit(steps),
      (results) => results.reduce((sum, { changes }) => sum + changes, 0),
      explain,
      touch,
    )
  }

  stream<T>(query: Query<T>, values: readonly SqlValue[], size: number): AsyncIterable<T[]> {
    const session = currentSession()
    const portions =
      session === undefined
        ? this.host.engine.stream(query, values, size)
        : session.stream(this.host, query.label, (on) => on.stream(query, values, size))
    return this.host.observer === undefined ? portions : this.#observedStream(query, portions)
  }

  /** Tells of a stream once, at its end. */
  async *#observedStream<T>(query: Query<T>, portions: AsyncIterable<T[]>): AsyncIterable<T[]> {
    const start = elapsed()
    let rows = 0
    let failure: Pick<QueryEvent, "rows" | "error"> | undefined
    try {
      for await (const portion of portions) {
        rows += portion.length
        yield portion
      }
    } catch (error) {
      failure = { rows: undefined, error }
      throw error
    } finally {
      this.host.observer?.({
        sql: query.sql,
        milliseconds: elapsed() - start,
        call: query.label,
        ...(failure ?? { rows }),
      })
    }
  }

  /** Free SQL; `writes` says whether it needs the writer. */
  free(sql: string, values: readonly SqlValue[], writes: boolean, call: string): Promise<FreeResult> {
    const word = transactionWord(sql)
    if (word !== undefined) {
      const error = new SessionError(`${call} was given ${word}.`, {
        cure: "Begin and end transactions with `transaction(…)`, not with SQL.",
      })
      return Promise.reject(error)
    }
    const query: Query = { sql, decode: (row) => row, wide: false, writes, returns: true, label: call }
    const work = (on: FreeExecutor) => on.free(sql, values, writes)
    const count = ({ rows, changes }: FreeResult) => rows.length || changes
    const cache = this.#cache
    const touched =
      writes && cache !== undefined ? tablesWritten(sql, this.registry).filter((one) => cache.watches(one)) : []
    if (cache === undefined || touched.length === 0) return this.#run(query, work, count)
    const touch = (collected: Writes) => {
      for (const table of touched) collected.some(table, true)
    }
    // Also of a refused one part may be done, e.g. of several statements, or by UPDATE OR FAIL.
    return this.#touching({ cache, query, work, count, touch, isUndone: () => false })
  }

  #explained<T>(
    query: Query,
    work: (on: Executor) => Promise<T>,
    count: (result: T) => number,
    explain: Explain,
    touch: Touch<T> | undefined,
  ): Promise<T> {
    const explained = (on: Executor) =>
      work(on).catch(async (error) => {
        throw await explain(error, on)
      })
    const cache = this.#cache
    if (cache === undefined || touch === undefined) return this.#run(query, explained, count)
    return this.#touching({ cache, query, work: explained, count, touch, isUndone: isRefused })
  }

  #run<T>(query: Query, work: Work<T>, count: (result: T) => number): Promise<T> {
    return this.host.observer === undefined ? this.#dispatch(query.label, work) : this.#observed(query, work, count)
  }

  /** A write of which the cache is told: with the session's other writes, or at once where it is a transaction of its own. */
  async #touching<T>(write: TouchingWrite<T>): Promise<T> {
    const { cache, query, work, count, touch, isUndone } = write
    const session = currentSession()
    if (session === undefined && cache.recordsWrites) {
      return transaction(() => this.#touching(write), { name: query.label })
    }
    const writes = session === undefined ? cache.collect() : session.participant(cache, () => cache.collect())
    // Inside of the call, so that a session which waits for it has heard of it.
    const noting = (on: Engine | Connection) =>
      work(on).then((result) => {
        try {
          touch(writes, result)
        } catch (error) {
          // The write is done: its caller is not told of another's fault.
          this.#touchAll(cache, writes)
          this.host.report(error)
        }
        return result
      })
    if (session !== undefined) return this.#run(query, noting, count)
    try {
      const result = await this.#run(query, noting, count)
      await writes.committed()
      return result
    } catch (error) {
      if (!isUndone(error)) await this.#forgetAll(cache)
      throw error
    }
  }

  /** After a write whose outcome is not known. */
  async #forgetAll(cache: RowCache): Promise<void> {
    const writes = cache.collect()
    this.#touchAll(cache, writes)
    await writes.committed()
  }

  #touchAll(cache: RowCache, writes: Writes): void {
    for (const table of this.registry.byName.values()) if (cache.watches(table)) writes.some(table, true)
  }

  #dispatch<T>(label: string, work: (on: Engine | Connection) => Promise<T>): Promise<T> {
    const session = currentSession()
    return session === undefined ? work(this.host.engine) : session.run(this.host, label, work)
  }

  async #observed<T>(
    query: Query,
    work: (on: Engine | Connection) => Promise<T>,
    count: (result: T) => number,
  ): Promise<T> {
    const start = elapsed()
    const tell = (outcome: Pick<QueryEvent, "rows" | "error">) =>
      this.host.observer?.({ sql: query.sql, milliseconds: elapsed() - start, call: query.label, ...outcome })
    try {
      const result = await this.#dispatch(query.label, work)
      tell({ rows: count(result) })
      return result
    } catch (error) {
      tell({ rows: undefined, error })
      throw error
    }
  }
}

type Work<T> = (on: Engine | Connection) => Promise<T>

/** A write of which the cache is told. */
type TouchingWrite<T> = {
  readonly cache: RowCache
  readonly query: Query
  readonly work: Work<T>
  readonly count: (result: T) => number
  readonly touch: Touch<T>
  /** Whether an error means that nothing was written. */
  readonly isUndone: (error: unknown) => boolean
}

const refusals = [UniqueError, ForeignKeyError, NotNullError, CheckError, SerializationError]

/**
 * Whether the database refused a statement. After other errors it may have been carried out: the connection broke, or the
 * rows that it gave back cannot be read.
 */
function isRefused(error: unknown): boolean {
  return refusals.some((Refusal) => error instanceof Refusal)
}

function countOne(row: unknown): number {
  return row === undefined ? 0 : 1
}
