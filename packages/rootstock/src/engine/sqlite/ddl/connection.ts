import type { DatabaseSync } from "node:sqlite"
import { DatabaseSync as Database } from "node:sqlite"
import { MigrationError } from "../../../errors/index.ts"
import type { Catalog } from "../../ddl/catalog.ts"
import type { AppliedMigration, ConnectOptions, DdlConnection, Plan, Step } from "../../ddl/contract.ts"
import { boundSql, failure, refusal } from "../../ddl/failures.ts"
import { type Inspected, inspectCatalog } from "../../ddl/inspect.ts"
import type { SchemaModel } from "../../ddl/model.ts"
import { identifier } from "../../ddl/text.ts"
import { addFunctions } from "../functions.ts"
import { patiently } from "../patience.ts"
import { createSchema } from "./create.ts"
import { sqliteReader } from "./inspect.ts"
import { readCatalog } from "./introspect.ts"
import { openSqlite } from "./open.ts"
import { tableFingerprint } from "./parse.ts"

const bookkeeping = `CREATE TABLE IF NOT EXISTS rootstock_migrations (
  id TEXT NOT NULL PRIMARY KEY,
  checksum TEXT NOT NULL,
  applied_at TEXT NOT NULL
) STRICT`

/** How long another process is waited for, in milliseconds, unless said. */
export const usualPatience = 600_000

type SchemaRow = { type: string; name: string; sql: string }

/**
 * A migration on SQLite is one transaction that begins with the write lock and looks first whether it is still wanted.
 * So the write lock is the lock of the runner: the system gives it back when a process dies, and no row has to be swept up.
 */
export class SqliteDdlConnection implements DdlConnection {
  readonly #database: DatabaseSync
  readonly #patience: number

  private constructor(database: DatabaseSync, patience: number) {
    this.#database = database
    this.#patience = patience
  }

  static async open(url: string, { patience = usualPatience }: ConnectOptions = {}): Promise<SqliteDdlConnection> {
    return new SqliteDdlConnection(await openSqlite(url, patience), patience)
  }

  async applied(): Promise<AppliedMigration[]> {
    return this.#patiently(() => this.#applied())
  }

