import type { Row } from "../schema/index.ts"
import { Storage } from "../storage/index.ts"
import { schedule, scheduleFire } from "./tables.ts"

export type ScheduleRow = Row<typeof schedule>

export class ScheduleStorage extends Storage(schedule) {
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
