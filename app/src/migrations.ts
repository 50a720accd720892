import { fileURLToPath } from "node:url"
import { MigrationError } from "rootstock"
import { migrateUp, migrationStatus } from "rootstock/migrate"
import type { Unit } from "./databases.ts"

/** What was done to bring a database up to date. */
export type BroughtUp = {
  /** The database was made by this call. */
  readonly fresh: boolean
  /** Ids of the migrations that this call applied. */
  readonly applied: readonly string[]
}

/** The folder of a unit's migrations as a path. */
export function folderOf(unit: Unit): string {
  return fileURLToPath(unit.migrations)
}

/** Applies the migrations of a unit that its database lacks. */
export async function bringUp(unit: Unit, url: string): Promise<BroughtUp> {
  const directory = folderOf(unit)
  const applied = (await migrateUp({ url, directory })).map(({ id }) => id)
  if (applied.length === 0) return { fresh: false, applied }
  const [first] = await migrationStatus({ url, directory })
  return { fresh: first !== undefined && applied.includes(first.id), applied }
}

/** @throws MigrationError where the database lacks migrations */
export async function refusePending(unit: Unit, url: string): Promise<void> {
  const states = await migrationStatus({ url, directory: folderOf(unit) })
  const open = states.filter(({ state }) => state !== "applied").map(({ id, state }) => `${id} (${state})`)
  if (open.length === 0) return
  throw new MigrationError(`The database of ${unit.name} is not up to date: ${open.join(", ")}.`, {
    cure: `Run \`rootstock migrate up --system ${unit.name}\`, or start without --no-migrate.`,
  })
}
