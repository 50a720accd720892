import { DeclarationError, UniqueError } from "../errors/index.ts"
import { canonicalJson } from "../schema/index.ts"
import type { DeclaredSchedule } from "./define.ts"
import type { Schedules } from "./schedules.ts"
import type { ScheduleRow } from "./storages.ts"
import { firstFire } from "./timing.ts"
import { columnsOf } from "./view.ts"

/** How often it is tried where another process declares the same schedules at the same moment. */
const tries = 3

/**
 * Brings the rows of declared schedules in step with their declarations: makes and changes them, and ends those that are
 * no longer declared. A changed timing begins anew from now; a schedule that somebody paused stays paused.
 *
 * @throws DeclarationError where two have one key, or a stored schedule has it
 */
export async function syncDeclared(schedules: Schedules, declared: readonly DeclaredSchedule[]): Promise<void> {
  const byKey = new Map<string, DeclaredSchedule>()
  for (const one of declared) {
    if (byKey.has(one.key)) {
      throw new DeclarationError(`Two schedules are named ${one.key}.`, { cure: "Rename one of them." })
    }
    if (schedules.jobs.definition(one.job.kind) !== one.job) {
      throw new DeclarationError(`The schedule ${one.key} sends jobs of the unknown kind ${one.job.kind}.`, {
        cure: "Add the kind to `jobs` where the jobs are opened.",
      })
    }
    byKey.set(one.key, one)
  }
  for (let attempt = 1; ; attempt++) {
    try {
      await schedules.jobs.database.transaction(() => sync(schedules, byKey), { name: "schedules.sync" })
      return
    } catch (error) {
      if (!(error instanceof UniqueError) || attempt === tries) throw error
    }
  }
}

async function sync({ store, jobs }: Schedules, declared: ReadonlyMap<string, DeclaredSchedule>): Promise<void> {
  const now = jobs.clock.now()
  const rows = await store.schedules.list({ where: { or: [{ source: "code" }, { key: [...declared.keys()] }] } })
  const present = new Map(rows.map((row) => [row.key, row]))
  const fresh = []
  for (const [key, definition] of declared) {
    const before = present.get(key)
    const columns = columnsOf(definition)
    const nextAt = firstFire(definition.timing, now) ?? null
    if (before === undefined) {
      fresh.push({ key, source: "code" as const, ...columns, nextAt, rev: now.getTime() })
      continue
    }
    if (before.source === "stored") {
      throw new DeclarationError(`The key ${key} belongs to a stored schedule.`, {
        cure: "Remove that one, or declare this one under another key.",
      })
    }
    const sameTiming = before.nextAt !== null && before.spec === columns.spec && before.timeZone === columns.timeZone
    if (sameTiming && isSame(before, columns)) continue
    await store.schedules.updateWhere(
      { key, rev: before.rev },
      { ...columns, ...(sameTiming ? {} : { nextAt }), rev: before.rev + 1 },
    )
  }
  if (fresh.length > 0) await store.schedules.createMany(fresh, { returning: false })
  const gone = rows.filter((row) => !declared.has(row.key) && row.nextAt !== null).map((row) => row.key)
  if (gone.length > 0) await store.schedules.updateWhere({ key: gone, source: "code" }, { nextAt: null })
}

function isSame(row: ScheduleRow, columns: ReturnType<typeof columnsOf>): boolean {
  const { payload, ...rest } = columns
  const plain = Object.entries(rest) as [keyof typeof rest, unknown][]
  return plain.every(([key, value]) => row[key] === value) && sameJson(row.payload, payload)
}

function sameJson(left: unknown, right: unknown): boolean {
  return canonicalJson(left) === canonicalJson(right)
}
