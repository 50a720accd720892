import type { Kysely } from "kysely"
import type { StepResult } from "../engine/index.ts"
import { ConflictError, NotFoundError, SessionError, ValidationError } from "../errors/index.ts"
import {
  type AnyTable,
  type Changes,
  definitionOf,
  type Key,
  type PrimaryKeys,
  type Row,
  shown,
  type TableDefinition,
  type Tables,
} from "../schema/index.ts"
import { currentSession } from "../session/index.ts"
import type { Backend, Explain, Touch } from "./backend.ts"
import type { Given } from "./changes.ts"
import { planDelete, planDeleteWhere } from "./delete.ts"
import { type Attempt, explainError, explainTaken } from "./explain.ts"
import type { KyselyTables } from "./free.ts"
import { planInsert, planInsertMany, planUpsert } from "./insert.ts"
import { makeCursor, planKeyset } from "./keyset.ts"
import type { Plans } from "./plans.ts"
import { type AnyWith, loadRelations, type Narrow, relationNames, relationOf } from "./relations.ts"
import type { ScopeRule } from "./scope.ts"
import { Bounds } from "./scoped.ts"
import { type AnyOrder, planList, planScalar } from "./select.ts"
import type { AcrossKey, AcrossName, Amounts, Exactly, Loaded, NewRowIn, OrderBy, Where, With } from "./types.ts"
import { planIncrement, planLock, planUpdate, planUpdateMany, planUpdateWhere } from "./update.ts"
import type { AnyWhere } from "./where.ts"

/** Options of reads that look at soft-deleted rows too. */
type Deleted = {
  /** Rows marked as deleted are among the results. */
  withDeleted?: boolean
}

type WithOption<T extends AnyTable, S extends Tables, W> = { with?: W & Exactly<W, With<T, S>> }

type GetOptions = { with?: AnyWith; withDeleted?: boolean }

/** A page by keyset: `next` and `previous` are cursors, undefined at the ends. */
export type KeysetPage<R> = { rows: R[]; next: string | undefined; previous: string | undefined }

/** A value of a key as messages show it. */
function plainKey(value: unknown): string {
  return typeof value === "object" ? shown(value) : String(value)
}

/** What both engines take as an offset, and more than any table has rows. */
const mostOffset = Number.MAX_SAFE_INTEGER

/** Rows that a stream reads at a time. */
const streamPortion = 500

/**
 * Typed access to one table. Every call runs in the ambient transaction where there is one.
 *
 * Made by `Storage(table)`, to be extended with the calls that a system needs.
 *
 * One that is declared in a scope (`Storage(table, tables, { scope })`) rejects every call with a ScopeError where the scope
 * is not set, and otherwise sees and changes the rows of its value only: others count as not found. Relations that are
 * loaded with `with` are narrowed, too, where a storage of their table is declared in a scope; a relation to one row that
 * is not to be seen is null, whatever its type says.
 *
 * `F` are the columns that a scope fills in.
 */
export class TableStorage<T extends AnyTable, S extends Tables = {}, F extends string = never> {
  readonly #backend: Backend
  readonly #table: TableDefinition
  readonly #plans: Plans
  readonly #lookupKey: ((key: unknown) => readonly [any]) | undefined
  readonly #rule: ScopeRule | undefined

  constructor(backend: Backend, table: T, rule?: ScopeRule) {
    this.#backend = backend
    this.#table = definitionOf(table)
    this.#plans = backend.plans(this.#table)
    this.#rule = rule
    this.#lookupKey =
      this.#plans.keyColumns.length === 1 ? (this.#plans.encodeKey.bind(this.#plans) as never) : undefined
  }

  /**
   * Kysely on the ambient session, for calls of a storage that conditions cannot say. It knows the tables that were
   * given to `Storage(table, tables)`.
   *
   * In a storage with a scope it is not narrowed by itself: who writes the statement adds the condition, with the scope's
   * `current` value.
   *
   * @throws ScopeError in a storage with a scope that is not set
   *
   * ### Examples
   *
   * ```ts
   * class ProductStorage extends Storage(products, tables) {
   *   low() {
   *     return this.sql.selectFrom("products").selectAll().whereRef("stockQuantity", "<=", "lowStockThreshold").execute()
   *   }
   * }
   * ```
   */
  protected get sql(): Kysely<KyselyTables<S>> {
    this.#bounds("sql")
    return this.#backend.kysely
  }

  /** What a call may see and change; undefined means all. @throws ScopeError where the scope is not set */
  #bounds(call: string): Bounds | undefined {
    const rule = this.#rule
    if (rule === undefined) return undefined
    const setting = rule.scope.setting(`${this.#table.name}.${call}`)
    return setting === "unbounded" ? undefined : new Bounds(this.#backend, this.#table, rule, setting.value)
  }

