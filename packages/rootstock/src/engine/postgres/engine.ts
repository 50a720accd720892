import { ConfigError } from "../../errors/index.ts"
import type { SqlValue } from "../../schema/index.ts"
import type {
  BeginOptions,
  Connection,
  Dialect,
  Engine,
  EngineAddress,
  FreeResult,
  Lookup,
  Query,
  Step,
  StepResult,
} from "../contract.ts"
import { lowerCollations, makePostgresDialect } from "./dialect.ts"
import { CheckExchange, type Exchange, type Prelude, StatementExchange, UnitExchange } from "./exchange.ts"
import { Catalog, runFree } from "./free.ts"
import { Gatherer } from "./gather.ts"
import { type PostgresOptions, type Target, targetOf } from "./options.ts"
import { Pool } from "./pool.ts"
import { NotifySignals } from "./signals.ts"
import { beginSql, inlined, Transaction } from "./transaction.ts"

/** An opened PostgreSQL database. */
export type PostgresEngine = Engine & {
  /** The server that is only read, where one was named. What was just written to the first may not yet be there. */
  readonly replica: Engine | undefined
}

/**
 * Opens a PostgreSQL database.
 *
 * @throws UnavailableError when the server does not answer; it names host and port. ConfigError for a wrong URL, user,
 * password or database, and for a server that cannot give the same answers as SQLite (its encoding is not UTF-8)
 *
 * ### Examples
 *
 * ```ts
 * const engine = await openPostgres({ url: "postgres://app@localhost/app?schema=shop" })
 * ```
 */
export async function openPostgres(options: PostgresOptions): Promise<PostgresEngine> {
  const first = await openServer(options, options.url, false)
  if (options.replicaUrl === undefined) return first
  try {
    first.replica = await openServer(options, options.replicaUrl, true)
  } catch (error) {
    await first.close()
    throw error
  }
  return first
}

async function openServer(options: PostgresOptions, url: URL | string, readOnly: boolean): Promise<Server> {
  const target = targetOf(options, url, readOnly)
  const pool = new Pool(target, { ...options.pool, connectDelaysMs: options.connectDelaysMs, warn: options.warn })
  try {
    await pool.start()
    const [version, collation, schema] = await ask(pool, target)
    const address: EngineAddress = { url: String(url), options: { postgres: connectionSettings(options) } }
    return new Server(pool, target, { version, dialect: makePostgresDialect(collation), address, schema, readOnly })
  } catch (error) {
    await pool.close()
    throw error
  }
}

/** The settings for one connection or two of somebody's own. */
function connectionSettings({ applicationName, pooler, connectTimeoutMs }: PostgresOptions) {
  return { applicationName, pooler, connectTimeoutMs, pool: { size: 1, overflow: 1 } }
}

/** What the server is. */
async function ask(pool: Pool, target: Target): Promise<[version: string, collation: string, schema: string]> {
  const query: Query<readonly string[]> = {
    sql: `SELECT current_setting('server_version'), current_setting('server_encoding'),
      (SELECT array_agg(collname) FROM pg_catalog.pg_collation WHERE collname = ANY($1::name[])),
      coalesce(current_schema(), trim(BOTH '"' FROM split_part(current_setting('search_path'), ',', 1)))`,
    decode: (row) => row,
    wide: false,
    writes: false,
    returns: true,
    label: "start",
  }
  const row = await new Promise<readonly string[]>((resolve, reject) => {
    const exchange = new StatementExchange(query, [`{${lowerCollations.join(",")}}`], "first", resolve, reject)
    exchange.preludes = target.preludes
    pool.submit(exchange)
  })
  const [version = "", encoding, present, schema = ""] = row
  if (encoding !== "UTF8") {
    throw new ConfigError(`The database at ${target.place} has the encoding ${encoding}.`, {
      cure: "Create it with ENCODING 'UTF8' TEMPLATE template0.",
    })
  }
  const collation = lowerCollations.find((name) => present?.includes(name))
  if (collation === undefined) {
    throw new ConfigError(
      `The server at ${target.place} knows the letters of no language but English: it lacks ${lowerCollations.join(", ")}.`,
      {
        cure: "Use PostgreSQL 17 or later, or one that is built with ICU.",
      },
    )
  }
  return [`PostgreSQL ${version.split(" ")[0]}`, collation, schema]
}

type Facts = {
  readonly version: string
  readonly dialect: Dialect
  readonly address: EngineAddress
  readonly schema: string
  readonly readOnly: boolean
}

