import { DatabaseSync, type StatementSync } from "node:sqlite"
import { QueryError, SessionError } from "../../errors/index.ts"
import type { SqlValue } from "../../schema/index.ts"
import type { FreeColumn, FreeResult, Query, Step, StepResult } from "../contract.ts"
import { transactionWord } from "../transaction-word.ts"
import { addFunctions } from "./functions.ts"
import { StatementCache } from "./statements.ts"

export type ConnectionOptions = {
  readonly path: string
  readonly readOnly: boolean
  /** How long SQLite itself waits for a lock, in milliseconds. It blocks the event loop, so it is short. */
  readonly busyTimeoutMs: number
  /** Page cache at most, in KiB. */
  readonly cacheKib: number
}

/** Prepared statements kept per connection. */
const statementsKept = 512

/** One SQLite connection: everything on it is synchronous. */
export class SqliteConnection {
  readonly #database: DatabaseSync
  readonly #statements = new StatementCache(statementsKept)

  constructor({ path, readOnly, busyTimeoutMs, cacheKib }: ConnectionOptions) {
    this.#database = new DatabaseSync(path, {
      readOnly: false,
      timeout: busyTimeoutMs,
      enableForeignKeyConstraints: true,
    })
    try {
      // macOS forgets what `fsync` was asked for unless it is asked fully; elsewhere that changes nothing.
      this.#database.exec(
        `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;
         PRAGMA wal_autocheckpoint = 4000; PRAGMA foreign_keys = ON; PRAGMA cache_size = -${cacheKib};
         PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = ON; ${readOnly ? "PRAGMA query_only = ON;" : ""}`,
      )
      addFunctions(this.#database)
    } catch (error) {
      this.#database.close()
      throw error
    }
  }

  /** Inside a transaction. */
  get isTransaction(): boolean {
    return this.#database.isTransaction
  }

  /** The prepared statement of a query, kept. */
  statement(query: Query): StatementSync {
    return this.#statements.get(query.sql) ?? this.#keep(query)
  }

  #keep(query: Query): StatementSync {
    const statement = this.prepare(query)
    this.#statements.set(query.sql, statement)
    return statement
  }

  /** A statement of its own, for what stays open between turns. */
  prepare(query: Query): StatementSync {
    const statement = this.#database.prepare(query.sql)
    statement.setReturnArrays(true)
    // Without rows it gives the last row's number, of whatever table, which may be beyond 2^53.
    if (query.wide || !query.returns) statement.setReadBigInts(true)
    return statement
  }

  all<T>(query: Query<T>, values: readonly SqlValue[]): T[] {
    const rows = this.statement(query).all(...values) as unknown as unknown[][]
    const { decode } = query
    const decoded = new Array<T>(rows.length)
    for (let index = 0; index < rows.length; index++) decoded[index] = decode(rows[index] as unknown[])
    return decoded
  }

  first<T>(query: Query<T>, values: readonly SqlValue[]): T | undefined {
    // A statement that writes must run to its end: `get` leaves its commit, and that commit's error, to the reset.
    if (query.writes) return this.all(query, values)[0]
    const row = this.statement(query).get(...values) as unknown as unknown[] | undefined
    return row === undefined ? undefined : query.decode(row)
  }

  run(query: Query, values: readonly SqlValue[]): number {
    return Number(this.statement(query).run(...values).changes)
  }

  step({ query, values }: Step): StepResult {
    if (!query.returns) return { rows: [], changes: this.run(query, values) }
    const rows = this.all(query, values)
    return { rows, changes: rows.length }
  }

  /** Runs all statements of the text, one after the other; gives the rows of the last that has some. */
  free(sql: string, values: readonly SqlValue[]): FreeResult {
    let result: FreeResult = { columns: [], rows: [], changes: 0 }
    for (let text = sql; ; ) {
      const statement = this.#database.prepare(text)
      text = text.slice(statement.sourceSQL.length)
      const more = !blankSql.test(text)
      if (more && values.length > 0) {
        throw new QueryError("Several statements in one text cannot have parameters.", {
          cure: "Run them one by one, in a transaction(…).",
        })
      }
      const word = transactionWord(statement.sourceSQL)
      if (word !== undefined) {
        throw new SessionError(`Free SQL has ${word} in it.`, {
          cure: "Begin and end transactions with `transaction(…)`, not with SQL.",
        })
      }
      const { columns, rows, changes } = runFree(statement, values)
      result = columns.length === 0 ? { ...result, changes } : { columns, rows, changes }
      if (!more) return result
    }
  }

  /** Runs SQL that gives nothing, without keeping it. */
  exec(sql: string): void {
    this.#database.exec(sql)
  }

  /** Runs one statement that gives nothing and comes again and again, such as `COMMIT`. */
  command(sql: string): void {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#database.prepare(sql)
      this.#statements.set(sql, statement)
    }
    statement.run()
  }

  close(): void {
    this.#statements.clear()
    if (this.#database.isOpen) this.#database.close()
  }
}

/** Nothing but spaces, semicolons and comments. */
const blankSql = /^(?:\s|;|--[^\n]*(?:\n|$)|\/\*(?:[^*]|\*(?!\/))*\*\/)*$/

function runFree(statement: StatementSync, values: readonly SqlValue[]): FreeResult {
  statement.setReturnArrays(true)
  statement.setReadBigInts(true)
  const columns = statement.columns().map(
    ({ name, table, column }): FreeColumn => ({
      name,
      ...(table === null || column === null ? {} : { table, column }),
      decode: narrow,
    }),
  )
  if (columns.length === 0) return { columns, rows: [], changes: Number(statement.run(...values).changes) }
  const rows = statement.all(...values) as unknown as unknown[][]
  return { columns, rows, changes: rows.length }
}

/** Integers come as bigint, so that none is rounded; those that fit become numbers. */
function narrow(raw: unknown): unknown {
  if (typeof raw !== "bigint") return raw
  const value = Number(raw)
  if (Number.isSafeInteger(value)) return value
  throw new RangeError(`the integer ${raw} is beyond 2^53: cast it to text, or read it through a bigint() column`)
}
