import { setTimeout as pause } from "node:timers/promises"
import type pg from "pg"
import { elapsed } from "../../../clock/index.ts"
import { MigrationError, TimeoutError } from "../../../errors/index.ts"
import type { Catalog } from "../../ddl/catalog.ts"
import type {
  AppliedMigration,
  ConnectOptions,
  DdlConnection,
  Plan,
  Statement,
  Step,
  UnfinishedMigration,
} from "../../ddl/contract.ts"
import { boundSql, failure, refusal } from "../../ddl/failures.ts"
import { type Inspected, inspectCatalog } from "../../ddl/inspect.ts"
import type { SchemaModel } from "../../ddl/model.ts"
import { identifier, literal } from "../../ddl/text.ts"
import { createSchema } from "./create.ts"
import { postgresReader } from "./inspect.ts"
import { readCatalog } from "./introspect.ts"
import { ensureSchema, openPostgres, schemaOf } from "./open.ts"

const bookkeeping = `CREATE TABLE IF NOT EXISTS rootstock_migrations (
  id text COLLATE "C" PRIMARY KEY,
  checksum text NOT NULL,
  applied_at timestamptz(3) NOT NULL
);
CREATE TABLE IF NOT EXISTS rootstock_migration_progress (
  id text COLLATE "C" PRIMARY KEY,
  checksum text NOT NULL,
  direction text NOT NULL,
  done integer NOT NULL
)`

/** Milliseconds that a statement waits for a lock: long enough for short transactions, short enough that the queue behind it stays short. */
const lockTimeout = 3000
const lockTries = 20

/**
 * A migration on PostgreSQL is a row of steps. Each transaction notes its progress within itself; a step outside of
 * transactions is noted after it, and can be begun again. So a runner that dies leaves a place from where the next one goes on.
 * The lock of the runner is an advisory lock of the session; the server gives it back when the connection ends.
 */
export class PostgresDdlConnection implements DdlConnection {
  readonly #client: pg.Client
  readonly #schema: string
  readonly #patience: number
  readonly #lockTimeout: number

  private constructor(client: pg.Client, schema: string, { patience = 600_000 }: ConnectOptions) {
    this.#client = client
    this.#schema = schema
    this.#patience = patience
    this.#lockTimeout = Math.min(lockTimeout, patience)
  }

  static async open(url: string, options: ConnectOptions = {}): Promise<PostgresDdlConnection> {
    return new PostgresDdlConnection(await openPostgres(url), schemaOf(url), options)
  }

