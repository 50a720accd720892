import { handle, type JobHandler } from "rootstock/jobs"
import type { Services } from "../services/index.ts"
import {
  calendarAnnounce,
  calendarFire,
  calendarRepair,
  emailCode,
  notifyDeliver,
  retentionRun,
  runExecute,
  runsSweep,
  telegramAnswer,
  telegramDeliver,
} from "./definitions.ts"

/** What does the jobs of the assistants. */
export function makeHandlers(services: Services): JobHandler[] {
  const { announcements, answers, bot, calendar, channels, delivery, retention, runs } = services
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
    handle(notifyDeliver, (notice, executing) => delivery.deliver(notice, executing)),
    handle(telegramDeliver, (notice, executing) => delivery.deliverByTelegram(notice, executing)),
    handle(telegramAnswer, ({ messageId, to = "owner" }, executing) => bot.announce(messageId, to, executing)),
    handle(emailCode, ({ channelId }) => channels.sendCode(channelId)),
    handle(retentionRun, (_, { signal }) => retention.run(signal)),
  ]
}
