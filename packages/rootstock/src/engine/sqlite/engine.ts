import { mkdirSync } from "node:fs"
import { resolve as absolutePath, dirname } from "node:path"
import { elapsed } from "../../clock/index.ts"
import { ForeignKeyError, SessionError, UnavailableError } from "../../errors/index.ts"
import type { SqlValue } from "../../schema/index.ts"
import { databaseClosed } from "../closed.ts"
import type {
  BeginOptions,
  Connection,
  Engine,
  EngineAddress,
  FreeResult,
  Lookup,
  Query,
  Step,
  StepResult,
} from "../contract.ts"
import { SqliteConnection } from "./connection.ts"
import { sqliteDialect } from "./dialect.ts"
import { isBusy, translateSqliteError } from "./errors.ts"
import { DatabaseFile } from "./file.ts"
import { ForeignCommits } from "./foreign-commits.ts"
import { patiently } from "./patience.ts"
import { FileSignals } from "./signals.ts"
import { Writer } from "./writer.ts"

export type SqliteOptions = {
  /** Path of the file, or `:memory:`. Missing folders are made. */
  readonly path: string
  /** How long SQLite itself waits for a lock, in milliseconds, 0 to 100 (default 10); it blocks the event loop. */
  readonly busyTimeoutMs?: number
  /** How long work waits for the writer in all, in milliseconds (default 10,000). */
  readonly writerWaitMs?: number
}

/** Page cache of the writer and of the reader that serves single reads. */
const hotCacheKib = 16_000
/** Page cache of a reader for a stream or a read-only transaction, which seldom sees a page twice. */
const passingCacheKib = 2_000

/** Idle reading connections kept for streams and read-only transactions. */
const readersKept = 4

/**
 * Opens an SQLite file: WAL, `synchronous=FULL`, foreign keys on; one writer, one reader, more readers as needed.
 *
 * @throws UnavailableError where the file cannot be opened
 */
export async function openSqlite(options: SqliteOptions): Promise<Engine> {
  const { path, busyTimeoutMs = 10, writerWaitMs = 10_000 } = options
  const inMemory = path === ":memory:"
  if (!inMemory) makeFolder(dirname(path))
  const connect = (readOnly: boolean, cacheKib: number) =>
    new SqliteConnection({ path, readOnly, busyTimeoutMs, cacheKib })
  const writing = await retryBusy(writerWaitMs, () => connect(false, hotCacheKib))
  try {
    const reading = inMemory ? undefined : await retryBusy(writerWaitMs, () => connect(true, hotCacheKib))
    const writer = new Writer(writing, { waitMs: writerWaitMs })
    const file = inMemory ? undefined : await DatabaseFile.at(path)
    const foreign = inMemory ? undefined : new ForeignCommits(writing, path)
    const openReader = () => connect(true, passingCacheKib)
    const address: EngineAddress | undefined = inMemory
      ? undefined
      : { url: `sqlite:${absolutePath(path)}`, options: { sqlite: { busyTimeoutMs } } }
    return new SqliteEngine({ writer, reader: reading, openReader, waitMs: writerWaitMs, file, foreign, address })
  } catch (error) {
    writing.close()
    throw error
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true })
  } catch (error) {
    throw new UnavailableError(`The folder ${folder} of the database file cannot be made.`, {
      cure: "Look at the path: each part of it must be a folder that this user may write to.",
      cause: error,
    })
  }
}

/** As `patiently`, with the driver's errors translated. */
async function retryBusy<T>(limitMs: number, work: () => T): Promise<T> {
  try {
    return await patiently(limitMs, work)
  } catch (error) {
    throw translateSqliteError(error)
  }
}

/** The longest that calls answer without a turn of the event loop between them, in milliseconds. */
const turnMs = 10
/** How many calls answer between two looks at the clock. */
const callsBetweenLooks = 16
let calls = 0
let lastTurn = 0