  async applied(): Promise<AppliedMigration[]> {
    if (!(await this.#hasTable("rootstock_migrations"))) return []
    const rows = await this.#rows<{ id: string; checksum: string; applied_at: Date }>(
      "SELECT id, checksum, applied_at FROM rootstock_migrations ORDER BY id",
    )
    return rows.map(({ id, checksum, applied_at }) => ({ id, checksum, appliedAt: applied_at }))
  }

  async unfinished(): Promise<UnfinishedMigration | undefined> {
    if (!(await this.#hasTable("rootstock_migration_progress"))) return undefined
    const [row] = await this.#rows<UnfinishedMigration>(
      "SELECT id, checksum, direction, done FROM rootstock_migration_progress WHERE done > 0",
    )
    return row
  }

  async #hasTable(name: string): Promise<boolean> {
    const rows = await this.#rows("SELECT FROM pg_tables WHERE schemaname = $1 AND tablename = $2", [
      this.#schema,
      name,
    ])
    return rows.length > 0
  }

  /** A waiting `pg_advisory_lock` would hold a snapshot, and CREATE INDEX CONCURRENTLY waits for those: so the lock is asked for again and again. */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    const start = elapsed()
    const key = `hashtextextended(${literal(`rootstock migrate ${this.#schema}`)}, 0)`
    for (;;) {
      const [row] = await this.#rows<{ taken: boolean }>(`SELECT pg_try_advisory_lock(${key}) AS taken`)
      if (row!.taken) break
      if (elapsed() - start > this.#patience) {
        throw new TimeoutError(`Another runner has migrated ${this.#schema} for more than ${this.#patience} ms.`, {
          cure: "Wait for it and run again; pg_locks with locktype advisory shows who it is.",
        })
      }
      await pause(50 + Math.random() * 100)
    }
    try {
      await ensureSchema(this.#client, this.#schema)
      await this.#client.query(bookkeeping)
      return await work()
    } finally {
      await this.#client.query(`SELECT pg_advisory_unlock(${key})`).catch(() => undefined)
    }
  }

  async apply(plan: Plan): Promise<boolean> {
    const done = (await this.applied()).some(({ id }) => id === plan.id)
    const begun = await this.unfinished()
    if (done === (plan.direction === "up") && begun === undefined) return false
    const last = plan.steps.length - 1
    if (last < 0) await this.#transaction(plan, [], this.#finish(plan))
    for (let at = begun?.done ?? 0; at <= last; at++) {
      const step = plan.steps[at]!
      const note = at === last ? this.#finish(plan) : this.#progress(plan, at + 1)
      try {
        if (step.alone === undefined) {
          await this.#transaction(plan, step.statements, note)
        } else {
          await this.#alone(plan, step)
          await this.#transaction(plan, [], note)
        }
      } catch (error) {
        const kept = await this.#takeBack(plan, at)
        if (kept === 0 && error instanceof MigrationError) throw error
        const { sql, reason } =
          error instanceof StatementFailure ? error : { sql: step.statements[0]!.sql, reason: error }
        throw failure(plan, sql, reason, kept)
      }
    }
    return true
  }

  #finish({ id, checksum, direction, now }: Plan): string {
    const record =
      direction === "up"
        ? `INSERT INTO rootstock_migrations (id, checksum, applied_at) VALUES (${literal(id)}, ${literal(checksum)}, ${literal(now.toISOString())})`
        : `DELETE FROM rootstock_migrations WHERE id = ${literal(id)}`
    return `${record}; DELETE FROM rootstock_migration_progress WHERE id = ${literal(id)}`
  }

  #progress({ id, checksum, direction }: Plan, done: number): string {
    if (done === 0) return `DELETE FROM rootstock_migration_progress WHERE id = ${literal(id)}`
    return `INSERT INTO rootstock_migration_progress (id, checksum, direction, done) VALUES (${literal(id)}, ${literal(checksum)}, ${literal(direction)}, ${done})
      ON CONFLICT (id) DO UPDATE SET done = excluded.done, direction = excluded.direction, checksum = excluded.checksum`
  }

  async #transaction(plan: Plan, statements: readonly Statement[], note: string): Promise<void> {
    await this.#retrying(async () => {
      await this.#client.query(`BEGIN; SET LOCAL lock_timeout = ${this.#lockTimeout}`)
      try {
        for (const statement of statements) await this.#run(plan, statement)
        await plan.watch?.(note)
        await this.#client.query(note)
        await plan.watch?.("COMMIT")
        await this.#client.query("COMMIT")
      } catch (error) {
        await this.#client.query("ROLLBACK").catch(() => undefined)
        throw error
      }
    })
  }

  async #run(plan: Plan, statement: Statement): Promise<void> {
    const sql = boundSql(statement, plan.now)
    await plan.watch?.(sql)
    let rows: Record<string, unknown>[]
    try {
      rows = (await this.#client.query(sql)).rows
    } catch (error) {
      throw new StatementFailure(sql, error)
    }
    if (statement.refuses !== undefined && rows.length > 0) throw refusal(plan, statement, rows)
  }

  /** A step on an index outside of transactions. One that was broken off leaves an invalid index, which is cleared away first. */
  async #alone(plan: Plan, step: Step): Promise<void> {
    const { index, makes } = step.alone!
    await this.#retrying(async () => {
      const [there] = await this.#rows<{ indisvalid: boolean }>(
        "SELECT x.indisvalid FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_namespace n ON n.oid = i.relnamespace WHERE n.nspname = $1 AND i.relname = $2",
        [this.#schema, index],
      )
      if (makes && there?.indisvalid) return
      await this.#client.query(`SET lock_timeout = ${this.#lockTimeout}`)
      try {
        if (makes && there !== undefined) await this.#client.query(`DROP INDEX CONCURRENTLY ${identifier(index)}`)
        for (const statement of step.statements) await this.#run(plan, statement)
      } finally {
        await this.#client.query("SET lock_timeout = 0")
      }
    })
  }

  /** Tries again, a little later each time, while others hold locks. */
  async #retrying(work: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await work()
        return
      } catch (error) {
        const { code } = (error instanceof StatementFailure ? error.reason : error) as { code?: string }
        if ((code !== "55P03" && code !== "40P01") || attempt >= lockTries) throw error
      }
      await pause(Math.min(attempt, 5) * (100 + Math.random() * 200))
    }
  }

  /** Undoes the steps before `at`, the last first; gives how many stay, because they cannot be undone. */
  async #takeBack(plan: Plan, at: number): Promise<number> {
    const failed = plan.steps[at]!
    if (failed.alone?.makes) await this.#client.query(failed.undo![0]!)
    for (let done = at; done > 0; done--) {
      const step = plan.steps[done - 1]!
      if (step.undo === undefined) return done
      const undo = step.undo.map((sql) => ({ sql }))
      const quiet = { ...plan, watch: undefined }
      if (step.alone === undefined) {
        await this.#transaction(quiet, undo, this.#progress(plan, done - 1))
      } else {
        for (const { sql } of undo) await this.#client.query(sql)
        await this.#transaction(quiet, [], this.#progress(plan, done - 1))
      }
    }
    return 0
  }

  async record(migrations: readonly AppliedMigration[]): Promise<void> {
    for (const { id, checksum, appliedAt } of migrations) {
      await this.#client.query(
        "INSERT INTO rootstock_migrations (id, checksum, applied_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING",
        [id, checksum, appliedAt.toISOString()],
      )
    }
  }

  catalog(): Promise<Catalog> {
    return readCatalog(this.#client)
  }

  async inspect(): Promise<Inspected> {
    return inspectCatalog(await this.catalog(), postgresReader)
  }

  async catalogOf(schema: SchemaModel): Promise<Catalog> {
    const scratch = identifier(`rootstock_scratch_${process.pid}`)
    await this.#client.query(`BEGIN; CREATE SCHEMA ${scratch}; SET LOCAL search_path TO ${scratch}`)
    try {
      for (const statement of createSchema(schema)) await this.#client.query(statement)
      return await readCatalog(this.#client)
    } finally {
      await this.#client.query("ROLLBACK")
    }
  }

  async count(sql: string): Promise<number> {
    const { rows } = await this.#client.query({ text: sql, rowMode: "array" })
    return Number(rows[0]![0])
  }

  async close(): Promise<void> {
    await this.#client.end()
  }

  async #rows<T>(sql: string, values: unknown[] = []): Promise<T[]> {
    return (await this.#client.query(sql, values)).rows as T[]
  }
}

/** The database refused a statement. */
class StatementFailure extends Error {
  readonly sql: string
  readonly reason: unknown

  constructor(sql: string, reason: unknown) {
    super("a statement failed")
    this.sql = sql
    this.reason = reason
  }
}