  #applied(): AppliedMigration[] {
    const [there] = this.#rows("SELECT 1 FROM sqlite_schema WHERE name = 'rootstock_migrations'")
    if (there === undefined) return []
    const rows = this.#rows("SELECT id, checksum, applied_at FROM rootstock_migrations ORDER BY id")
    return rows.map(({ id, checksum, applied_at }) => ({
      id: String(id),
      checksum: String(checksum),
      appliedAt: new Date(String(applied_at)),
    }))
  }

  /** A migration is one transaction: there are no halves. */
  async unfinished(): Promise<undefined> {
    return undefined
  }

  exclusively<T>(work: () => Promise<T>): Promise<T> {
    return work()
  }

  async apply(plan: Plan): Promise<boolean> {
    const database = this.#database
    // Inside a transaction this is silently ignored, and dropping the old table of a rebuild would cascade.
    database.exec(`PRAGMA foreign_keys = ${plan.handwritten ? "ON" : "OFF"}`)
    const [enforced] = this.#rows("PRAGMA foreign_keys")
    if (enforced?.["foreign_keys"] !== (plan.handwritten ? 1 : 0)) {
      throw new MigrationError("SQLite did not switch the enforcement of references.", {
        cure: "Report this as a bug.",
      })
    }
    await this.#patiently(() => database.exec("BEGIN IMMEDIATE"))
    try {
      database.exec(bookkeeping)
      const done = this.#applied().some(({ id }) => id === plan.id)
      if (done === (plan.direction === "up")) {
        database.exec("ROLLBACK")
        return false
      }
      const views = this.#workingViews()
      for (const step of plan.steps) await this.#run(step, plan)
      this.#verify(plan, views)
      if (plan.direction === "up") {
        database
          .prepare("INSERT INTO rootstock_migrations (id, checksum, applied_at) VALUES (?, ?, ?)")
          .run(plan.id, plan.checksum, plan.now.toISOString())
      } else {
        database.prepare("DELETE FROM rootstock_migrations WHERE id = ?").run(plan.id)
      }
      await plan.watch?.("COMMIT")
      await this.#patiently(() => database.exec("COMMIT"))
      return true
    } catch (error) {
      if (database.isTransaction) database.exec("ROLLBACK")
      database.exec("PRAGMA legacy_alter_table = OFF")
      throw error
    } finally {
      database.exec("PRAGMA foreign_keys = ON")
    }
  }

  async #run(step: Step, plan: Plan): Promise<void> {
    if (step.rebuilds !== undefined) {
      await this.#rebuild(step.rebuilds.table, step.rebuilds.expects, step, plan)
      return
    }
    for (const statement of step.statements) {
      const sql = boundSql(statement, plan.now)
      await plan.watch?.(sql)
      this.#attempt(plan, sql, () => {
        if (statement.refuses === undefined) this.#database.exec(sql)
        else this.#refuse(plan, statement.refuses, sql)
      })
    }
  }

  #refuse(plan: Plan, refuses: string, sql: string): void {
    const rows = this.#rows(sql)
    if (rows.length > 0) throw refusal(plan, { sql, refuses }, rows)
  }

  #attempt(plan: Plan, sql: string, work: () => void): void {
    try {
      work()
    } catch (error) {
      throw error instanceof MigrationError ? error : failure(plan, sql, error)
    }
  }

  /** Makes a table anew. What others attached to it (indexes, triggers) is put back, and no table may gain or lose a row. */
  async #rebuild(table: string, expects: string, step: Step, plan: Plan): Promise<void> {
    const database = this.#database
    const [present] = this.#rows("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?", table)
    if (present === undefined || tableFingerprint(String(present["sql"])) !== expects) {
      throw new MigrationError(
        `Migration ${plan.id} is refused: it makes ${table} anew, and ${table} is not as it was when the migration was written, so something would be lost.`,
        {
          cure: "The database is as it was before. Where two branches met, delete the .sql files of the later migration (no database may have it) and they are made again; where the table was changed by hand, `migrate check` shows how.",
        },
      )
    }
    const attached = this.#rows(
      "SELECT type, name, sql FROM sqlite_schema WHERE lower(tbl_name) = lower(?) AND type IN ('index', 'trigger') AND sql IS NOT NULL ORDER BY rowid",
      table,
    ) as SchemaRow[]
    const before = this.#rowCounts()
    // Views and triggers elsewhere that name the table stay as they are while it is away.
    database.exec("PRAGMA legacy_alter_table = ON")
    await this.#run({ statements: step.statements }, plan)
    database.exec("PRAGMA legacy_alter_table = OFF")
    for (const { sql } of attached) {
      await plan.watch?.(sql)
      this.#attempt(plan, sql, () => database.exec(sql))
    }
    const after = this.#rowCounts()
    for (const [name, count] of before) {
      if (after.get(name) === count) continue
      throw new MigrationError(
        `Migration ${plan.id} is refused: making ${table} anew would leave ${after.get(name) ?? "no"} of ${count} rows in ${name}.`,
        { cure: "The database is as it was before. Report this as a bug." },
      )
    }
  }

  #rowCounts(): Map<string, unknown> {
    const tables = this.#rows(
      "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    )
    return new Map(
      tables.map(({ name }) => [
        String(name),
        this.#rows(`SELECT count(*) AS rows FROM ${identifier(String(name))}`)[0]!["rows"],
      ]),
    )
  }

  /** Nothing may point nowhere, and no view may stop working. */
  #verify(plan: Plan, views: readonly string[]): void {
    const orphans = this.#rows(
      'SELECT "table" AS name, count(*) AS rows, parent FROM pragma_foreign_key_check GROUP BY "table", parent',
    )
    if (orphans.length > 0) {
      const list = orphans
        .map(({ name, rows, parent }) => `${rows} of ${name} that point to no row of ${parent}`)
        .join(", ")
      throw new MigrationError(
        `Migration ${plan.id} is refused: it would leave rows without what they refer to: ${list}.`,
        {
          cure: "The database is as it was before. Mend these rows first; a hand-written step that deletes rows and relies on cascades needs a migration of its own.",
        },
      )
    }
    const broken = views.filter((view) => !this.#works(view))
    if (broken.length === 0) return
    throw new MigrationError(`Migration ${plan.id} is refused: the view ${broken.join(", ")} would stop working.`, {
      cure: "The database is as it was before. Drop the view in a hand-written step before this migration and make it again after it.",
    })
  }

  #workingViews(): string[] {
    const views = this.#rows("SELECT name FROM sqlite_schema WHERE type = 'view'")
    return views.map(({ name }) => String(name)).filter((name) => this.#works(name))
  }

  #works(view: string): boolean {
    try {
      this.#database.prepare(`SELECT * FROM ${identifier(view)} LIMIT 0`)
      return true
    } catch {
      return false
    }
  }

  async record(migrations: readonly AppliedMigration[]): Promise<void> {
    await this.#patiently(() => this.#database.exec("BEGIN IMMEDIATE"))
    try {
      this.#database.exec(bookkeeping)
      const insert = this.#database.prepare(
        "INSERT INTO rootstock_migrations (id, checksum, applied_at) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING",
      )
      for (const { id, checksum, appliedAt } of migrations) insert.run(id, checksum, appliedAt.toISOString())
      await this.#patiently(() => this.#database.exec("COMMIT"))
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK")
      throw error
    }
  }

  async catalog(): Promise<Catalog> {
    return this.#patiently(() => readCatalog(this.#database))
  }

  async inspect(): Promise<Inspected> {
    const scaleOf = (table: string, column: string) => {
      const own = identifier(column)
      const sql = `SELECT max(length(${own}) - instr(${own}, '.')) AS scale FROM ${identifier(table)} WHERE instr(${own}, '.') > 0`
      return Number(this.#rows(sql)[0]!["scale"] ?? 0)
    }
    return this.#patiently(() => inspectCatalog(readCatalog(this.#database), sqliteReader(scaleOf)))
  }

  async catalogOf(schema: SchemaModel): Promise<Catalog> {
    const scratch = new Database(":memory:")
    try {
      addFunctions(scratch)
      for (const statement of createSchema(schema)) scratch.exec(statement)
      return readCatalog(scratch)
    } finally {
      scratch.close()
    }
  }

  async count(sql: string): Promise<number> {
    return this.#patiently(() => Number(Object.values(this.#rows(sql)[0]!)[0]))
  }

  async close(): Promise<void> {
    this.#database.close()
  }

  #rows(sql: string, ...values: string[]): Record<string, unknown>[] {
    return this.#database.prepare(sql).all(...values) as Record<string, unknown>[]
  }

  #patiently<T>(work: () => T): Promise<T> {
    return patiently(this.#patience, work)
  }
}
