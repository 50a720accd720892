import { handle, type JobHandler } from "rootstock/jobs"
import type { Services } from "../services/index.ts"
import { calendarAnnounce, calendarFire, calendarRepair, runExecute, runsSweep } from "./definitions.ts"

/** What does the jobs of the assistants. */
export function makeHandlers({ announcements, answers, calendar, runs }: Services): JobHandler[] {
  return [
    handle(runExecute, ({ runId }, context) => answers.execute(runId, context)),
    handle(runsSweep, async () => {
      await runs.sweep()
    }),
    handle(calendarFire, ({ eventId }) => calendar.fire(eventId)),
    handle(calendarAnnounce, (announcement, { signal, commit }) =>
      announcements.announce(announcement, { signal, commit }),
    ),
    handle(calendarRepair, () => calendar.repair()),
  ]
}
