import { moment, objectOf, oneOf, optional, uuidText } from "rootstock/fields"
import { defineJob, type Job } from "rootstock/jobs"
import { deliveryField } from "../notifications/notice.ts"

/** An answer of an AI role to be made. The model is asked outside of transactions; the answer is its commit. */
export const runExecute = defineJob("run.execute", {
  queue: "ai",
  payload: objectOf("RunExecute", { runId: uuidText }),
})

/** A look for runs that are running and that nobody makes any more. */
export const runsSweep = defineJob("runs.sweep", { queue: "upkeep", payload: objectOf("RunsSweep", {}) })

/** The most jobs of a queue that a worker does at a time. */
export const concurrency = { ai: 2 } as const

/** A fire of an event of the calendar that is due. */
export const calendarFire = defineJob("calendar.fire", {
  queue: "calendar",
  payload: objectOf("CalendarFire", { eventId: uuidText }),
  transactional: true,
})

/** What people are told of an event that fired; its role is asked outside of transactions. */
export const calendarAnnounce = defineJob("calendar.announce", {
  queue: "calendar",
  payload: objectOf("CalendarAnnounce", { eventId: uuidText, dueAt: moment }),
})

/** A look for events that are due and have no live schedule. */
export const calendarRepair = defineJob("calendar.repair", {
  queue: "calendar",
  payload: objectOf("CalendarRepair", {}),
})

/** What somebody is told, over one channel after another until one delivers. */
export const notifyDeliver = defineJob("notify.deliver", { queue: "notify", payload: deliveryField })

/** The same where Telegram is to deliver, within what its Bot API takes; otherwise it goes back. */
export const telegramDeliver = defineJob("telegram.deliver", { queue: "telegram", payload: deliveryField })

/**
 * An answer for somebody's Telegram: that of the person whose main chat it came into, or that of its reviewer, where it came
 * into another chat.
 */
export const telegramAnswer = defineJob("telegram.answer", {
  queue: "telegram",
  payload: objectOf("TelegramAnswer", { messageId: uuidText, to: optional(oneOf("owner", "reviewer")) }),
})

/** A code to be mailed to somebody who wants notices by mail. */
export const emailCode = defineJob("notify.email_code", {
  queue: "notify",
  payload: objectOf("EmailCode", { channelId: uuidText }),
  // Who still waits for it by then has asked for another one.
  attempts: 5,
})

/** Removes what is kept for some days only. */
export const retentionRun = defineJob("retention", { queue: "upkeep", payload: objectOf("Retention", {}) })

/** All kinds of jobs of the assistants. */
export const jobs: readonly Job[] = [
  runExecute,
  runsSweep,
  calendarFire,
  calendarAnnounce,
  calendarRepair,
  notifyDeliver,
  telegramDeliver,
  telegramAnswer,
  emailCode,
  retentionRun,
] as readonly Job[]