/**
 * A promise of what is known already. All is synchronous here, so who awaits call after call would never let timers and
 * sockets have their turn: every now and then an answer waits for it.
 */
function answered<T>(value: T): Promise<T> {
  if (++calls % callsBetweenLooks !== 0) return Promise.resolve(value)
  const present = elapsed()
  if (present - lastTurn < turnMs) return Promise.resolve(value)
  lastTurn = present
  return new Promise((resolve) => {
    setImmediate(resolve, value)
  })
}

type Parts = {
  readonly writer: Writer
  /** Absent in memory, where one connection is all there is. */
  readonly reader: SqliteConnection | undefined
  readonly openReader: () => SqliteConnection
  readonly waitMs: number
  /** Absent in memory. */
  readonly file: DatabaseFile | undefined
  /** Absent in memory, which nobody else can open. */
  readonly foreign: ForeignCommits | undefined
  readonly address: EngineAddress | undefined
}

class SqliteEngine implements Engine {
  readonly dialect = sqliteDialect
  readonly version: string
  readonly singleWriter = true
  readonly address: EngineAddress | undefined
  readonly signals: FileSignals
  readonly #writer: Writer
  readonly #reader: SqliteConnection | undefined
  readonly #openReader: () => SqliteConnection
  readonly #waitMs: number
  readonly #file: DatabaseFile | undefined
  readonly #foreign: ForeignCommits | undefined
  #idleReaders: SqliteConnection[] = []
  #closing: Promise<void> | undefined

  constructor({ writer, reader, openReader, waitMs, file, foreign, address }: Parts) {
    this.#writer = writer
    this.#reader = reader
    this.#openReader = openReader
    this.#waitMs = waitMs
    this.#file = file
    this.#foreign = foreign
    this.address = address
    this.signals = new FileSignals(foreign === undefined ? undefined : () => this.foreignCommits())
    this.version = `SQLite ${writer.connection.free("SELECT sqlite_version()", []).rows[0]?.[0]}`
  }

  all<T>(query: Query<T>, values: readonly SqlValue[]): Promise<T[]> {
    return query.writes
      ? this.#writer.write((on) => on.all(query, values), false)
      : this.#read((on) => on.all(query, values))
  }

  first<T>(query: Query<T>, values: readonly SqlValue[]): Promise<T | undefined> {
    return query.writes
      ? this.#writer.write((on) => on.first(query, values), false)
      : this.#read((on) => on.first(query, values))
  }