  /** The present instant of the database's clock, for calls of a storage that set one. */
  protected now(): Date {
    return this.#backend.clock.now()
  }

  /**
   * The row with this key, or undefined.
   *
   * @throws ValidationError where the key is not of the column's type
   *
   * ### Examples
   *
   * ```ts
   * const user = await store.users.get(42) // User | undefined
   * const order = await store.orders.get(7, { with: { items: true } })
   * ```
   */
  get(key: Key<T>): Promise<Row<T> | undefined>
  get<const W extends With<T, S>>(
    key: Key<T>,
    options: WithOption<T, S, W> & Deleted,
  ): Promise<Loaded<T, S, W> | undefined>
  get(key: unknown, options?: GetOptions): Promise<any> {
    try {
      const bounds = this.#rule === undefined ? undefined : this.#bounds("get")
      return bounds === undefined ? this.#getAny(key, options) : this.#getWithin(bounds, key, options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #getAny(key: unknown, options: GetOptions | undefined): Promise<any> {
    const { reader } = this.#plans
    if (reader !== undefined && options === undefined && currentSession() === undefined) return reader.get(key)
    this.#backend.countGet(this.#table)
    if (options !== undefined || this.#lookupKey === undefined) return this.#getWith(undefined, key, options ?? {})
    return this.#backend.lookup(this.#plans.lookup, this.#lookupKey(key)[0])
  }

  /** What is looked up by key alone, or cached, is good for all scopes: the row found tells whether it is of this one. */
  async #getWithin(bounds: Bounds, key: unknown, options: GetOptions | undefined): Promise<any> {
    if (options !== undefined || !bounds.isTold) this.#backend.countGet(this.#table)
    else {
      const row = await this.#getAny(key, undefined)
      if (row === undefined || bounds.has(row)) return row
      if (!bounds.readsMore) return undefined
    }
    return this.#getWith(bounds, key, options ?? {})
  }

  async #getWith(bounds: Bounds | undefined, key: unknown, options: GetOptions): Promise<any> {
    const rows = await this.#read(bounds, "get", { where: this.#keyWhere(key), ...options })
    return rows[0]
  }

  /** The row with this key. @throws NotFoundError where there is none */
  getOrFail(key: Key<T>): Promise<Row<T>>
  getOrFail<const W extends With<T, S>>(key: Key<T>, options: WithOption<T, S, W> & Deleted): Promise<Loaded<T, S, W>>
  async getOrFail(key: unknown, options?: any): Promise<any> {
    const row = await (options === undefined ? this.get(key as Key<T>) : this.get(key as Key<T>, options))
    return row ?? this.#notFound(key)
  }

  /** The rows with these keys, in the order asked; keys without a row are left out. One query. */
  getMany(keys: readonly Key<T>[]): Promise<Row<T>[]>
  getMany<const W extends With<T, S>>(
    keys: readonly Key<T>[],
    options: WithOption<T, S, W> & Deleted,
  ): Promise<Loaded<T, S, W>[]>
  async getMany(keys: readonly unknown[], options: GetOptions = {}): Promise<any[]> {
    const bounds = this.#bounds("getMany")
    if (keys.length === 0) return []
    const { keyColumns } = this.#plans
    const name = this.#table.primaryKey[0] as string
    const where = keyColumns.length === 1 ? { [name]: keys } : { or: keys.map((key) => this.#keyWhere(key)) }
    const rows = await this.#read(bounds, "getMany", { where, ...options })
    const identify = (key: unknown): string => this.#plans.encodeKey(key).join("\u0000")
    const byKey = new Map(rows.map((row) => [identify(keyColumns.length === 1 ? row[name] : row), row]))
    return keys.map((key) => byKey.get(identify(key))).filter((row) => row !== undefined)
  }

  /** The first row that fulfils the condition, by `orderBy` and then by the key; or undefined. */
  find<const W extends With<T, S> = {}>(
    where: Where<T>,
    options: { orderBy?: OrderBy<T> } & WithOption<T, S, W> & Deleted = {},
  ): Promise<Loaded<T, S, W> | undefined> {
    return this.#find(where as AnyWhere, options as never) as never
  }

  async #find(where: AnyWhere, options: { orderBy?: AnyOrder; with?: AnyWith; withDeleted?: boolean }): Promise<any> {
    this.#backend.watch?.count(
      `${this.#table.name}.find`,
      "Read the rows together with list(…), or with `with` where they are loaded.",
    )
    const rows = await this.#read(this.#bounds("find"), "find", { where, ...options, limit: 1 })
    return rows[0]
  }

