import {
  QueryError,
  type RootstockError,
  SerializationError,
  SessionError,
  UnavailableError,
} from "../../errors/index.ts"
import type { SqlValue } from "../../schema/index.ts"
import type { BeginOptions, Connection, FreeResult, Lookup, Query, Step, StepResult } from "../contract.ts"
import { CommandExchange, type Exchange, type Prelude, StatementExchange, UnitExchange } from "./exchange.ts"
import { type Catalog, runFree } from "./free.ts"
import type { Pool } from "./pool.ts"
import { command, portions } from "./stream.ts"
import type { Wire } from "./wire.ts"

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** https://www.postgresql.org/docs/current/sql-begin.html */
export function beginSql({ isolation, readOnly }: Omit<BeginOptions, "label">): string {
  const level = isolation === undefined ? "" : ` ISOLATION LEVEL ${isolation.toUpperCase()}`
  return `BEGIN${level}${readOnly === true ? " READ ONLY" : ""}`
}

/**
 * A running transaction. Its BEGIN goes out together with its first statement, and all that is asked of it goes out at
 * once and is answered in order, so that calls in parallel do not wait for each other's way.
 */
export class Transaction implements Connection {
  readonly #pool: Pool
  readonly #wire: Wire
  readonly #catalog: Catalog
  readonly #label: string
  /** What begins it; undefined once it is sent. */
  #begin: readonly Prelude[] | undefined
  #ended = false
  #failure: RootstockError | undefined

  constructor(pool: Pool, wire: Wire, catalog: Catalog, begin: readonly Prelude[], label: string) {
    this.#pool = pool
    this.#wire = wire
    this.#catalog = catalog
    this.#begin = begin
    this.#label = label
    wire.onFailure = (error) => {
      this.#failure ??= error
    }
  }

  all<T>(query: Query<T>, values: readonly SqlValue[]): Promise<T[]> {
    return new Promise((resolve, reject) => this.#send(new StatementExchange(query, values, "all", resolve, reject)))
  }

  first<T>(query: Query<T>, values: readonly SqlValue[]): Promise<T | undefined> {
    return new Promise((resolve, reject) => this.#send(new StatementExchange(query, values, "first", resolve, reject)))
  }

  lookup<T>(lookup: Lookup<T>, key: SqlValue): Promise<T | undefined> {
    return this.first(lookup.one, [key])
  }

  run(query: Query, values: readonly SqlValue[]): Promise<number> {
    return new Promise((resolve, reject) =>
      this.#send(new StatementExchange(query, values, "changes", resolve, reject)),
    )
  }

  unit(steps: readonly Step[]): Promise<StepResult[]> {
    if (steps.length === 0) return Promise.resolve([])
    return new Promise((resolve, reject) => this.#send(new UnitExchange(steps, resolve, reject)))
  }

  stream<T>(query: Query<T>, values: readonly SqlValue[], size: number): AsyncIterable<T[]> {
    return portions(this.#send, query, values, size)
  }

  async free(sql: string, values: readonly SqlValue[]): Promise<FreeResult> {
    const result = await runFree(sql, values, this.#catalog, this.#send, this.#sendSimple)
    if (!this.#ended && !this.#wire.inTransaction) {
      throw new SessionError("Free SQL ended the transaction that it ran in.", {
        cure: "Begin and end transactions with `transaction(…)`, not with SQL.",
      })
    }
    return result
  }

  async commit(): Promise<void> {
    if (this.#finish()) return
    try {
      const tag = await command((exchange) => this.#wire.send(exchange), "COMMIT", `${this.#label} (commit)`)
      if (tag !== "COMMIT") throw this.#refused()
    } catch (error) {
      if (error instanceof UnavailableError && this.#wire.lost !== undefined) {
        throw new UnavailableError(`The connection was lost during the commit of ${this.#label}.`, {
          cause: error,
          cure: "Whether the changes are kept is not known: look before the work is done again.",
        })
      }
      throw error
    } finally {
      this.#release()
    }
  }

  async rollback(): Promise<void> {
    if (this.#finish()) return
    try {
      await command((exchange) => this.#wire.send(exchange), "ROLLBACK", `${this.#label} (rollback)`)
    } catch (error) {
      this.#wire.destroy(error)
    } finally {
      this.#release()
    }
  }

  async savepoint(name: string): Promise<void> {
    await this.#command(`SAVEPOINT ${quoted(name)}`)
  }

  async release(name: string): Promise<void> {
    await this.#command(`RELEASE SAVEPOINT ${quoted(name)}`)
  }

  async rollbackTo(name: string): Promise<void> {
    await this.#command(`ROLLBACK TO SAVEPOINT ${quoted(name)}`)
    this.#failure = undefined
  }

  #command(sql: string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#sendSimple(sql, (text) => new CommandExchange(text, `${this.#label} (${sql})`, resolve, reject))
    })
  }

  readonly #send = (exchange: Exchange): void => {
    if (this.#ended) {
      exchange.fail(this.#over())
      return
    }
    const begin = this.#begin
    if (begin === undefined) {
      this.#wire.send(exchange)
      return
    }
    exchange.preludes = begin
    // A statement that could not be written has taken the BEGIN with it.
    if (this.#wire.send(exchange)) this.#begin = undefined
  }

  /** The simple protocol has no preludes: they go in front as text. */
  readonly #sendSimple = (sql: string, make: (sql: string) => Exchange): void => {
    const begin = this.#begin
    if (begin !== undefined && !this.#ended) {
      if (this.#wire.send(make([...begin.map(inlined), sql].join(";")))) this.#begin = undefined
      return
    }
    this.#send(make(sql))
  }

  /** Ends it; true where it has not even begun. */
  #finish(): boolean {
    if (this.#ended) throw this.#over()
    this.#ended = true
    if (this.#begin === undefined) return false
    this.#release()
    return true
  }

  #release(): void {
    this.#wire.onFailure = undefined
    this.#pool.giveBack(this.#wire)
  }

  #over(): SessionError {
    return new SessionError(`A statement came after the end of its transaction (${this.#label}).`, {
      cure: "Wait for all statements (await) before the transaction's function returns.",
    })
  }

  /** The server answers a COMMIT of a failed transaction with ROLLBACK. */
  #refused(): RootstockError {
    if (this.#failure instanceof SerializationError) return this.#failure
    return new QueryError(`${this.#label} was rolled back instead of committed: a statement in it had failed.`, {
      cause: this.#failure,
      cure: "Let errors of statements leave the transaction's function, or guard such statements by a nested transaction.",
    })
  }
}

/** A prelude as text, for the simple protocol. */
export function inlined({ sql, values }: Prelude): string {
  return sql.replace(/\$(\d+)/g, (_, index: string) => `'${String(values[Number(index) - 1]).replaceAll("'", "''")}'`)
}
