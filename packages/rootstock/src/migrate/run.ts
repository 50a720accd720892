import { type Clock, systemClock } from "../clock/index.ts"
import {
  type AppliedMigration,
  boundSql,
  type DdlConnection,
  type Direction,
  ddlFor,
  invertOperations,
  type Plan,
} from "../engine/index.ts"
import { MigrationError } from "../errors/index.ts"
import { type LoadedMigration, loadMigrations } from "./files.ts"
import { type Loss, lossesOf } from "./losses.ts"

/** What a runner tells while it works. */
export type MigrationStep = {
  readonly id: string
  readonly direction: Direction
  /** The statement that is run next; absent when the migration begins. */
  readonly sql?: string
}

export type RunOptions = {
  /** Of the database. */
  readonly url: string
  readonly directory: string
  /** Run nothing and give the SQL instead. */
  readonly dryRun?: boolean | undefined
  readonly clock?: Clock | undefined
  /** Milliseconds to wait for another runner, 600,000 unless said. */
  readonly patience?: number | undefined
  readonly onStep?: ((step: MigrationStep) => void | Promise<void>) | undefined
}

export type UpOptions = RunOptions & {
  /** The last migration to apply: its id, the start of it, or its place in the history from 1. */
  readonly to?: string | number | undefined
}

export type DownOptions = RunOptions & {
  /** How many to take back, 1 unless said. */
  readonly count?: number | undefined
  /** Take back also what loses rows or values. */
  readonly allowLoss?: boolean | undefined
}

/** A migration that was run, or would be. */
export type MigrationRun = {
  readonly id: string
  /** Its statements on this engine. */
  readonly sql: readonly string[]
}

/** What goes for good, with how much it is in this database. */
export type CountedLoss = Loss & {
  /** Rows, or values that are not null; absent where later migrations stand between. */
  readonly count?: number
}

/**
 * Applies the migrations that the database does not have, each once, whoever else does the same at this time.
 *
 * @returns those that this call applied
 * @throws MigrationError for a migration that was edited after it was applied, one that is missing, or one that fails
 */
export async function migrateUp(options: UpOptions): Promise<MigrationRun[]> {
  const migrations = await loadMigrations(options.directory, { freeze: options.dryRun !== true })
  const wanted = migrations.slice(0, lastWanted(migrations, options.to))
  return withConnection(options, async (connection) => {
    if (options.dryRun) {
      const applied = await checkedHistory(connection, migrations)
      return wanted.filter(({ id }) => !applied.has(id)).map((one) => runOf(planOf(one, "up", options)))
    }
    return connection.exclusively(async () => {
      const runs: MigrationRun[] = []
      for (;;) {
        const applied = await checkedHistory(connection, migrations)
        await finishBegun(connection, migrations, options, runs)
        const next = wanted.find(({ id }) => !applied.has(id))
        if (next === undefined) return runs
        await applyPlan(connection, planOf(next, "up", options), options, runs)
      }
    })
  })
}

/**
 * Takes back the migrations that were applied last, by the order of the history.
 *
 * @throws MigrationError where rows or values would go and `allowLoss` is not set; it says what and how much
 */
export async function migrateDown(options: DownOptions): Promise<MigrationRun[]> {
  const migrations = await loadMigrations(options.directory, { freeze: options.dryRun !== true })
  return withConnection(options, async (connection) => {
    const chosen = async () => {
      const applied = await checkedHistory(connection, migrations)
      return migrations
        .filter(({ id }) => applied.has(id))
        .reverse()
        .slice(0, options.count ?? 1)
    }
    if (options.dryRun) return (await chosen()).map((one) => runOf(planOf(one, "down", options)))
    return connection.exclusively(async () => {
      const runs: MigrationRun[] = []
      await finishBegun(connection, migrations, options, runs)
      const backwards = (await chosen()).slice(0, (options.count ?? 1) - runs.length)
      if (!options.allowLoss) await refuseLosses(connection, backwards)
      for (const one of backwards) await applyPlan(connection, planOf(one, "down", options), options, runs)
      return runs
    })
  })
}

/** What would go for good if the last `count` migrations were taken back. */
export async function lossesOfDown(options: Pick<DownOptions, "url" | "directory" | "count">): Promise<CountedLoss[]> {
  const migrations = await loadMigrations(options.directory)
  return withConnection(options, async (connection) => {
    const applied = await checkedHistory(connection, migrations)
    const backwards = migrations
      .filter(({ id }) => applied.has(id))
      .reverse()
      .slice(0, options.count ?? 1)
    return (await countLosses(connection, backwards)).flatMap(({ losses }) => losses)
  })
}

async function refuseLosses(connection: DdlConnection, backwards: readonly LoadedMigration[]): Promise<void> {
  const lossy = (await countLosses(connection, backwards)).filter(({ losses }) => losses.length > 0)
  if (lossy.length === 0) return
  const shown = lossy.map(({ id, losses }) => `${id} (${losses.map(lossText).join(", ")})`).join("; ")
  throw new MigrationError(`Taking back would lose data for good: ${shown}.`, {
    cure: "Nothing was done. Say --allow-loss if that is wanted; a copy of the database first is cheap.",
  })
}

