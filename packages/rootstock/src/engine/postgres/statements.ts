import { hash } from "node:crypto"
import { elapsed } from "../../clock/index.ts"
import { messages } from "./messages.ts"

/** A statement that a connection keeps prepared. */
export type Statement<Columns = unknown> = {
  /** Empty where the connection keeps none. */
  readonly name: string
  readonly sql: string
  /** Used since the last search for one to give up. */
  used: boolean
  /** When it was prepared, by the monotonic clock. */
  readonly since: number
  /** What its columns are, for SQL of which only the server knows. */
  columns: Columns | undefined
}

/** How many statements one connection keeps. */
const limit = 256

/**
 * How long a plan is kept where tables grow and shrink fast, in milliseconds. After some calls a prepared statement has one
 * plan for all values, made for the table as it is then; where that is empty, it reads the whole table ever after, until
 * statistics are made anew, which takes the server up to a minute.
 */
const planMs = 500

/**
 * What looks into lists and documents is planned for its values at every call. The plan that a prepared statement comes to
 * have after some calls is for any values, and takes an item to be in so many rows that the index seems of no use.
 * https://www.postgresql.org/docs/current/sql-prepare.html#SQL-PREPARE-NOTES
 */
const plannedByValue = (sql: string): boolean => sql.includes(" @> ")

/**
 * The prepared statements of one connection. Names are made from the SQL, so that they are the same on all
 * connections; https://www.postgresql.org/docs/current/sql-prepare.html
 */
export class Statements {
  readonly #known = new Map<string, Statement>()
  readonly #keep: boolean

  /** @param keep false behind a pooler that gives each transaction another server connection */
  constructor(keep: boolean) {
    this.#keep = keep
  }

  /** @param replanned not one that is older than a plan may be */
  find(sql: string, replanned?: boolean): Statement | undefined {
    const found = this.#known.get(sql)
    if (found === undefined) return undefined
    if (replanned === true && elapsed() - found.since > planMs) {
      this.#known.delete(sql)
      return undefined
    }
    found.used = true
    return found
  }

  /** Writes a Parse, and whatever must be given up for it. */
  add(sql: string): Statement {
    const keep = this.#keep && !plannedByValue(sql)
    const name = keep ? `rs_${hash("sha256", sql, "hex").slice(0, 32)}` : ""
    const statement: Statement = { name, sql, used: true, since: elapsed(), columns: undefined }
    if (keep) {
      if (this.#known.size >= limit) this.#evict()
      this.#known.set(sql, statement)
    }
    // A Close that was left out after an error may have kept the name in use; to close what is not there is no error.
    if (keep) messages.closeStatement(name)
    messages.parse(name, sql)
    return statement
  }

  /** Its Parse has failed or was left out. */
  remove(statement: Statement): void {
    if (this.#known.get(statement.sql) === statement) this.#known.delete(statement.sql)
  }

  /** Writes what makes the server give up all of them. */
  clear(): void {
    for (const { name } of this.#known.values()) messages.closeStatement(name)
    this.#known.clear()
  }

  #evict(): void {
    for (const [sql, statement] of this.#known) {
      if (statement.used) {
        statement.used = false
        continue
      }
      this.#known.delete(sql)
      messages.closeStatement(statement.name)
      return
    }
    const [oldest] = this.#known.values()
    if (oldest !== undefined) {
      this.#known.delete(oldest.sql)
      messages.closeStatement(oldest.name)
    }
  }
}
