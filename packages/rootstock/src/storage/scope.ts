import { Ambient, Surroundings } from "../ambient/index.ts"
import type { Dialect } from "../engine/index.ts"
import { DeclarationError, ScopeError } from "../errors/index.ts"
import { type AnyTable, type ColumnsOf, definitionOf, type SqlValue, type TableDefinition } from "../schema/index.ts"
import { encodeValue } from "./encode.ts"
import type { Where } from "./types.ts"
import { type AnyWhere, columnOf, InOther, inOther } from "./where.ts"

type ColumnOf<T extends AnyTable> = keyof ColumnsOf<T> & string

/** What is set: a value, or that all values are meant. */
type Setting = { readonly value: unknown } | "unbounded"

/** What rows may be read beside the own ones, given the value of the scope. */
export type Readable<V, K extends string = string> = OtherRows<K> | ((value: V) => AnyWhere)

/** Rows that refer to certain rows of another table. Made by `Scope.otherwise`. */
export class OtherRows<K extends string = string> {
  readonly column: K
  readonly target: TableDefinition
  readonly where: AnyWhere

  constructor(column: K, target: TableDefinition, where: AnyWhere) {
    this.column = column
    this.target = target
    this.where = where
  }
}

const scopes = new Set<Scope<any>>()

/**
 * What rows the running code may see, as an ambient value: that of a tenant, for instance. Storages that are declared in
 * a scope run only inside `run`, where they see and change rows of its value only, or inside `unbounded`.
 *
 * The value goes along with everything that the work awaits or starts: transactions, work after their commit, timers.
 *
 * ### Examples
 *
 * ```ts
 * export const organisation = new Scope<string>("organisation")
 *
 * class ChatStorage extends Storage(chats, tables, { scope: organisation.column("orgId") }) {}
 * class MessageStorage extends Storage(messages, tables, { scope: organisation.through("chatId", chats, "orgId") }) {}
 *
 * await organisation.run(orgId, () => store.chats.list())
 * ```
 */
export class Scope<V> {
  /** How messages call it. */
  readonly name: string
  readonly #ambient = new Ambient<Setting>()

  /** Made once for a program, where modules are loaded: it lasts as long as the process. */
  constructor(name: string) {
    this.name = name
    scopes.add(this)
  }

  /**
   * Runs `work` for one value; gives what it gives. Inside of another value's it takes that one's place until `work` ends.
   *
   * @throws ScopeError for null or undefined, which are no values
   */
  run<T>(value: V, work: () => T): T {
    if (value === undefined || value === null) {
      throw new ScopeError(`The ${this.name} to run in is ${value}.`, {
        cure: `Give the ${this.name}, or use unbounded(…) for work that is meant for all.`,
      })
    }
    return this.#ambient.run({ value }, work)
  }

  /** Runs `work` that is meant for all values, such as a sign-in, or a sweep over all tenants. */
  unbounded<T>(work: () => T): T {
    return this.#ambient.run("unbounded", work)
  }

  /** Has nothing set. */
  leave(surroundings: Surroundings): void {
    surroundings.set(this.#ambient, undefined)
  }

  /** The value that is set. @throws ScopeError where there is none, or where all are meant */
  get current(): V {
    const setting = this.#ambient.value
    if (typeof setting === "object") return setting.value as V
    if (setting === undefined) throw this.#unset("The current value was asked for")
    throw new ScopeError(`All values of ${this.name} are meant here: none is the current one.`, {
      cure: `Run the work for one of them: ${this.name}.run(value, …).`,
    })
  }

  /** Whether all values are meant; false where nothing is set. */
  get isUnbounded(): boolean {
    return this.#ambient.value === "unbounded"
  }

  /** What is set, for a storage. @throws ScopeError where nothing is */
  setting(call: string): Setting {
    const setting = this.#ambient.value
    if (setting === undefined) throw this.#unset(`${call} was called`)
    return setting
  }

  #unset(what: string): ScopeError {
    return new ScopeError(`${what} outside of every ${this.name}.`, {
      cure: `Run the work inside ${this.name}.run(value, …), or inside ${this.name}.unbounded(…) where it is meant for all.`,
    })
  }

  /**
   * The rows whose column has the value. A row that is made without it gets it.
   *
   * @param column key of the column; the primary key for the table of the tenants themselves
   * @param options.readable which other rows may be read, never written
   */
  column<const K extends string, R extends string = K>(
    column: K,
    options: { readable?: Readable<V, R> } = {},
  ): ScopeRule<K | R, K> {
    return new ScopeRule({ scope: this, column, parent: undefined, readable: options.readable as Readable<any> })
  }

