import type { DialectAdapter, QueryCompiler } from "kysely"
import type {
  Codec,
  ColumnDefinition,
  ColumnType,
  NullsPosition,
  SortDirection,
  SqlValue,
  TableDefinition,
} from "../schema/index.ts"

/** A statement with what is needed to run it and to read its rows; made once for each shape of call and kept. */
export type Query<T = unknown> = {
  readonly sql: string
  /** Makes a result from a row, which comes as an array of the driver's values. */
  readonly decode: (row: readonly any[]) => T
  /** Some column must be read as bigint. */
  readonly wide: boolean
  /** The statement changes rows, or takes locks. */
  readonly writes: boolean
  /** The statement gives rows. */
  readonly returns: boolean
  /** The call that it serves, e.g. `users.get`; for events and messages. */
  readonly label: string
  /** Its tables grow and shrink so fast that a plan must not be kept for long. */
  readonly replanned?: true
}

/** A look-up by key in two forms, so that an engine may answer many in one round trip. */
export type Lookup<T = unknown> = {
  /** One parameter: the key. */
  readonly one: Query<T>
  /** One parameter: the keys as `dialect.list` binds them. Its first column is the key. */
  readonly many: Query<{ key: unknown; row: T }>
  readonly column: ColumnDefinition
}

/** A statement with its parameters, as part of a unit. */
export type Step = { readonly query: Query; readonly values: readonly SqlValue[] }

/** What came of a step: the rows that it returned, and how many it changed. */
export type StepResult = { readonly rows: unknown[]; readonly changes: number }

/** Something that runs statements: an engine outside transactions, or the connection of one transaction. */
export interface Executor {
  /** All rows. */
  all<T>(query: Query<T>, values: readonly SqlValue[]): Promise<T[]>
  /** The first row, or undefined. */
  first<T>(query: Query<T>, values: readonly SqlValue[]): Promise<T | undefined>
  /** The row with this key, or undefined. */
  lookup<T>(lookup: Lookup<T>, key: SqlValue): Promise<T | undefined>
  /** How many rows the statement changed. */
  run(query: Query, values: readonly SqlValue[]): Promise<number>
  /** Runs the steps as one: all of them, or none. */
  unit(steps: readonly Step[]): Promise<StepResult[]>
  /** Rows in portions of at most `size`, in constant memory. */
  stream<T>(query: Query<T>, values: readonly SqlValue[], size: number): AsyncIterable<T[]>
}

/** What a statement outside the storages (free SQL) gave: its rows as arrays, and where its columns come from. */
export type FreeResult = {
  readonly columns: readonly FreeColumn[]
  readonly rows: readonly (readonly any[])[]
  readonly changes: number
}
/** A column of a free result; `table` and `column` are names in the database, absent for computed ones. */
export type FreeColumn = {
  readonly name: string
  readonly table?: string
  readonly column?: string
  readonly decode?: (raw: any) => unknown
}

export interface FreeExecutor {
  /** Runs any SQL; parameters are written `dialect.parameter(1)`, …. Whether it writes is told by the caller. */
  free(sql: string, values: readonly SqlValue[], writes: boolean): Promise<FreeResult>
}

export type Isolation = "read committed" | "repeatable read" | "serializable"

export type BeginOptions = {
  readonly isolation?: Isolation | undefined
  readonly readOnly?: boolean | undefined
  /** Who asks: shown when somebody else waits too long for the writer. */
  readonly label: string
}

/** The connection of one running transaction. Exactly one of `commit` and `rollback` ends it. */
export interface Connection extends Executor, FreeExecutor {
  commit(): Promise<void>
  /** Never throws: a connection that cannot roll back is thrown away. */
  rollback(): Promise<void>
  savepoint(name: string): Promise<void>
  release(name: string): Promise<void>
  rollbackTo(name: string): Promise<void>
}

/** An opened database. */
export interface Engine extends Executor, FreeExecutor {
  readonly dialect: Dialect
  begin(options: BeginOptions): Promise<Connection>
  /** Answers when the database does. */
  ping(): Promise<void>
  /**
   * A number that differs from the one before if another process committed in between; absent where the engine cannot
   * tell at once. It costs a few microseconds and blocks.
   */
  foreignCommits?(): number
  /** Transactions that write run one after the other here, so that several pieces of work gain by sharing one commit. */
  readonly singleWriter: boolean
  /** How another thread opens the same database; undefined where no other connection can see it. */
  readonly address: EngineAddress | undefined
  readonly signals: Signals
  /** What is there: for `inspect`, health and results files, e.g. `SQLite 3.53.4`. */
  readonly version: string
  /** A server that follows this one and is only read, where one was named; closed with this one. */
  readonly replica?: Engine | undefined
  /** Waits for what runs and closes all connections; idempotent. */
  close(): Promise<void>
}

