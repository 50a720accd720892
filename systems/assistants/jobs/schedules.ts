import { type DeclaredSchedule, defineSchedule } from "rootstock/schedule"
import { calendarRepair, retentionRun, runsSweep } from "./definitions.ts"

/** When the assistants do what by themselves; fires of the calendar are schedules of their own, stored with their events. */
export function makeSchedules(timeZone: string): DeclaredSchedule[] {
  return [
    // One look is enough however many were missed.
    defineSchedule("runs-stuck", { cron: "*/5 * * * *", timeZone, job: runsSweep, payload: {} }),
    defineSchedule("calendar-repair", { cron: "*/5 * * * *", timeZone, job: calendarRepair, payload: {} }),
    defineSchedule("retention", { cron: "20 3 * * *", timeZone, job: retentionRun, payload: {} }),
  ]
}
