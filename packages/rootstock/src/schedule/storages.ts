import type { Query } from "../engine/index.ts"
import { definitionOf, type Row } from "../schema/index.ts"
import { Storage } from "../storage/index.ts"
import { schedule, scheduleFire } from "./tables.ts"

export type ScheduleRow = Row<typeof schedule>

/** What storages run on, for statements that they cannot say. */
type Backend = ConstructorParameters<ReturnType<typeof Storage>>[0]

export class ScheduleStorage extends Storage(schedule) {
  readonly #backend: Backend

  constructor(backend: Backend) {
    super(backend)
    this.#backend = backend
  }

  /** The rows with these keys, locked until the end of the transaction. */
  async lockMany(keys: readonly string[]): Promise<ScheduleRow[]> {
    const { dialect } = this.#backend
    const definition = definitionOf(schedule)
    const plans = this.#backend.plans(definition)
    const query: Query<ScheduleRow> = plans.shape("schedules.lockMany", () => {
      const { type } = definition.column.get("key") as { type: Parameters<typeof dialect.among>[2] }
      const found = dialect.among("key", dialect.parameter(1), type)
      // In one order, so that two who lock the same rows do not wait for each other.
      const sql = `SELECT ${plans.columns} FROM schedule WHERE ${found} ORDER BY key ${dialect.lockClause}`
      return plans.query("lockMany", sql, { writes: true, decode: plans.decoder() })
    })
    return [...(await this.#backend.all(query, [dialect.list(keys)]))]
  }

  /** Takes a fire: moves `nextAt` on where the row is as it was read; whether it was. */
  async advance(row: ScheduleRow, nextAt: Date | null, lastAt: Date | undefined): Promise<boolean> {
    const changes = lastAt === undefined ? { nextAt } : { nextAt, lastAt }
    return (await this.updateWhere(asRead(row), changes)) === 1
  }

  /** Takes the fire of a one-time schedule, which goes with it; whether the row was as it was read. */
  async end(row: ScheduleRow): Promise<boolean> {
    return (await this.deleteWhere(asRead(row))) === 1
  }
}

const asRead = ({ key, nextAt, rev }: ScheduleRow) => ({ key, nextAt, rev, enabled: true })

export class ScheduleFireStorage extends Storage(scheduleFire) {}

export const scheduleStorages = { schedules: ScheduleStorage, fires: ScheduleFireStorage } as const
