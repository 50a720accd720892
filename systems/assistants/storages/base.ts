import { type Database, openDatabase } from "rootstock"
import { SessionError, ValidationError } from "rootstock/errors"
import { tables } from "../schema.ts"
import { tenant } from "../tenancy.ts"
import { openStores, type Stores } from "./index.ts"

/**
 * The assistants' database for scripts that write their own SQL, by its URL: a pool that is opened at `init`, in each process
 * anew, with three tries to connect. Parameters stand as `$1`, `$2` on both engines.
 *
 * What is read and written so is not narrowed to an organisation by itself: it needs one (`tenant.run`), and its author adds
 * the condition, or says that all are meant (`tenant.unbounded`).
 *
 * ### Examples
 *
 * ```ts
 * const storage = new BaseStorage("sqlite:./data/assistants.db")
 * await storage.init()
 * await tenant.unbounded(() => storage.fetchVal("SELECT count(*) FROM users WHERE is_active = $1", true))
 * await storage.close()
 * ```
 */
export class BaseStorage {
  readonly #dsn: string
  #opening: Promise<Database<typeof tables>> | undefined
  #database: Database<typeof tables> | undefined

  constructor(dsn: string) {
    this.#dsn = dsn
  }

  /** Opens the database; once, however often it is called. @throws ConfigError, UnavailableError */
  async init(): Promise<void> {
    this.#opening ??= openDatabase(this.#dsn, { tables })
    try {
      this.#database = await this.#opening
    } catch (error) {
      this.#opening = undefined
      throw error
    }
  }

  /** Waits for what runs and closes all connections; it can be opened again. */
  async close(): Promise<void> {
    const opening = this.#opening
    this.#opening = undefined
    this.#database = undefined
    await (await opening)?.close()
  }

  /** The storages of the database. */
  get stores(): Stores {
    return openStores(this.#opened)
  }

  /** Runs a statement; its verb and how many rows it changed, such as `UPDATE 3`. */
  async execute(query: string, ...args: unknown[]): Promise<string> {
    const changed = await this.#call((database, strings, values) => database.execute(strings, ...values), query, args)
    return `${/\w+/.exec(query)?.[0]?.toUpperCase() ?? ""} ${changed}`
  }

  /** The rows of a statement, their columns in camelCase. */
  fetch<R = Record<string, unknown>>(query: string, ...args: unknown[]): Promise<R[]> {
    return this.#call((database, strings, values) => database.fetch<R>(strings, ...values), query, args)
  }

  /** The first row, or undefined. */
  fetchRow<R = Record<string, unknown>>(query: string, ...args: unknown[]): Promise<R | undefined> {
    return this.#call((database, strings, values) => database.fetchRow<R>(strings, ...values), query, args)
  }

  /** The first column of the first row, or undefined. */
  fetchVal<V = unknown>(query: string, ...args: unknown[]): Promise<V | undefined> {
    return this.#call((database, strings, values) => database.fetchValue<V>(strings, ...values), query, args)
  }

  async #call<T>(
    run: (database: Database<typeof tables>, strings: TemplateStringsArray, values: unknown[]) => Promise<T>,
    query: string,
    args: readonly unknown[],
  ): Promise<T> {
    tenant.setting("Free SQL")
    const { strings, values } = templateOf(query, args)
    return run(this.#opened, strings, values)
  }

  get #opened(): Database<typeof tables> {
    if (this.#database !== undefined) return this.#database
    throw new SessionError("The storage is not open.", { cure: "Await init() first, and use it before close()." })
  }
}

/** Strings, quoted names and comments, which are left as they are; and parameters. */
const tokens = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|\$(\d+)/g

/** Cuts a query at its parameters, as tagged templates take it. @throws ValidationError where they do not fit the values */
function templateOf(query: string, args: readonly unknown[]): { strings: TemplateStringsArray; values: unknown[] } {
  const parts: string[] = []
  const values: unknown[] = []
  let from = 0
  for (const { 0: token, 1: number, index } of query.matchAll(tokens)) {
    if (number === undefined) continue
    if (Number(number) < 1 || Number(number) > args.length) {
      throw new ValidationError(`The query has a parameter ${token}, and ${args.length} values were given.`, {
        cure: "Number the parameters from $1 on, and give a value for each.",
      })
    }
    parts.push(query.slice(from, index))
    values.push(args[Number(number) - 1])
    from = index + token.length
  }
  parts.push(query.slice(from))
  return { strings: Object.assign(parts, { raw: parts }), values }
}