// Nobody waits for the disk, and the lock that notifications hold at their commit is given back sooner.
const withoutFlush: Query = {
  sql: "SELECT set_config('synchronous_commit', 'off', true)",
  decode: (row) => row,
  wide: false,
  writes: false,
  returns: true,
  label: "signals",
}
const notify: Query = {
  sql: "SELECT pg_notify(channel, $2) FROM unnest($1::text[]) AS channel",
  decode: (row) => row,
  wide: false,
  writes: true,
  returns: true,
  label: "signals",
}

class Server implements PostgresEngine {
  readonly dialect: Dialect
  readonly version: string
  readonly singleWriter = false
  readonly address: EngineAddress
  readonly signals: NotifySignals
  replica: Engine | undefined
  readonly #pool: Pool
  readonly #preludes: readonly Prelude[]
  readonly #gatherer: Gatherer
  readonly #catalog = new Catalog()
  readonly #readOnly: boolean
  readonly #begins = new Map<string, readonly Prelude[]>()

  constructor(pool: Pool, target: Target, { version, dialect, address, schema, readOnly }: Facts) {
    this.#pool = pool
    this.#preludes = target.preludes
    this.version = version
    this.address = address
    this.signals = new NotifySignals({
      target,
      schema,
      notify: (channels, payload) =>
        this.unit([
          { query: withoutFlush, values: [] },
          { query: notify, values: [dialect.list(channels), payload] },
        ]),
    })
    this.dialect = dialect
    this.#readOnly = readOnly
    this.#gatherer = new Gatherer((exchange) => pool.submit(exchange), target.preludes)
  }

  all<T>(query: Query<T>, values: readonly SqlValue[]): Promise<T[]> {
    return new Promise((resolve, reject) => this.#submit(new StatementExchange(query, values, "all", resolve, reject)))
  }

  first<T>(query: Query<T>, values: readonly SqlValue[]): Promise<T | undefined> {
    return new Promise((resolve, reject) =>
      this.#submit(new StatementExchange(query, values, "first", resolve, reject)),
    )
  }

  lookup<T>(lookup: Lookup<T>, key: SqlValue): Promise<T | undefined> {
    return this.#gatherer.lookup(lookup, key)
  }

  run(query: Query, values: readonly SqlValue[]): Promise<number> {
    return new Promise((resolve, reject) =>
      this.#submit(new StatementExchange(query, values, "changes", resolve, reject)),
    )
  }

  /** Statements up to one Sync are one transaction: no BEGIN is needed, and one round trip does. */
  unit(steps: readonly Step[]): Promise<StepResult[]> {
    if (steps.length === 0) return Promise.resolve([])
    return new Promise((resolve, reject) => this.#submit(new UnitExchange(steps, resolve, reject)))
  }

  async *stream<T>(query: Query<T>, values: readonly SqlValue[], size: number): AsyncGenerator<T[], void, undefined> {
    const transaction = await this.begin({ label: query.label, readOnly: !query.writes })
    let failed = false
    try {
      yield* transaction.stream(query, values, size)
    } catch (error) {
      failed = true
      throw error
    } finally {
      // Who stops early keeps what a writing statement did.
      if (failed) await transaction.rollback()
      else await transaction.commit()
    }
  }

  free(sql: string, values: readonly SqlValue[]): Promise<FreeResult> {
    return runFree(sql, values, this.#catalog, this.#submit, this.#submitSimple)
  }

  async begin(options: BeginOptions): Promise<Connection> {
    const sql = beginSql(this.#readOnly ? { ...options, readOnly: true } : options)
    let preludes = this.#begins.get(sql)
    if (preludes === undefined) {
      preludes = [{ sql, values: [] }, ...this.#preludes]
      this.#begins.set(sql, preludes)
    }
    return new Transaction(this.#pool, await this.#pool.hold(options.label), this.#catalog, preludes, options.label)
  }

  ping(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pool.submit(new CheckExchange((error) => (error === undefined ? resolve() : reject(error))))
    })
  }

  async close(): Promise<void> {
    // The pool takes nothing more from here on, but for what the signals have just asked for.
    await Promise.all([this.signals.close(), this.#pool.close(), this.replica?.close()])
  }

  readonly #submit = (exchange: Exchange): void => {
    exchange.preludes = this.#preludes
    this.#pool.submit(exchange)
  }

  readonly #submitSimple = (sql: string, make: (sql: string) => Exchange): void => {
    this.#pool.submit(make([...this.#preludes.map(inlined), sql].join(";")))
  }
}