  lookup<T>(lookup: Lookup<T>, key: SqlValue): Promise<T | undefined> {
    const reader = this.#reader
    if (reader === undefined || this.#closing !== undefined) return this.first(lookup.one, [key])
    // The shortest path there is: most calls are this one.
    try {
      const row = reader.statement(lookup.one).get(key) as unknown as unknown[] | undefined
      return answered(row === undefined ? undefined : lookup.one.decode(row))
    } catch (error) {
      return isBusy(error) ? this.first(lookup.one, [key]) : Promise.reject(translateSqliteError(error))
    }
  }

  run(query: Query, values: readonly SqlValue[]): Promise<number> {
    return this.#writer.write((on) => on.run(query, values), false)
  }

  unit(steps: readonly Step[]): Promise<StepResult[]> {
    return this.#writer.write((on) => steps.map((step) => on.step(step)), steps.length > 1)
  }

  free(sql: string, values: readonly SqlValue[], writes: boolean): Promise<FreeResult> {
    // What follows a semicolon is another statement, or at worst no more than a text with one.
    const several = /;\s*\S/.test(sql)
    return writes || several
      ? this.#writer.write((on) => on.free(sql, values), several)
      : this.#read((on) => on.free(sql, values))
  }

  async *stream<T>(query: Query<T>, values: readonly SqlValue[], size: number): AsyncIterable<T[]> {
    if (this.#reader === undefined) {
      const rows = await this.all(query, values)
      for (let index = 0; index < rows.length; index += size) yield rows.slice(index, index + size)
      return
    }
    const reader = await this.#startReading()
    try {
      yield* portions(reader, query, values, size)
    } finally {
      if (reader.isTransaction) reader.command("ROLLBACK")
      this.#giveReader(reader)
    }
  }

  async begin({ label, readOnly = false }: BeginOptions): Promise<Connection> {
    this.#refuseClosed()
    if (readOnly && this.#reader !== undefined) {
      const reader = await this.#startReading()
      return new SqliteTransaction(reader, () => this.#giveReader(reader))
    }
    const release = await this.#writer.claim(label)
    const { connection } = this.#writer
    if (!readOnly) return new SqliteTransaction(connection, release)
    connection.exec("PRAGMA query_only = ON")
    return new SqliteTransaction(connection, () => {
      connection.exec("PRAGMA query_only = OFF")
      release()
    })
  }

  foreignCommits(): number {
    return this.#foreign === undefined || this.#closing !== undefined ? 0 : this.#foreign.look()
  }

  async ping(): Promise<void> {
    await this.#file?.check()
    await this.free("SELECT count(*) FROM sqlite_schema", [], false)
  }

  close(): Promise<void> {
    this.signals.close()
    this.#closing ??= this.#writer.close().then(() => {
      this.#foreign?.close()
      this.#reader?.close()
      for (const reader of this.#idleReaders) reader.close()
      this.#idleReaders = []
    })
    return this.#closing
  }

  #refuseClosed(): void {
    if (this.#closing === undefined) return
    throw databaseClosed()
  }

  /** Runs at once on the reader, which sees what is committed; in memory it waits for a transaction's end. */
  #read<T>(work: (connection: SqliteConnection) => T): Promise<T> {
    const reader = this.#reader ?? (this.#writer.held ? undefined : this.#writer.connection)
    if (reader === undefined) return this.#writer.write(work, false)
    try {
      this.#refuseClosed()
      return answered(work(reader))
    } catch (error) {
      return isBusy(error) ? retryBusy(this.#waitMs, () => work(reader)) : Promise.reject(translateSqliteError(error))
    }
  }

  /**
   * A reader in a transaction that sees what is committed at this moment. Its first look at the file is made here, since
   * that is the one that may have to wait, for a process that recovers the log of another that was killed.
   */
  async #startReading(): Promise<SqliteConnection> {
    this.#refuseClosed()
    const reader = this.#idleReaders.pop() ?? (await this.#connectReader())
    try {
      reader.command("BEGIN")
      await retryBusy(this.#waitMs, () => reader.command("SELECT 1 FROM sqlite_schema"))
      return reader
    } catch (error) {
      reader.close()
      throw error
    }
  }

  /** Another file than the writer's would answer with other rows, and one that is gone would be made anew. */
  async #connectReader(): Promise<SqliteConnection> {
    await this.#file?.check()
    return retryBusy(this.#waitMs, this.#openReader)
  }

  #giveReader(reader: SqliteConnection): void {
    if (this.#closing !== undefined || this.#idleReaders.length >= readersKept) reader.close()
    else this.#idleReaders.push(reader)
  }
}

async function* portions<T>(
  connection: SqliteConnection,
  query: Query<T>,
  values: readonly SqlValue[],
  size: number,
): AsyncIterable<T[]> {
  try {
    const rows = connection.prepare(query).iterate(...values) as unknown as IterableIterator<unknown[]>
    try {
      let portion: T[] = []
      for (const row of rows) {
        portion.push(query.decode(row))
        if (portion.length < size) continue
        yield await answered(portion)
        portion = []
      }
      if (portion.length > 0) yield portion
    } finally {
      rows.return?.()
    }
  } catch (error) {
    throw translateSqliteError(error)
  }
}

/** A transaction on a connection that it has for itself. All is synchronous, so calls are in line by nature. */
class SqliteTransaction implements Connection {
  readonly #connection: SqliteConnection
  readonly #release: () => void
  #ended = false
  /** Why SQLite rolled it back by itself (a full disk, a conflict clause that says so). */
  #lost: Error | undefined

