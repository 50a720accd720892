import type { DeclaredSchedule } from "rootstock/schedule"

/** When the assistants do what by themselves; fires of the calendar are schedules of their own, stored with their events. */
export function makeSchedules(_timeZone: string): DeclaredSchedule[] {
  return []
}
