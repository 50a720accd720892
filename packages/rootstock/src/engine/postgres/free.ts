import type { SqlValue } from "../../schema/index.ts"
import type { FreeColumn, FreeResult } from "../contract.ts"
import { decoderOf } from "./decoding.ts"
import { Exchange, type Field, StatementExchange } from "./exchange.ts"
import { messages } from "./messages.ts"
import type { Statement } from "./statements.ts"
import type { Wire } from "./wire.ts"

type Answer = {
  readonly fields: readonly Field[]
  readonly rows: (string | null)[][]
  readonly changes: number
  /** Keeps what is known of the columns. */
  readonly statement: Statement | undefined
}

/** SQL that only the caller knows. */
class FreeExchange extends Exchange {
  readonly label = "free SQL"
  readonly #sql: string
  readonly #values: readonly SqlValue[] | undefined
  readonly #resolve: (answer: Answer) => void
  readonly #reject: (error: unknown) => void
  #statement: Statement | undefined
  #fields: readonly Field[] = []
  #rows: (string | null)[][] = []
  #changes = 0

  /** @param values undefined for the simple protocol */
  constructor(
    sql: string,
    values: readonly SqlValue[] | undefined,
    resolve: (answer: Answer) => void,
    reject: (error: unknown) => void,
  ) {
    super()
    this.#sql = sql
    this.#values = values
    this.#resolve = resolve
    this.#reject = reject
  }

  override get simple(): boolean {
    return this.#values === undefined
  }

  override reset(): void {
    super.reset()
    this.#rows = []
  }

  override write(wire: Wire): void {
    if (this.#values === undefined) {
      messages.query(this.#sql)
      return
    }
    this.#statement = wire.prepare(this.#sql, this)
    if (this.#statement.columns === undefined) messages.describeStatement(this.#statement.name)
    messages.bind("", this.#statement.name, this.#values)
    messages.execute("", 0)
  }

  override describe(fields: Field[]): void {
    this.#fields = fields
    this.#rows = []
  }

  override row(row: (string | null)[]): void {
    this.#rows.push(row)
  }

  override complete(changes: number): void {
    this.#changes = changes
  }

  override succeed(): void {
    this.#resolve({ fields: this.#fields, rows: this.#rows, changes: this.#changes, statement: this.#statement })
  }

  override fail(error: unknown): void {
    this.#reject(error)
  }
}

/** What can be prepared; all else, and several statements in one text, goes by the simple protocol. */
const preparable = /^\s*(?:select|insert|update|delete|with|values|merge|table)\b/i

/** Names of tables and their columns by the numbers that the server gives with each column of a result. */
export class Catalog {
  readonly #columns = new Map<string, { table: string; column: string }>()

  clear(): void {
    this.#columns.clear()
  }

  async columns(fields: readonly Field[], send: (exchange: Exchange) => void): Promise<FreeColumn[]> {
    const unknown = new Set<string>()
    for (const { tableId, columnId } of fields) {
      if (tableId !== 0 && !this.#columns.has(`${tableId}.${columnId}`)) unknown.add(String(tableId))
    }
    if (unknown.size > 0) await this.#learn(`{${[...unknown].join(",")}}`, send)
    return fields.map(({ name, tableId, columnId, typeId }) => {
      const decode = decoderOf(typeId)
      return {
        name,
        ...(tableId === 0 ? undefined : this.#columns.get(`${tableId}.${columnId}`)),
        ...(decode === undefined ? undefined : { decode }),
      }
    })
  }

  async #learn(tables: string, send: (exchange: Exchange) => void): Promise<void> {
    const query = {
      sql: `SELECT a.attrelid, a.attnum, c.relname, a.attname FROM pg_catalog.pg_attribute a
        JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
        WHERE a.attrelid = ANY($1::pg_catalog.oid[]) AND a.attnum > 0 AND NOT a.attisdropped`,
      decode: (row: readonly string[]) => {
        this.#columns.set(`${row[0]}.${row[1]}`, { table: row[2] as string, column: row[3] as string })
      },
      wide: false,
      writes: false,
      returns: true,
      label: "names of columns",
    }
    await new Promise((resolve, reject) => send(new StatementExchange(query, [tables], "all", resolve, reject)))
  }
}

/**
 * Runs SQL of which nothing is known. Text that holds a semicolon, or begins with no word of a query, goes by the
 * simple protocol where it has no parameters; so `a; b` runs both, in one transaction.
 */
export async function runFree(
  sql: string,
  values: readonly SqlValue[],
  catalog: Catalog,
  send: (exchange: Exchange) => void,
  sendSimple: (sql: string, make: (sql: string) => Exchange) => void,
): Promise<FreeResult> {
  const simple = values.length === 0 && (!preparable.test(sql) || sql.includes(";"))
  const { fields, rows, changes, statement } = await new Promise<Answer>((resolve, reject) => {
    if (simple) sendSimple(sql, (text) => new FreeExchange(text, undefined, resolve, reject))
    else send(new FreeExchange(sql, values, resolve, reject))
  })
  // It may have renamed what the names are kept of.
  if (simple) catalog.clear()
  const kept = statement?.columns as readonly FreeColumn[] | undefined
  if (kept !== undefined) return { columns: kept, rows, changes }
  const columns = await catalog.columns(fields, send)
  if (statement !== undefined) statement.columns = columns
  return { columns, rows, changes }
}