  /**
   * The rows that refer to a row of another table whose column has the value. The reference goes to the primary key of
   * that table, and need not be declared.
   *
   * @param column key of the referring column
   * @param target the table that it refers to
   * @param targetColumn key of the column there
   * @param options.readable which other rows may be read, never written
   */
  through<const K extends string, T extends AnyTable, R extends string = K>(
    column: K,
    target: T,
    targetColumn: ColumnOf<T>,
    options: { readable?: Readable<V, R> } = {},
  ): ScopeRule<K | R> {
    const table = definitionOf(target)
    columnOf(table, targetColumn)
    const parent = { table, column: targetColumn }
    return new ScopeRule({ scope: this, column, parent, readable: options.readable as Readable<any> })
  }

  /** The rows that refer to a row of another table, by its primary key, that fulfils a condition. */
  otherwise<const K extends string, T extends AnyTable>(column: K, target: T, where: Where<T>): OtherRows<K> {
    return new OtherRows(column, definitionOf(target), where as AnyWhere)
  }
}

/** Runs `work` where no scope is set, for what is kept for all of them. */
export function outsideScopes<T>(work: () => T): T {
  const surroundings = new Surroundings()
  for (const scope of scopes) scope.leave(surroundings)
  return surroundings.run(work)
}

type Parent = { readonly table: TableDefinition; readonly column: string }

type Declared = {
  readonly scope: Scope<any>
  readonly column: string
  readonly parent: Parent | undefined
  readonly readable: Readable<any> | undefined
}

/**
 * Which rows of a table are in a scope. Made by `column` and `through` of a `Scope`.
 *
 * `K` are the keys of the columns that it goes by, `F` those that it fills in.
 */
export class ScopeRule<K extends string = string, F extends string = never> {
  /** For types only. */
  declare readonly goesBy: K
  /** For types only. */
  declare readonly fills: F
  readonly scope: Scope<any>
  /** Key of the column with the value, or with the reference to the row that has it. */
  readonly column: string
  /** The row that a row belongs to, where it has no value of its own. */
  readonly parent: Parent | undefined
  readonly #readable: Readable<any> | undefined

  constructor({ scope, column, parent, readable }: Declared) {
    this.scope = scope
    this.column = column
    this.parent = parent
    this.#readable = readable
  }

  /** Whether more rows may be read than written. */
  get readsMore(): boolean {
    return this.#readable !== undefined
  }

  /** @throws DeclarationError where it does not fit the table */
  check(table: TableDefinition): void {
    const others = this.#readable instanceof OtherRows ? [this.#readable] : []
    const targets = this.parent === undefined ? others.map(({ target }) => target) : [this.parent.table]
    for (const key of [this.column, ...others.map(({ column }) => column)]) {
      if (table.column.has(key)) continue
      throw new DeclarationError(`${table.name} has no column ${key} that its scope ${this.scope.name} could go by.`, {
        cure: `Use one of: ${[...table.column.keys()].join(", ")}.`,
      })
    }
    for (const target of targets) {
      if (target.primaryKey.length === 1) continue
      throw new DeclarationError(
        `The scope ${this.scope.name} of ${table.name} goes through ${target.name}, which has no key of one column.`,
        {
          cure: "Go through a table whose primary key is one column.",
        },
      )
    }
  }

  /** What is to hold of rows that are changed. */
  writable(value: unknown): AnyWhere {
    const { column, parent } = this
    if (parent === undefined) return { [column]: value }
    return { [inOther]: new InOther(column, parent.table, { [parent.column]: value }) }
  }

  /** What is to hold of rows that are read. */
  readable(value: unknown): AnyWhere {
    const own = this.writable(value)
    const readable = this.#readable
    if (readable === undefined) return own
    if (typeof readable === "function") return { or: [own, readable(value)] }
    return { or: [own, { [inOther]: new InOther(readable.column, readable.target, readable.where) }] }
  }

  /** Whether two values of the column are the same in the database. @throws ValidationError, CheckError for no value of it */
  isSame(table: TableDefinition, dialect: Dialect, one: unknown, other: unknown): boolean {
    if (one === other) return true
    if (one === null || other === null) return false
    const column = columnOf(table, this.column)
    return (
      comparableValue(encodeValue(table, column, dialect, one)) ===
      comparableValue(encodeValue(table, column, dialect, other))
    )
  }
}

/** A stored value as `===` and a Map compare it. */
export function comparableValue(value: SqlValue): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : value
}