/** The parameters of `openEngine` for a connection or two of one's own; plain data, so that threads can be told. */
export type EngineAddress = { readonly url: string; readonly options: EngineSettings }

/** The settings of an opened engine that count for every connection to its database. */
export type EngineSettings = {
  readonly sqlite?: { readonly busyTimeoutMs?: number }
  readonly postgres?: {
    readonly applicationName?: string | undefined
    readonly pooler?: boolean | undefined
    readonly connectTimeoutMs?: number | undefined
    readonly pool?: { readonly size: number; readonly overflow: number }
  }
}

/**
 * Signals between those who have the same database open, in other processes: that there is something to look at. They
 * save time and carry no promise: one may be lost, and one may come for nothing.
 */
export interface Signals {
  /** Tells those who listen for the topic, soon; called after the commit of what they are to look at. Never throws. */
  send(topic: string): void
  /**
   * Calls `callback` at signals of the topic, and wherever some may have been missed.
   *
   * @returns once the listening has begun, or its first try has failed: it is tried again. The call that ends it.
   */
  listen(topic: string, callback: () => void): Promise<() => Promise<void>>
}

/** How two engines say the same thing in SQL. The storages write their statements with it. */
export interface Dialect {
  /** For messages, file names and folders; nothing branches on it. */
  readonly name: "sqlite" | "postgres"
  codec(type: ColumnType): Codec
  identifier(name: string): string
  /** The placeholder of the parameter with this index, from 1. */
  parameter(index: number): string
  /** `column` in the order wanted; nulls last ascending and first descending unless said. */
  order(
    column: string,
    definition: ColumnDefinition,
    direction: SortDirection,
    nulls: NullsPosition | undefined,
  ): string
  /** The side of a comparison: for types whose stored form does not compare as their values do. */
  comparable(expression: string, type: ColumnType): string
  /** `column` is among the values of one parameter made by `list`. */
  among(column: string, parameter: string, type: ColumnType): string
  /** One parameter that carries many values. */
  list(values: readonly SqlValue[]): SqlValue
  /** Case-sensitive pattern with `%`, `_` and `\`. */
  like(column: string, parameter: string): string
  /** The parameter of `like`. */
  likePattern(pattern: string): string
  /** Whether the text contains the parameter, without regard to case, for all of Unicode. */
  contains(column: string, parameter: string): string
  /** The parameter of `contains`. */
  containsPattern(text: string): string
  /**
   * Whether a list has the parameter as an item, or JSON contains the parameter's structure (as `@>` of `jsonb` means it).
   * `alias` is the quoted name under which the statement knows the table.
   */
  has(alias: string, table: TableDefinition, column: ColumnDefinition, parameter: string): string
  /** The sum of a column and the parameter, exact for decimals. */
  add(column: string, parameter: string, type: ColumnType): string
  /**
   * Many rows as parameters of one statement. Columns of `shared` have one value in all rows: in `insert` they stand before
   * the others, and their values are the first parameters.
   */
  rows(types: readonly ColumnType[], count: number, shared?: readonly ColumnType[]): RowSource
  /** What of the number of rows is part of the statement's text: the number itself, or nothing. */
  rowsShape(count: number): string
  /** How many of `count` rows the next statement takes: of few different numbers, since each is a statement to be kept. */
  rowsAtOnce(columns: number, count: number): number
  /** What is put behind a SELECT to lock its rows until the end of the transaction; empty where the writer holds all. */
  readonly lockClause: string
  /** As `lockClause`, and rows that others have locked are left out. */
  readonly freeRowsClause: string
  /** `column` is among what `query` finds, which is run once. */
  amongFound(column: string, query: string): string
  /** A value of free SQL, whose column is not known. */
  freeValue(value: unknown): SqlValue
  /** What Kysely needs to write for this engine. */
  kysely(): { adapter: DialectAdapter; compiler: QueryCompiler }
  /** What stands for "no limit" before an OFFSET. */
  readonly noLimit: string
}

export type RowSource = {
  /** A complete SELECT that yields the rows under these column names. */
  readonly select: (columns: readonly string[]) => string
  /** What stands behind `INSERT INTO t (…)`. */
  readonly insert: string
  /** Parameters from encoded values, row after row in one array, which may be given back as it is. */
  readonly bind: (values: SqlValue[]) => SqlValue[]
}
