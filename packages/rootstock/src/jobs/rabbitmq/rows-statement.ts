import type { Query, RowSource, Step } from "../../engine/index.ts"
import type { ColumnType, SqlValue } from "../../schema/index.ts"
import { asItIs } from "../outcomes.ts"
import type { Backend } from "../storages.ts"

type Statement<T> = { readonly query: Query<T>; readonly bind: RowSource["bind"] }

export type RowsStatementOptions<T> = {
  /** Names of the columns of the rows, and their types. */
  readonly columns: Readonly<Record<string, ColumnType>>
  /** The statement, given a SELECT that yields the rows. */
  readonly sql: (rows: string) => string
  readonly label: string
  /** Where the statement returns rows. */
  readonly decode?: Query<T>["decode"]
}

/** A statement over many rows of values, run in as few portions as the engine takes, all or none. */
export class RowsStatement<T = never> {
  readonly #backend: Backend
  readonly #options: RowsStatementOptions<T>
  readonly #types: readonly ColumnType[]
  readonly #statements = new Map<string, Statement<T>>()

  constructor(backend: Backend, options: RowsStatementOptions<T>) {
    this.#backend = backend
    this.#options = options
    this.#types = Object.values(options.columns)
  }

  /** @returns what the statement returned, and how many rows it changed */
  async run(rows: readonly (readonly SqlValue[])[]): Promise<{ readonly rows: T[]; readonly changes: number }> {
    const results = await this.#backend.unit(this.#steps(rows), asItIs)
    return {
      rows: results.flatMap((result) => result.rows as T[]),
      changes: results.reduce((sum, { changes }) => sum + changes, 0),
    }
  }

  #steps(rows: readonly (readonly SqlValue[])[]): Step[] {
    const { dialect } = this.#backend
    const steps: Step[] = []
    for (let at = 0; at < rows.length; ) {
      const count = dialect.rowsAtOnce(this.#types.length, rows.length - at)
      const { query, bind } = this.#statement(count)
      steps.push({ query, values: bind(rows.slice(at, at + count).flat()) })
      at += count
    }
    return steps
  }

  #statement(count: number): Statement<T> {
    const { dialect } = this.#backend
    const shape = dialect.rowsShape(count)
    let statement = this.#statements.get(shape)
    if (statement === undefined) {
      const { columns, sql, label, decode } = this.#options
      const { select, bind } = dialect.rows(this.#types, count)
      const query: Query<T> = {
        sql: sql(select(Object.keys(columns))),
        decode: decode ?? ((row) => row as T),
        wide: false,
        writes: true,
        returns: decode !== undefined,
        label,
      }
      statement = { query, bind }
      this.#statements.set(shape, statement)
    }
    return statement
  }
}