  constructor(connection: SqliteConnection, release: () => void) {
    this.#connection = connection
    this.#release = release
  }

  all<T>(query: Query<T>, values: readonly SqlValue[]): Promise<T[]> {
    return this.#do((on) => on.all(query, values))
  }

  first<T>(query: Query<T>, values: readonly SqlValue[]): Promise<T | undefined> {
    return this.#do((on) => on.first(query, values))
  }

  lookup<T>(lookup: Lookup<T>, key: SqlValue): Promise<T | undefined> {
    return this.#do((on) => on.first(lookup.one, [key]))
  }

  run(query: Query, values: readonly SqlValue[]): Promise<number> {
    return this.#do((on) => on.run(query, values))
  }

  unit(steps: readonly Step[]): Promise<StepResult[]> {
    return this.#do((on) => steps.map((step) => on.step(step)))
  }

  free(sql: string, values: readonly SqlValue[]): Promise<FreeResult> {
    return this.#do((on) => on.free(sql, values))
  }

  stream<T>(query: Query<T>, values: readonly SqlValue[], size: number): AsyncIterable<T[]> {
    return portions(this.#connection, query, values, size)
  }

  async commit(): Promise<void> {
    try {
      await this.#do((on) => on.command("COMMIT"))
    } catch (error) {
      const named = error instanceof ForeignKeyError ? this.#brokenReference(error) : error
      await this.rollback()
      throw named
    }
    this.#end()
  }

  /** SQLite does not say which deferred reference is broken; while the transaction is open, it can be looked for. */
  #brokenReference(error: ForeignKeyError): ForeignKeyError {
    // References count backwards: https://www.sqlite.org/pragma.html#pragma_foreign_key_check
    const sql = `SELECT broken."table", reference."from" FROM pragma_foreign_key_check AS broken
      JOIN pragma_foreign_key_list(broken."table") AS reference ON reference.id = broken.fkid
      ORDER BY broken.rowid, broken.fkid DESC LIMIT 1`
    const [found] = this.#connection.free(sql, []).rows
    if (found === undefined) return error
    const [table, column] = found as [string, string]
    return new ForeignKeyError(error.message, { cure: error.cure, cause: error.cause, table, columns: [column] })
  }

  async rollback(): Promise<void> {
    if (this.#ended) return
    try {
      if (this.#connection.isTransaction) this.#connection.command("ROLLBACK")
    } finally {
      this.#end()
    }
  }

  savepoint(name: string): Promise<void> {
    return this.#do((on) => on.command(`SAVEPOINT ${sqliteDialect.identifier(name)}`))
  }

  release(name: string): Promise<void> {
    return this.#do((on) => on.command(`RELEASE ${sqliteDialect.identifier(name)}`))
  }

  rollbackTo(name: string): Promise<void> {
    const savepoint = sqliteDialect.identifier(name)
    return this.#do((on) => on.exec(`ROLLBACK TO ${savepoint}; RELEASE ${savepoint}`))
  }

  #do<T>(work: (connection: SqliteConnection) => T): Promise<T> {
    try {
      if (this.#ended) throw new SessionError("The transaction has ended.", { cure: "Await every call inside it." })
      if (this.#lost !== undefined) {
        throw new SessionError(`The transaction was rolled back already: ${this.#lost.message}`, {
          cure: "Let the first error end the transaction.",
          cause: this.#lost,
        })
      }
      return answered(work(this.#connection))
    } catch (error) {
      const reason = translateSqliteError(error)
      // A statement that runs behind a rollback would commit at once.
      if (!this.#ended && !this.#connection.isTransaction) this.#lost ??= reason
      return Promise.reject(reason)
    }
  }

  #end(): void {
    this.#ended = true
    this.#release()
  }
}
