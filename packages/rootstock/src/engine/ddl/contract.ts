import type { Catalog, Difference } from "./catalog.ts"
import type { Inspected } from "./inspect.ts"
import type { SchemaModel, TypeModel } from "./model.ts"
import type { Operation } from "./operations.ts"

/** A statement of a migration as it is frozen. */
export type Statement = {
  readonly sql: string
  /** It must give no rows. Those that it gives break what comes: a sentence that fits after "3 rows". Its first column counts them all. */
  readonly refuses?: string
  /** The text `'@now'` in it stands for the instant of applying. */
  readonly usesNow?: boolean
}

/** Statements that take effect together, or not at all. */
export type Step = {
  readonly statements: readonly Statement[]
  /** Takes the step back where a later one fails; absent where nothing can. An engine that runs a migration in one transaction needs none. */
  readonly undo?: readonly string[]
  /** The step cannot be in a transaction: it makes (or drops) this index beside running work. */
  readonly alone?: { readonly index: string; readonly makes: boolean }
  /** The statements make this table anew in place of the old one, which must be as expected: what they do not know would be lost. */
  readonly rebuilds?: { readonly table: string; readonly expects: string }
}

/** A migration that a database has. */
export type AppliedMigration = { readonly id: string; readonly checksum: string; readonly appliedAt: Date }

export type Direction = "up" | "down"

/** A migration that was begun and not finished, because its runner was killed or a step could not be taken back. */
export type UnfinishedMigration = {
  readonly id: string
  readonly checksum: string
  readonly direction: Direction
  /** How many steps are done. */
  readonly done: number
}

/** One migration in one direction, ready to run. */
export type Plan = {
  readonly id: string
  readonly checksum: string
  readonly direction: Direction
  readonly steps: readonly Step[]
  /** The instant of applying. */
  readonly now: Date
  /** All of it is hand-written: SQLite then enforces references at each statement, so that cascades work. */
  readonly handwritten: boolean
  /** Is called before each statement. */
  readonly watch?: ((sql: string) => void | Promise<void>) | undefined
}

/** A connection of its own for changing and inspecting the schema of one database. */
export interface DdlConnection {
  /** Those of the bookkeeping table, by id; none where there is no such table. */
  applied(): Promise<AppliedMigration[]>
  unfinished(): Promise<UnfinishedMigration | undefined>
  /** Runs the work while no other runner works on this database. */
  exclusively<T>(work: () => Promise<T>): Promise<T>
  /** Runs the plan; false where another runner was faster. Where it fails, the database is as before, or says from where it goes on. */
  apply(plan: Plan): Promise<boolean>
  /** Notes migrations as applied without running them. */
  record(migrations: readonly AppliedMigration[]): Promise<void>
  /** What is in the database, without bookkeeping. */
  catalog(): Promise<Catalog>
  /** The database in the terms of declarations, and what they cannot say. */
  inspect(): Promise<Inspected>
  /** What is in a fresh database with this schema, as the same engine tells it. */
  catalogOf(schema: SchemaModel): Promise<Catalog>
  /** The number in the only column of the only row. */
  count(sql: string): Promise<number>
  close(): Promise<void>
}

/** How an engine makes, changes and inspects schemas. */
export interface Ddl {
  /** For messages and the names of files of frozen SQL. */
  readonly name: "sqlite" | "postgres"
  /** Statements that make the tables in an empty database. */
  createSchema(schema: SchemaModel): string[]
  /** Makes the tables in an empty database, in one transaction. */
  create(url: string, schema: SchemaModel): Promise<void>
  /** Whether values of one type can become values of the other. Those that would lose something are refused as they are met. */
  converts(from: TypeModel, to: TypeModel): boolean
  /** The steps that take a database with this schema through the operations. */
  compile(schema: SchemaModel, operations: readonly Operation[]): Step[]
  /** In what a database differs from what is expected of it. */
  compare(actual: Catalog, expected: Catalog): Difference[]
  /** @throws UnavailableError or ConfigError where there is no such database */
  connect(url: string, options?: ConnectOptions): Promise<DdlConnection>
}

export type ConnectOptions = {
  /** Milliseconds to wait for another runner, 600,000 unless said. */
  readonly patience?: number
}
