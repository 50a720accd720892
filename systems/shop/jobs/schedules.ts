import { type DeclaredSchedule, defineSchedule } from "rootstock/schedule"
import { reportRun } from "./definitions.ts"

/** When the shop does what by itself. Every midnight the day that has ended is reported; missed nights are made up for. */
export function makeSchedules(timeZone: string): DeclaredSchedule[] {
  return [
    defineSchedule("order-reports", {
      cron: "0 0 * * *",
      timeZone,
      job: reportRun,
      payload: {},
      misfire: { all: 31 },
    }),
  ]
}
