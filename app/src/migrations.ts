import { fileURLToPath } from "node:url"
import { MigrationError } from "rootstock"
import { migrateUp, migrationStatus } from "rootstock/migrate"
import type { Unit } from "./databases.ts"

/** The folder of a unit's migrations as a path. */
export function folderOf(unit: Unit): string {
  return fileURLToPath(unit.migrations)
}

/** Applies the migrations of a unit that its database lacks; gives their ids. */
export async function bringUp(unit: Unit, url: string): Promise<string[]> {
  return (await migrateUp({ url, directory: folderOf(unit) })).map(({ id }) => id)
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
