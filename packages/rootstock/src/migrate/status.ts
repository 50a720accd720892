import { type Clock, systemClock } from "../clock/index.ts"
import { type Difference, ddlFor, declaredSchema, emptySchema } from "../engine/index.ts"
import { MigrationError } from "../errors/index.ts"
import type { Tables } from "../schema/index.ts"
import { loadMigrations } from "./files.ts"
import { checkedHistory, lastWanted, withConnection } from "./run.ts"

export type MigrationState = {
  readonly id: string
  /** `begun`: a runner was stopped in the middle; the next one goes on. `edited` and `missing` are applied ones whose files are not as they were. */
  readonly state: "applied" | "pending" | "begun" | "edited" | "missing"
  readonly appliedAt?: Date
}

/** Every migration of the directory and of the database, in order. */
export async function migrationStatus(options: { url: string; directory: string }): Promise<MigrationState[]> {
  const migrations = await loadMigrations(options.directory)
  return withConnection(options, async (connection) => {
    const applied = await connection.applied()
    const begun = await connection.unfinished()
    const states = migrations.map(({ id, checksum }): MigrationState => {
      const one = applied.find((other) => other.id === id)
      if (begun?.id === id) return { id, state: "begun" }
      if (one === undefined) return { id, state: "pending" }
      return { id, state: one.checksum === checksum ? "applied" : "edited", appliedAt: one.appliedAt }
    })
    const missing = applied.filter(({ id }) => !migrations.some((one) => one.id === id))
    for (const { id, appliedAt } of missing) states.push({ id, state: "missing", appliedAt })
    return states.sort((a, b) => (a.id < b.id ? -1 : 1))
  })
}

/** In what a database differs from declared tables; empty where it does not. */
export async function checkDrift(options: { url: string; tables: Tables }): Promise<Difference[]> {
  const { schema } = declaredSchema(options.tables)
  return withConnection(options, async (connection) =>
    ddlFor(options.url).compare(await connection.catalog(), await connection.catalogOf(schema)),
  )
}

export type StampOptions = {
  readonly url: string
  readonly directory: string
  /** The last one to note, as for `migrateUp`; all unless said. */
  readonly to?: string | number | undefined
  /** Note them although the database differs from what they would make. */
  readonly force?: boolean | undefined
  readonly clock?: Clock | undefined
}

/**
 * Notes migrations as applied without running them, for a database that has their result already.
 *
 * @returns the ids that were noted
 * @throws MigrationError where the database differs from the result, and `force` is not set
 */
export async function stampMigrations(options: StampOptions): Promise<string[]> {
  const { directory, to, force = false, clock = systemClock } = options
  const migrations = await loadMigrations(directory, { freeze: true })
  const wanted = migrations.slice(0, lastWanted(migrations, to))
  return withConnection(options, (connection) =>
    connection.exclusively(async () => {
      const applied = await checkedHistory(connection, migrations)
      const open = wanted.filter(({ id }) => !applied.has(id))
      if (open.length === 0) return []
      if (!force) {
        const schema = wanted.at(-1)?.after ?? emptySchema
        const differences = ddlFor(options.url).compare(await connection.catalog(), await connection.catalogOf(schema))
        if (differences.length > 0) throw refuseStamp(differences)
      }
      await connection.record(open.map(({ id, checksum }) => ({ id, checksum, appliedAt: clock.now() })))
      return open.map(({ id }) => id)
    }),
  )
}

function refuseStamp(differences: readonly Difference[]): MigrationError {
  const shown = differences.slice(0, 5).map(describeDifference).join("; ")
  const more = differences.length > 5 ? `; and ${differences.length - 5} more` : ""
  return new MigrationError(`The database differs from what the migrations make: ${shown}${more}.`, {
    cure: "Nothing was noted. Run `migrate up` where the migrations are wanted, or say --force where the differences are known.",
  })
}

/** A difference in a sentence without a full stop. */
export function describeDifference({ table, what, actual, expected }: Difference): string {
  const place = what === "table" ? `table ${table}` : `${table}, ${what}`
  if (actual === undefined)
    return what === "table" ? `${place} is missing` : `${place} is missing (declared: ${expected})`
  if (expected === undefined)
    return what === "table" ? `${place} is not declared` : `${place} is not declared (there: ${actual})`
  return `${place} is "${actual}", declared "${expected}"`
}