function lossText({ table, column, count }: CountedLoss): string {
  const much = count === undefined ? "all" : String(count)
  return column === undefined ? `${much} rows of ${table}` : `${much} values of ${table}.${column}`
}

async function countLosses(
  connection: DdlConnection,
  backwards: readonly LoadedMigration[],
): Promise<{ id: string; losses: CountedLoss[] }[]> {
  const { tables } = await connection.catalog()
  const result: { id: string; losses: CountedLoss[] }[] = []
  for (const { id, operations } of backwards) {
    const losses: CountedLoss[] = []
    for (const loss of lossesOf(invertOperations(operations))) {
      const table = tables.find(({ name }) => name === loss.table)
      const there =
        table !== undefined && (loss.column === undefined || table.columns.some(({ name }) => name === loss.column))
      const what = loss.column === undefined ? "*" : `"${loss.column}"`
      losses.push(
        there ? { ...loss, count: await connection.count(`SELECT count(${what}) FROM "${loss.table}"`) } : loss,
      )
    }
    result.push({ id, losses })
  }
  return result
}

async function applyPlan(
  connection: DdlConnection,
  plan: Plan,
  options: RunOptions,
  runs: MigrationRun[],
): Promise<void> {
  await options.onStep?.({ id: plan.id, direction: plan.direction })
  if (await connection.apply(plan)) runs.push(runOf(plan))
}

/** A migration that another runner left in the middle is run to its end first, in its direction. */
async function finishBegun(
  connection: DdlConnection,
  migrations: readonly LoadedMigration[],
  options: RunOptions,
  runs: MigrationRun[],
): Promise<void> {
  const begun = await connection.unfinished()
  if (begun === undefined) return
  const migration = migrations.find(({ id }) => id === begun.id)
  if (migration === undefined || migration.checksum !== begun.checksum) {
    throw new MigrationError(
      `${begun.id} was begun, and its files ${migration === undefined ? "are missing" : "were edited since"}.`,
      {
        cure: "Bring its files back as they were, from version control, so that it can be finished.",
      },
    )
  }
  await applyPlan(connection, planOf(migration, begun.direction, options), options, runs)
}

function planOf(migration: LoadedMigration, direction: Direction, options: RunOptions): Plan {
  const { id, checksum, operations, frozen } = migration
  const { onStep } = options
  return {
    id,
    checksum,
    direction,
    steps: frozen[ddlFor(options.url).name][direction],
    now: (options.clock ?? systemClock).now(),
    handwritten: operations.every(({ op }) => op === "sql"),
    watch: onStep === undefined ? undefined : (sql) => onStep({ id, direction, sql }),
  }
}

function runOf({ id, steps, now }: Plan): MigrationRun {
  return {
    id,
    sql: steps.flatMap(({ statements }) =>
      statements.flatMap((one) => (one.refuses === undefined ? [boundSql(one, now)] : [])),
    ),
  }
}

/** The applied migrations, when all of them are in the history as they were applied. */
export async function checkedHistory(
  connection: DdlConnection,
  migrations: readonly LoadedMigration[],
): Promise<ReadonlyMap<string, AppliedMigration>> {
  const applied = await connection.applied()
  const edited = applied.filter((one) =>
    migrations.some(({ id, checksum }) => id === one.id && checksum !== one.checksum),
  )
  const missing = applied.filter((one) => !migrations.some(({ id }) => id === one.id))
  if (edited.length > 0) {
    throw new MigrationError(
      `Migrations were edited after they were applied: ${edited.map(({ id }) => id).join(", ")}.`,
      {
        cure: "Bring their files back as they were, from version control, and write another migration for what is to change.",
      },
    )
  }
  if (missing.length > 0) {
    throw new MigrationError(
      `The database has migrations that the directory lacks: ${missing.map(({ id }) => id).join(", ")}.`,
      {
        cure: "Bring their files back from version control, or run the version of the program that has them.",
      },
    )
  }
  return new Map(applied.map((one) => [one.id, one]))
}

/** How many migrations there are up to the one that `to` names. */
export function lastWanted(migrations: readonly LoadedMigration[], to: string | number | undefined): number {
  if (to === undefined) return migrations.length
  const place =
    typeof to === "number" || /^\d{1,4}$/.test(to)
      ? Number(to)
      : migrations.findIndex(({ id }) => id.startsWith(to)) + 1
  if (place >= 1 && place <= migrations.length) return place
  throw new MigrationError(`There is no migration ${to}.`, {
    cure:
      migrations.length === 0
        ? "The directory has none."
        : `Use 1 to ${migrations.length}, or the start of an id such as ${migrations[0]!.id}.`,
  })
}

/** Runs work on a connection of its own. */
export async function withConnection<T>(
  { url, patience }: { url: string; patience?: number | undefined },
  work: (connection: DdlConnection) => Promise<T>,
): Promise<T> {
  const connection = await ddlFor(url).connect(url, patience === undefined ? {} : { patience })
  try {
    return await work(connection)
  } finally {
    await connection.close()
  }
}
