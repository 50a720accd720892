import { type Database, Storage } from "rootstock"
import { cacheTables } from "rootstock/cache"
import type { Clock } from "rootstock/clock"
import type { System, SystemContext } from "rootstock/http"
import { jobTables } from "rootstock/jobs"
import { scheduleTables } from "rootstock/schedule"
import type { Tables } from "rootstock/schema"
import { once, sharedTables } from "rootstock/shared"
import { stateTables } from "rootstock/state"

/** The once-key that says that the question of sample data is settled for good. */
const settled = "sample"

const OnceStorage = Storage(once)

/**
 * Loads the sample data of a system where its database never had rows: once, whoever else starts at the same time, and
 * where an earlier start was killed before it had loaded all.
 *
 * @returns how many rows of each kind were loaded; undefined where there was nothing to do
 */
export async function loadSampleOnce(
  system: System<Tables>,
  database: Database<Tables>,
  context: SystemContext,
): Promise<Readonly<Record<string, number>> | undefined> {
  if (await isSettled(database)) return undefined
  return database.transaction(async () => {
    if (!(await settle(database, context.clock)) || (await hasRows(system, database))) return undefined
    context.log.info(`Loading the sample data of ${system.name}`)
    return system.loadSample(database, context)
  })
}

/** Sees to it that no later start loads sample data either. */
export async function leaveSampleOut(database: Database<Tables>, clock: Clock): Promise<void> {
  if (!(await isSettled(database))) await settle(database, clock)
}

function isSettled(database: Database<Tables>): Promise<boolean> {
  return database.storage(OnceStorage).exists({ key: settled })
}

/** Whether this call is the one that settles it; one that runs beside it is waited for. */
async function settle(database: Database<Tables>, clock: Clock): Promise<boolean> {
  const made = await database.execute`
    INSERT INTO once (key, created_at) VALUES (${settled}, ${clock.now()}) ON CONFLICT DO NOTHING`
  return made === 1
}

/** Tables that every system has; they have rows before anything happened. */
const everywhere = new Set<unknown>(
  [sharedTables, cacheTables, jobTables, scheduleTables, stateTables].flatMap((tables) => Object.values(tables)),
)

async function hasRows({ tables }: System<Tables>, database: Database<Tables>): Promise<boolean> {
  for (const table of Object.values(tables)) {
    if (everywhere.has(table)) continue
    if (await database.storage(Storage(table)).exists({}, { withDeleted: true })) return true
  }
  return false
}