  /**
   * The rows that fulfil a condition, in a total order: by `orderBy`, then by the key.
   *
   * ### Examples
   *
   * ```ts
   * await store.messages.list({ where: { chatId: 7 }, orderBy: { createdAt: "desc" }, limit: 50 })
   * await store.chats.list({ with: { messages: { limit: 3 }, owner: true } })
   * ```
   */
  list<const W extends With<T, S> = {}>(
    options: { where?: Where<T>; orderBy?: OrderBy<T>; limit?: number; offset?: number } & WithOption<T, S, W> &
      Deleted = {},
  ): Promise<Loaded<T, S, W>[]> {
    return this.#list(options as never) as never
  }

  async #list(options: {
    where?: AnyWhere
    orderBy?: AnyOrder
    limit?: number
    offset?: number
    with?: AnyWith
    withDeleted?: boolean
  }) {
    this.#backend.watch?.count(
      `${this.#table.name}.list`,
      "Read the rows of all parents together: load them with `with`, or give a list of keys in `where`.",
    )
    return this.#read(this.#bounds("list"), "list", options)
  }

  async #read(
    bounds: Bounds | undefined,
    call: string,
    options: {
      where?: AnyWhere
      orderBy?: AnyOrder
      limit?: number
      offset?: number
      with?: AnyWith
      withDeleted?: boolean
    },
  ): Promise<any[]> {
    const relations = relationNames(this.#backend, this.#table, options.with)
    const { plan, values } = planList(this.#plans, call, narrowed(bounds, options), relations)
    const rows = (await this.#backend.all(plan.query, values)) as any[]
    if (relations.length > 0 && rows.length > 0)
      await loadRelations(this.#backend, this.#table, rows, options.with as AnyWith, narrowOf(bounds))
    return rows
  }

  /**
   * A page by number, with the count of all rows that fulfil the condition. A page behind the last one is empty, however far.
   *
   * @param options.count rows a page, from 1 on
   * @param options.page number of the page, from 1 on (default 1)
   */
  async page<const W extends With<T, S> = {}>(
    options: { where?: Where<T>; orderBy?: OrderBy<T>; count: number; page?: number } & WithOption<T, S, W> & Deleted,
  ): Promise<{ rows: Loaded<T, S, W>[]; total: number }> {
    const { count, page = 1, ...rest } = options
    if (!Number.isSafeInteger(count) || count < 1 || !Number.isSafeInteger(page) || page < 1) {
      throw new ValidationError(`Page ${page} of ${count} rows makes no sense.`, {
        cure: "Give whole numbers from 1 on.",
      })
    }
    const bounds = this.#bounds("page")
    const [rows, total] = await Promise.all([
      this.#read(bounds, "page", {
        ...(rest as object),
        limit: count,
        offset: Math.min((page - 1) * count, mostOffset),
      }),
      this.#count(bounds, options.where as AnyWhere | undefined, options.withDeleted),
    ])
    return { rows, total }
  }

  /**
   * The page behind a cursor, or the first one without; stable while rows are added, and as fast in the middle of a
   * table as at its start where an index has the order.
   *
   * @throws CursorError for a cursor that another list made
   */
  after<const W extends With<T, S> = {}>(
    cursor: string | undefined,
    options: { where?: Where<T>; orderBy?: OrderBy<T>; limit: number } & WithOption<T, S, W> & Deleted,
  ): Promise<KeysetPage<Loaded<T, S, W>>> {
    return this.#keyset(cursor, options as never, false) as never
  }

  /** The page before a cursor, or the last one without; its rows stand in the same order as those of `after`. */
  before<const W extends With<T, S> = {}>(
    cursor: string | undefined,
    options: { where?: Where<T>; orderBy?: OrderBy<T>; limit: number } & WithOption<T, S, W> & Deleted,
  ): Promise<KeysetPage<Loaded<T, S, W>>> {
    return this.#keyset(cursor, options as never, true) as never
  }

  async #keyset(
    cursor: string | undefined,
    options: { where?: AnyWhere; orderBy?: AnyOrder; limit: number; with?: AnyWith; withDeleted?: boolean },
    backwards: boolean,
  ): Promise<KeysetPage<any>> {
    const bounds = this.#bounds(backwards ? "before" : "after")
    const relations = relationNames(this.#backend, this.#table, options.with)
    const { plan, values, terms } = planKeyset(this.#plans, narrowed(bounds, options), cursor, backwards, relations)
    const rows = (await this.#backend.all(plan.query, values)) as any[]
    const more = rows.length > options.limit
    if (more) rows.pop()
    if (backwards) rows.reverse()
    if (relations.length > 0 && rows.length > 0)
      await loadRelations(this.#backend, this.#table, rows, options.with as AnyWith, narrowOf(bounds))
    const first = rows[0]
    const last = rows.at(-1)
    const hasNext = backwards ? cursor !== undefined : more
    const hasPrevious = backwards ? more : cursor !== undefined
    return {
      rows,
      next: hasNext && last !== undefined ? makeCursor(terms, last) : undefined,
      previous: hasPrevious && first !== undefined ? makeCursor(terms, first) : undefined,
    }
  }

  /** How many rows fulfil the condition. */
  async count(where?: Where<T>, options: Deleted = {}): Promise<number> {
    return this.#count(this.#bounds("count"), where as AnyWhere | undefined, options.withDeleted)
  }

  async #count(
    bounds: Bounds | undefined,
    where: AnyWhere | undefined,
    withDeleted: boolean | undefined,
  ): Promise<number> {
    const whole = bounds === undefined ? where : bounds.seen(where)
    const { plan, values } = planScalar(this.#plans, "count", whole, withDeleted, (from) => `SELECT count(*) ${from}`)
    return (await this.#backend.first(plan.query, values)) as number
  }

  /** Whether any row fulfils the condition; the row with the key `except` does not count. */
  async exists(where: Where<T>, options: { except?: Key<T> | undefined } & Deleted = {}): Promise<boolean> {
    const { except } = options
    const bounds = this.#bounds("exists")
    const whole = except === undefined ? (where as AnyWhere) : { and: [where, this.#otherThan(except)] }
    return this.#exists(bounds === undefined ? whole : bounds.seen(whole), options.withDeleted)
  }

  async #exists(where: AnyWhere, withDeleted?: boolean): Promise<boolean> {
    const { plan, values } = planScalar(this.#plans, "exists", where, withDeleted, (from) => `SELECT 1 ${from} LIMIT 1`)
    return (await this.#backend.first(plan.query, values)) !== undefined
  }

  #otherThan(key: unknown): AnyWhere {
    const where = this.#keyWhere(key)
    const parts = Object.entries(where).map(([name, value]) => ({ [name]: { not: value } }))
    return parts.length === 1 ? (parts[0] as AnyWhere) : { or: parts }
  }

  /** Makes a row and returns it as stored. @throws UniqueError, ForeignKeyError, CheckError, NotNullError, ValidationError */
  async create(row: NewRowIn<T, F>): Promise<Row<T>> {
    const bounds = this.#bounds("create")
    const whole = bounds === undefined ? row : bounds.filled(row)
    const { query, values } = planInsert(this.#plans, whole, this.#backend.clock)
    if (bounds !== undefined) await refuseMisplaced(bounds, [whole])
    const explain = this.#explain({ kind: "insert", rows: [whole as never] })
    return (await this.#backend.write(query, values, explain, this.#touchMade())) as Row<T>
  }

  /**
   * Makes many rows, all or none; 10,000 in one call are normal.
   *
   * @param options.returning `false` gives only their number, which is faster
   */
  createMany(rows: readonly NewRowIn<T, F>[]): Promise<Row<T>[]>
  createMany(rows: readonly NewRowIn<T, F>[], options: { returning: false }): Promise<number>
  async createMany(rows: readonly NewRowIn<T, F>[], options: { returning?: false } = {}): Promise<Row<T>[] | number> {
    const bounds = this.#bounds("createMany")
    const returning = options.returning !== false
    const whole = bounds === undefined ? rows : rows.map((row) => bounds.filled(row))
    const steps = planInsertMany(this.#plans, whole, returning, this.#backend.clock)
    if (bounds !== undefined) await refuseMisplaced(bounds, whole)
    const explain = this.#explain({ kind: "insert", rows: whole as never })
    const results = await this.#backend.unit(steps, explain, this.#touchManyMade(returning))
    if (!returning) return results.reduce((sum, { changes }) => sum + changes, 0)
    return results.length === 1
      ? (results[0] as { rows: Row<T>[] }).rows
      : results.flatMap((result) => result.rows as Row<T>[])
  }

  /**
   * Changes the row with this key and returns it as stored; empty changes change nothing.
   *
   * @param options.version the version that the row must still have, where the table counts versions
   * @param options.where what else must hold of the row; where it does not, it counts as not found
   * @throws NotFoundError, ConflictError (another version), and what the constraints refuse
   */
  async update(
    key: Key<T>,
    changes: Changes<T>,
    options: { version?: number | undefined; where?: Where<T> } = {},
  ): Promise<Row<T>> {
    const bounds = this.#bounds("update")
    const asked = this.#changeWhere(options)
    const where = bounds === undefined ? asked : bounds.own(asked)
    const planned = planUpdate(this.#plans, key, changes, { where }, this.#backend.clock)
    const whole = { and: [this.#keyWhere(key), where ?? {}] }
    const row =
      planned === undefined
        ? (await this.#read(undefined, "update", { where: whole }))[0]
        : bounds !== undefined && (await this.#isMisplaced(bounds, changes, whole))
          ? undefined
          : await this.#backend.write(
              planned.query,
              planned.values,
              this.#explain({ kind: "update", rows: [changes as never], key }),
              this.#touchRow(key, changes as object),
            )
    if (row !== undefined) return row as Row<T>
    const { version } = options
    const other = { and: [this.#keyWhere(key), { [this.#table.version ?? ""]: { not: version } }] }
    if (version === undefined || !(await this.#exists(bounds === undefined ? other : bounds.own(other))))
      return this.#notFound(key)
    throw new ConflictError(
      `The row ${this.#shownKey(key)} of ${this.#table.name} is not at version ${version} any more.`,
      {
        cure: "Read it again, and decide whether the change still fits.",
      },
    )
  }

  /**
   * Whether changes name a parent that is none of the scope, and no row is there that they would apply to.
   *
   * @throws ForeignKeyError where a row is there, ScopeError where it would be given to another value
   */
  async #isMisplaced(bounds: Bounds, changes: unknown, where: AnyWhere): Promise<boolean> {
    bounds.refuseOther(changes)
    if ((await bounds.misplaced([changes])).length === 0) return false
    if (await this.#exists(where)) throw bounds.noParent()
    return true
  }

  #changeWhere({ version, where }: { version?: number | undefined; where?: unknown }): AnyWhere | undefined {
    if (version === undefined) return where as AnyWhere | undefined
    const { version: column } = this.#table
    if (column === undefined) {
      throw new ValidationError(`${this.#table.name} counts no versions.`, {
        cure: 'Declare the table with { version: "…" }.',
      })
    }
    return where === undefined ? { [column]: version } : { and: [{ [column]: version }, where] }
  }

  /** Changes all rows that fulfil the condition (`{}` means all rows); how many. */
  async updateWhere(where: Where<T>, changes: Changes<T>): Promise<number> {
    const bounds = this.#bounds("updateWhere")
    const asked = this.#definite("updateWhere", where)
    const whole = bounds === undefined ? asked : bounds.own(asked)
    const planned = planUpdateWhere(this.#plans, whole, changes, this.#backend.clock)
    if (planned === undefined) return 0
    if (bounds !== undefined && (await this.#isMisplaced(bounds, changes, whole))) return 0
    return this.#backend.run(
      planned.query,
      planned.values,
      this.#explain({ kind: "update", rows: [changes as never], where: whole }),
      this.#touchSome(false),
    )
  }

  /** Changes rows, each by its key and with values of its own, all or none; how many were found. */
  async updateMany(
    rows: readonly (Changes<T> & (Key<T> extends object ? Key<T> : { [K in PrimaryKeys<T>]: Key<T> }))[],
  ): Promise<number> {
    const bounds = this.#bounds("updateMany")
    const own = bounds?.own(undefined)
    const all = planUpdateMany(this.#plans, rows, this.#backend.clock, own)
    const misplaced = bounds === undefined ? noRows : await this.#misplacedMany(bounds, rows)
    const kept = misplaced.size === 0 ? rows : rows.filter((row) => !misplaced.has(row))
    const steps = misplaced.size === 0 ? all : planUpdateMany(this.#plans, kept, this.#backend.clock, own)
    const explain = this.#explain({ kind: "update", rows: rows as never })
    const results = await this.#backend.unit(steps, explain, this.#touchMany(rows as never))
    return results.reduce((sum, { changes }) => sum + changes, 0)
  }

  /** Changes that name a parent that is none of the scope; no row is there that they would apply to. */
  async #misplacedMany(bounds: Bounds, rows: readonly unknown[]): Promise<ReadonlySet<unknown>> {
    for (const row of rows) bounds.refuseOther(row)
    const misplaced = await bounds.misplaced(rows)
    if (misplaced.length === 0) return noRows
    const keys = misplaced.map((row) => this.#keyWhere(this.#keyOf(row as Given)))
    if (await this.#exists(bounds.own({ or: keys }))) throw bounds.noParent()
    return new Set(misplaced)
  }

  /**
   * Makes a row, or changes the one that has the same values in the columns `by` of a unique constraint.
   *
   * @param options.by keys of the columns (default: the primary key)
   * @param options.update columns to change (default: all that are given)
   */
  async upsert(
    row: NewRowIn<T, F>,
    options: { by?: readonly (keyof Row<T> & string)[]; update?: readonly (keyof Row<T> & string)[] } = {},
  ): Promise<Row<T>> {
    const by = options.by ?? this.#table.primaryKey
    const bounds = this.#bounds("upsert")
    const whole = bounds === undefined ? row : bounds.filled(row)
    const own = bounds?.own(undefined)
    const { query, values } = planUpsert(this.#plans, whole, by, options.update, this.#backend.clock, own)
    if (bounds !== undefined) await refuseMisplaced(bounds, [whole])
    const attempt: Attempt = { kind: "insert", rows: [whole as never] }
    const touch = this.#touchMade(Object.keys(whole as object))
    const made = await this.#backend.write(query, values, this.#explain(attempt), touch)
    if (made !== undefined) return made as Row<T>
    // The row that has the values is none of the scope: it is in the way as it is of `create`.
    throw explainTaken(this.#backend, this.#table, attempt, by)
  }

  /**
   * Adds amounts (which may be negative) to columns of a row in one statement, so that no addition is lost.
   *
   * @param options.where what must hold of the row for it to happen
   * @param options.returning `false` gives only whether it happened, which is faster
   * @returns the row as stored, or undefined where there is none or the condition does not hold
   *
   * ### Examples
   *
   * ```ts
   * const left = await store.products.increment(id, { stockQuantity: -2 }, { where: { stockQuantity: { gte: 2 } } })
   * ```
   */
  increment(key: Key<T>, amounts: Amounts<T>, options?: { where?: Where<T> }): Promise<Row<T> | undefined>
  increment(key: Key<T>, amounts: Amounts<T>, options: { where?: Where<T>; returning: false }): Promise<boolean>
  async increment(
    key: Key<T>,
    amounts: Amounts<T>,
    options: { where?: Where<T>; returning?: false } = {},
  ): Promise<Row<T> | undefined | boolean> {
    const bounds = this.#bounds("increment")
    const whole = bounds === undefined ? options : { ...options, where: bounds.own(options.where as AnyWhere) }
    if (bounds !== undefined) bounds.refuseAdded(amounts)
    const { query, values } = planIncrement(this.#plans, key, amounts, whole as never, this.#backend.clock)
    const explain = this.#explain({ kind: "update", key, added: Object.keys(amounts) })
    if (options.returning === false) {
      return (await this.#backend.run(query, values, explain, this.#touchUnread(key, amounts))) > 0
    }
    return (await this.#backend.write(query, values, explain, this.#touchRow(key, amounts))) as Row<T> | undefined
  }

  /** Deletes the row with this key; whether there was one. @throws ForeignKeyError where other rows reference it */
  async delete(key: Key<T>): Promise<boolean> {
    const own = this.#bounds("delete")?.own(undefined)
    const { query, values } = planDelete(this.#plans, key, this.#backend.clock, own)
    const touch: Touch<number> | undefined = this.#plans.watched
      ? (writes, changes) => changes > 0 && writes.gone(this.#table, key)
      : undefined
    return (await this.#backend.run(query, values, this.#explain({ kind: "delete", key }), touch)) > 0
  }

  /** Deletes all rows that fulfil the condition (`{}` means all rows); how many. */
  async deleteWhere(where: Where<T>): Promise<number> {
    const bounds = this.#bounds("deleteWhere")
    const asked = this.#definite("deleteWhere", where)
    const whole = bounds === undefined ? asked : bounds.own(asked)
    const { query, values } = planDeleteWhere(this.#plans, whole, this.#backend.clock)
    const explain = this.#explain({ kind: "delete", where: whole })
    const touch = this.#touchSome(true)
    if (!this.#cascadesToItself()) return this.#backend.run(query, values, explain, touch)
    // A row that goes by the cascade of another before its turn is counted by PostgreSQL and not by SQLite.
    const counted = planScalar(this.#plans, "count", whole, false, (from) => `SELECT count(*) ${from}`)
    const steps = [
      { query: { ...counted.plan.query, writes: true, label: query.label }, values: counted.values },
      { query, values },
    ]
    const [count] = await this.#backend.unit(steps, explain, touch)
    return count?.rows[0] as number
  }

  /** Takes back the deletion of a row of a table with soft delete. @throws NotFoundError */
  async restore(key: Key<T>): Promise<Row<T>> {
    const { softDelete } = this.#table
    if (softDelete === undefined) {
      throw new ValidationError(`${this.#table.name} deletes for good.`, {
        cure: 'Declare the table with { softDelete: "…" }.',
      })
    }
    const where = this.#bounds("restore")?.own(undefined)
    const change = { [softDelete]: null }
    const planned = planUpdate(this.#plans, key, change, { where, withDeleted: true }, this.#backend.clock)
    const explain = this.#explain({ kind: "update", key })
    // Who looks for rows by any column may find it again.
    const touch = this.#touchUnread(key, Object.fromEntries(this.#table.columns.map((column) => [column.key, true])))
    const row = planned && (await this.#backend.write(planned.query, planned.values, explain, touch))
    return (row as Row<T> | undefined) ?? this.#notFound(key)
  }

  /** All rows that fulfil the condition, one after another, in constant memory. */
  stream<const W extends With<T, S> = {}>(
    options: { where?: Where<T>; orderBy?: OrderBy<T> } & WithOption<T, S, W> & Deleted = {},
  ): AsyncGenerator<Loaded<T, S, W>, void, undefined> {
    try {
      // A stream is of the scope in which it was asked for, wherever it is read.
      return this.#stream(this.#bounds("stream"), options as never)
    } catch (error) {
      return refused(error)
    }
  }

  async *#stream(
    bounds: Bounds | undefined,
    options: { where?: AnyWhere; with?: AnyWith },
  ): AsyncGenerator<any, void, undefined> {
    const relations = relationNames(this.#backend, this.#table, options.with)
    const { plan, values } = planList(this.#plans, "stream", narrowed(bounds, options), relations)
    for await (const rows of this.#backend.stream(plan.query, values, streamPortion)) {
      if (relations.length > 0)
        await loadRelations(this.#backend, this.#table, rows as never, options.with as AnyWith, narrowOf(bounds))
      yield* rows
    }
  }

  /**
   * The row with this key, locked until the end of the transaction: others who lock or change it wait. In a scope only a
   * row that may be changed is locked.
   *
   * @throws SessionError outside a transaction
   */
  async lock(key: Key<T>): Promise<Row<T> | undefined> {
    const bounds = this.#bounds("lock")
    const session = currentSession()
    if (session?.readOnly === true) {
      throw new SessionError(`${this.#table.name}.lock was called in a read-only transaction.`, {
        cure: "Begin the transaction without readOnly, or read with get.",
      })
    }
    if (session === undefined) {
      throw new SessionError(`${this.#table.name}.lock was called outside a transaction.`, {
        cure: "Call it inside transaction(…): the lock lasts as long.",
      })
    }
    const { query, values } = planLock(this.#plans, key, bounds?.own(undefined))
    return (await this.#backend.first(query, values)) as Row<T> | undefined
  }

  /** Links a row to others through a link table; links that exist already stay. */
  async link<N extends AcrossName<T, S>>(
    key: Key<T>,
    relation: N,
    others: readonly AcrossKey<T, S, N>[],
  ): Promise<void> {
    const bounds = this.#bounds("link")
    const { plans, from, to } = this.#linkOf(relation)
    if (bounds !== undefined && others.length > 0) {
      const relating = relationOf(this.#backend, this.#table, relation)
      if (!(await this.#exists(bounds.own(this.#keyWhere(key)), true))) throw bounds.noLinkedRow(relating)
      await bounds.refuseForeignEnds(relating, others)
    }
    const rows = others.map((other) => ({ [from]: key, [to]: other }))
    const steps = planInsertMany(plans, rows, false, this.#backend.clock).map(({ query, values }) => ({
      query: plans.shape(`link:${query.sql}`, () => ({ ...query, sql: `${query.sql} ON CONFLICT DO NOTHING` })),
      values,
    }))
    await this.#backend.unit(
      steps,
      (error, on) => explainError(this.#backend, plans.table, { kind: "insert", rows }, error, on),
      touchLinks(plans, rows),
    )
  }

  /** Removes links, never the rows at their ends; how many. */
  async unlink<N extends AcrossName<T, S>>(
    key: Key<T>,
    relation: N,
    others: readonly AcrossKey<T, S, N>[],
  ): Promise<number> {
    const bounds = this.#bounds("unlink")
    const { plans, from, to } = this.#linkOf(relation)
    if (bounds !== undefined && !(await this.#exists(bounds.own(this.#keyWhere(key)), true))) return 0
    const { query, values } = planDeleteWhere(plans, { [from]: key, [to]: others }, this.#backend.clock)
    return this.#backend.run(
      query,
      values,
      (error, on) => explainError(this.#backend, plans.table, { kind: "delete" }, error, on),
      touchSomeOf(plans, true),
    )
  }

  #linkOf(name: string): { plans: Plans; from: string; to: string } {
    const { link } = relationOf(this.#backend, this.#table, name)
    if (link === undefined) {
      throw new ValidationError(`${this.#table.name}.${name} is not many-to-many.`, {
        cure: "Set or delete the rows themselves.",
      })
    }
    return { plans: this.#backend.plans(link.table), from: link.from.key, to: link.to.key }
  }

  /** Whether deleting a row may delete others of the same table. */
  #cascadesToItself(): boolean {
    return this.#plans.shape("cascades", () => {
      const { referencedBy } = this.#backend.registry
      const reached = new Set<TableDefinition>()
      const follow = (table: TableDefinition): void => {
        for (const { source, onDelete } of referencedBy.get(table) ?? []) {
          if (onDelete !== "cascade" || reached.has(source)) continue
          reached.add(source)
          follow(source)
        }
      }
      if (this.#table.softDelete === undefined) follow(this.#table)
      return reached.has(this.#table)
    })
  }

  #keyWhere(key: unknown): AnyWhere {
    const { primaryKey } = this.#table
    this.#plans.encodeKey(key)
    if (primaryKey.length === 1) return { [primaryKey[0] as string]: key }
    return Object.fromEntries(primaryKey.map((name) => [name, (key as Record<string, unknown>)[name]]))
  }

  /** An absent condition is refused, since it would mean all rows. */
  #definite(call: string, where: unknown): AnyWhere {
    if (typeof where === "object" && where !== null) return where as AnyWhere
    throw new ValidationError(`${this.#table.name}.${call} needs a condition.`, {
      cure: "Give one; {} means all rows.",
    })
  }

  #explain(attempt: Attempt): Explain {
    return (error, executor) => explainError(this.#backend, this.#table, attempt, error, executor)
  }

  #keyOf(row: Readonly<Record<string, unknown>>): unknown {
    const { primaryKey } = this.#table
    return primaryKey.length === 1 ? row[primaryKey[0] as string] : row
  }

  /** Of a row that was made; or, with the keys of the columns that were given, may have been there. */
  #touchMade(changed?: readonly string[]): Touch<any> | undefined {
    if (!this.#plans.watched) return undefined
    return (writes, row) => writes.row(this.#table, this.#keyOf(row), row, changed)
  }

  #touchManyMade(returning: boolean): Touch<StepResult[]> | undefined {
    if (!this.#plans.watched) return undefined
    if (!returning) return this.#touchSome(false)
    return (writes, results) => {
      for (const { rows } of results) {
        for (const row of rows as Row<T>[]) writes.row(this.#table, this.#keyOf(row as never), row as never, undefined)
      }
    }
  }

  #touchRow(key: unknown, changes: object): Touch<any> | undefined {
    if (!this.#plans.watched) return undefined
    return (writes, row) => {
      if (row !== undefined) writes.row(this.#table, key, row, Object.keys(changes))
    }
  }

  /** Of a row whose values are not known. */
  #touchUnread(key: unknown, changes: object): Touch<any> | undefined {
    if (!this.#plans.watched) return undefined
    return (writes) => writes.row(this.#table, key, undefined, Object.keys(changes))
  }

  #touchMany(rows: readonly Readonly<Record<string, unknown>>[]): Touch<unknown> | undefined {
    if (!this.#plans.watched) return undefined
    return (writes) => {
      for (const row of rows) writes.row(this.#table, this.#keyOf(row), undefined, Object.keys(row))
    }
  }

  #touchSome(removed: boolean): Touch<unknown> | undefined {
    return touchSomeOf(this.#plans, removed)
  }

  #shownKey(key: unknown): string {
    const { primaryKey } = this.#table
    if (primaryKey.length === 1 || typeof key !== "object" || key === null) return plainKey(key)
    return primaryKey.map((name) => `${name} ${plainKey((key as Record<string, unknown>)[name])}`).join(", ")
  }

  #notFound(key: unknown): never {
    throw new NotFoundError(`${this.#table.name} has no row ${this.#shownKey(key)}.`, {
      cure: "Check the key; the row may have been deleted.",
    })
  }
}

const noRows: ReadonlySet<unknown> = new Set()

// biome-ignore lint/correctness/useYield: there is nothing to yield
async function* refused(error: unknown): AsyncGenerator<never, void, undefined> {
  throw error
}

function narrowed<O extends { readonly where?: AnyWhere }>(bounds: Bounds | undefined, options: O): O {
  return bounds === undefined ? options : { ...options, where: bounds.seen(options.where) }
}

function narrowOf(bounds: Bounds | undefined): Narrow | undefined {
  return bounds === undefined ? undefined : (table) => bounds.related(table)
}

/** @throws ForeignKeyError where a row to be made has a parent that is none of the scope */
async function refuseMisplaced(bounds: Bounds, rows: readonly unknown[]): Promise<void> {
  if ((await bounds.misplacedNew(rows)).length > 0) throw bounds.noParent()
}

function touchSomeOf({ watched, table }: Plans, removed: boolean): Touch<unknown> | undefined {
  return watched ? (writes) => writes.some(table, removed) : undefined
}

function touchLinks(plans: Plans, rows: readonly Given[]): Touch<unknown> | undefined {
  const { watched, table } = plans
  if (!watched) return undefined
  // A key of their own is not known of them.
  if (!table.primaryKey.every((key) => rows.every((row) => key in row))) return touchSomeOf(plans, false)
  return (writes) => {
    for (const row of rows) writes.row(table, row, row, undefined)
  }
}
