import {
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  type ColumnType as KyselyColumn,
  type QueryResult,
} from "kysely"
import type { FreeResult } from "../engine/index.ts"
import { SessionError, ValidationError } from "../errors/index.ts"
import { type Changes, type ColumnsOf, camelCase, type NewRow, type Row, type Tables } from "../schema/index.ts"
import type { Backend } from "./backend.ts"
import { NamePlugin, NameTransformer } from "./names.ts"
import { isReading } from "./statement.ts"

type Column<T extends Tables[string], K extends string> = KyselyColumn<
  K extends keyof Row<T> ? Row<T>[K] : never,
  K extends keyof NewRow<T> ? NewRow<T>[K] : never,
  K extends keyof Changes<T> ? Changes<T>[K] : never
>

/** The tables as Kysely sees them: tables and columns by their keys. */
export type KyselyTables<S extends Tables> = {
  [TK in keyof S & string]: { [K in keyof ColumnsOf<S[TK]> & string]: Column<S[TK], K> }
}

/**
 * Rows as objects: columns of declared tables are decoded as their storages decode them, names come in camelCase where
 * `keys` does not say otherwise.
 */
export function freeRows(
  backend: Backend,
  { columns, rows }: FreeResult,
  keys?: ReadonlyMap<string, string>,
): Record<string, unknown>[] {
  const { registry, dialect } = backend
  const readers = columns.map(({ name, table, column, decode }) => {
    const known =
      table === undefined ? undefined : registry.byName.get(table)?.columns.find((one) => one.name === column)
    return {
      name,
      key: keys?.get(name) ?? (known !== undefined && name === known.name ? known.key : plainKey(name)),
      decode: known === undefined ? decode : dialect.codec(known.type).decode,
    }
  })
  return rows.map((raw) => {
    const row: Record<string, unknown> = {}
    for (let index = 0; index < readers.length; index++) {
      const { key, name, decode } = readers[index] as (typeof readers)[number]
      const value = raw[index]
      row[key] = value === null || decode === undefined ? value : decodeFree(name, decode, value)
    }
    return row
  })
}

const plainKey = (name: string): string => (/^\w+$/.test(name) ? camelCase(name) : name)

function decodeFree(name: string, decode: (raw: unknown) => unknown, value: unknown): unknown {
  try {
    return decode(value)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ValidationError(`The column ${name} cannot be read: ${why}.`, {
      cure: "Cast it to text in the statement, or mend the stored value.",
      cause,
    })
  }
}

/** SQL text and its parameters from a tagged template. */
export function templateSql(
  backend: Backend,
  strings: readonly string[],
  values: readonly unknown[],
): { sql: string; values: any[] } {
  if (!Array.isArray(strings) || !("raw" in strings)) {
    throw new ValidationError("SQL must be given as a tagged template.", {
      cure: "Write it behind db.fetch as a template literal, so that its values are bound.",
    })
  }
  let sql = strings[0] as string
  for (let index = 0; index < values.length; index++) {
    sql += backend.dialect.parameter(index + 1) + (strings[index + 1] as string)
  }
  return { sql, values: values.map((value) => backend.dialect.freeValue(value)) }
}

const nothing = (): Promise<void> => Promise.resolve()

/** Runs what Kysely compiles on the ambient session. */
class SessionDriver implements Driver, DatabaseConnection {
  readonly #backend: Backend
  readonly #names: NameTransformer

  constructor(backend: Backend, names: NameTransformer) {
    this.#backend = backend
    this.#names = names
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    return this
  }

  async executeQuery<R>({ sql, parameters, query }: CompiledQuery): Promise<QueryResult<R>> {
    const reads = query.kind === "RawNode" || query.kind === "SelectQueryNode" ? isReading(sql) : false
    const values = parameters.map((value) => this.#backend.dialect.freeValue(value))
    const result = await this.#backend.free(sql, values, !reads, "db.sql")
    const numAffectedRows = BigInt(result.changes)
    const keys = new Map([...(this.#names.resultsOf(query) ?? [])].map(([key, name]) => [name, key]))
    return { rows: freeRows(this.#backend, result, keys) as R[], ...(reads ? {} : { numAffectedRows }) }
  }

  // biome-ignore lint/correctness/useYield: there is nothing to yield
  async *streamQuery(): AsyncIterableIterator<never> {
    throw new ValidationError("db.sql does not stream.", { cure: "Use the stream() of a storage." })
  }

  async beginTransaction(): Promise<void> {
    throw new SessionError("db.sql does not begin transactions.", {
      cure: "Use transaction(…): db.sql runs in the ambient one.",
    })
  }

  // The connection belongs to the session, which begins, ends and gives it back: nothing is left to do here.
  readonly init = nothing
  readonly commitTransaction = nothing
  readonly rollbackTransaction = nothing
  readonly releaseConnection = nothing
  readonly destroy = nothing
}

/** Kysely on the ambient session, typed by the tables. */
export function makeKysely<S extends Tables>(backend: Backend): Kysely<KyselyTables<S>> {
  const names = new NameTransformer(backend.registry)
  const driver = new SessionDriver(backend, names)
  const { adapter, compiler } = backend.dialect.kysely()
  return new Kysely<KyselyTables<S>>({
    dialect: {
      createAdapter: () => adapter,
      createDriver: () => driver,
      createQueryCompiler: () => compiler,
      createIntrospector: () => {
        throw new ValidationError("db.sql does not introspect.", {
          cure: "Use `rootstock inspect` or `rootstock migrate check`.",
        })
      },
    },
    plugins: [new NamePlugin(names)],
  })
}
