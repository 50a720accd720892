import { type Database, openDatabase } from "rootstock"
import type { Clock } from "rootstock/clock"
import type { Settings } from "rootstock/config"
import type { Logger } from "rootstock/log"
import type { Tables } from "rootstock/schema"
import { appTables } from "./schema.ts"

/** Something that has a database of its own: a system, or the app. */
export type Unit = {
  readonly name: string
  readonly tables: Tables
  /** Folder of its migrations. */
  readonly migrations: URL
}

/** The app's own unit. */
export const appUnit: Unit = { name: "app", tables: appTables, migrations: new URL("../migrations/", import.meta.url) }

/** The units of these systems and the app's own. */
export function unitsOf(systems: readonly Unit[]): Unit[] {
  return [appUnit, ...systems]
}

/** The URL of a unit's database. `SCHEMA_NAME` counts for a system that runs alone. */
export function urlOf(unit: Unit, settings: Settings, alone: boolean): string {
  return settings.databases.url(unit.name, alone && unit.name !== appUnit.name ? settings.SCHEMA_NAME : undefined)
}

/** Opens the database of a unit as the settings say. */
export async function openUnit<S extends Tables>(
  unit: Unit & { readonly tables: S },
  url: string,
  { settings, clock, log }: { settings: Settings; clock: Clock; log: Logger },
): Promise<Database<S>> {
  const own = log.named(`${unit.name}.database`)
  const database = await openDatabase<S>(url, {
    tables: unit.tables,
    clock,
    warn: (message, cause) => own.warning(message, cause === undefined ? {} : { error: cause }),
    postgres: {
      applicationName: `rootstock ${unit.name}`,
      pool: {
        size: settings.DB_POOL_SIZE,
        overflow: settings.DB_POOL_OVERFLOW,
        lifetimeMs: settings.DB_POOL_RECYCLE_S * 1_000,
      },
      warn: (message) => own.warning(message),
    },
  })
  if (settings.LOG_SQL) {
    const statements = log.named(`${unit.name}.sql`)
    database.on("query", ({ sql, milliseconds, rows, call }) => {
      const duration_ms = Math.round(milliseconds * 100) / 100
      statements.info(`${sql} (${call}, ${duration_ms} ms)`, { call, duration_ms, rows })
    })
  }
  return database
}
