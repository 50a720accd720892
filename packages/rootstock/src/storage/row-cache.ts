import type { TableDefinition } from "../schema/index.ts"
import type { Participant } from "../session/index.ts"

/** Serves the reads by key of one table. */
export interface RowReader {
  /** The row with this key, from the cache or from the database. Called outside of transactions only. */
  get(key: unknown): Promise<unknown>
}

/** The rows of one table past the cache. */
export interface RowSource {
  /** The row with this key, from the database. */
  load(key: unknown): Promise<unknown>
  /** @throws ValidationError where the key is not of its columns' types */
  check(key: unknown): void
  /** Counts a read that is not answered from memory. @throws NPlusOneError */
  count(): void
}

/** Collects what a unit of work writes, so that the cache forgets it after the commit. */
export interface Writes extends Participant {
  /**
   * One row was made or changed.
   *
   * @param row as it is stored, where that is known
   * @param changed keys of the columns that were given values; undefined where the row was made
   */
  row(table: TableDefinition, key: unknown, row: Row | undefined, changed: readonly string[] | undefined): void
  /** One row was deleted, and with it what its deletion cascades to. */
  gone(table: TableDefinition, key: unknown): void
  /** Rows that are not known were made or changed, or, where `removed`, deleted. */
  some(table: TableDefinition, removed: boolean): void
}

type Row = Readonly<Record<string, unknown>>

/** A cache over the rows of a database, as the storages see it. */
export interface RowCache {
  /** What serves reads by key of a table; undefined where its rows are not cached. */
  reader(table: TableDefinition, source: RowSource): RowReader | undefined
  /** Whether anything cached depends on rows of the table, or on rows that their deletion takes along. */
  watches(table: TableDefinition): boolean
  /** Whether writes must be in transactions, because the cache records them there. */
  readonly recordsWrites: boolean
  /** Collects the writes of one unit of work. */
  collect(): Writes
}
