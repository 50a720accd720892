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
import { SessionError } from "../errors/index.ts"
import type { Registry, SqlValue, TableDefinition } from "../schema/index.ts"
import { currentSession, type Host, type QueryEvent } from "../session/index.ts"
import { makeKysely } from "./free.ts"
import type { NPlusOneWatch } from "./n-plus-one.ts"
import { Plans } from "./plans.ts"

/** Turns an error of the engine into one that speaks of the table; it may ask the database. */
export type Explain = (error: unknown, executor: Executor) => Promise<unknown>

/** What storages run on: an opened database, with the ambient session where there is one. */
export class Backend {
  readonly host: Host
  readonly registry: Registry
  readonly clock: Clock
  readonly dialect: Dialect
  readonly watch: NPlusOneWatch | undefined
  readonly #plans = new Map<TableDefinition, Plans>()
  #kysely: Kysely<any> | undefined

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
  write<T>(query: Query<T>, values: readonly SqlValue[], explain: Explain): Promise<T | undefined> {
    return this.#explained(query, (on) => on.first(query, values), countOne, explain)
  }

  /** A writing statement; how many rows it changed. */
  run(query: Query, values: readonly SqlValue[], explain: Explain): Promise<number> {
    return this.#explained(
      query,
      (on) => on.run(query, values),
      (changes) => changes,
      explain,
    )
  }

  /** Several writing statements, all or none. */
  unit(steps: readonly Step[], explain: Explain): Promise<StepResult[]> {
    const first = steps[0]
    if (first === undefined) return Promise.resolve([])
    return this.#explained(
      first.query,
      (on) => on.unit(steps),
      (results) => results.reduce((sum, { changes }) => sum + changes, 0),
      explain,
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
    if (this.host.observer !== undefined)
      return this.#observed(query, work, ({ rows, changes }) => rows.length || changes)
    return this.#dispatch(call, work)
  }

  #explained<T>(
    query: Query,
    work: (on: Executor) => Promise<T>,
    count: (result: T) => number,
    explain: Explain,
  ): Promise<T> {
    const explained = (on: Executor) =>
      work(on).catch(async (error) => {
        throw await explain(error, on)
      })
    if (this.host.observer !== undefined) return this.#observed(query, explained, count)
    return this.#dispatch(query.label, explained)
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

function countOne(row: unknown): number {
  return row === undefined ? 0 : 1
}
