import { pageOf, uuidText } from "rootstock/fields"
import { type Route, route } from "rootstock/http"
import { commonRules } from "rootstock/shared"
import {
  allRead,
  channel,
  channelChanges,
  channelPage,
  channelType,
  emailVerification,
  logPage,
  logQuery,
  notification,
  notificationPage,
  notificationQuery,
  telegramLink,
} from "../fields/notifications.ts"
import { rules } from "../rules.ts"
import type { NotificationChannel } from "../schema.ts"
import type { Services } from "../services/index.ts"

const tag = "notifications"
const absent = commonRules.pick("NOT_FOUND")
const limited = commonRules.pick("RATE_LIMITED")

export function notificationRoutes({ channels, notifications }: Services): Route[] {
  return [
    route(
      "GET",
      "/notification-channels",
      { summary: "Own channels, the highest priority first", tag, answer: channelPage },
      async () => pageOf({ rows: (await channels.list()).map(shown) }),
    ),
    route(
      "PUT",
      "/notification-channels/{type}",
      {
        summary: "Set up or change an own channel",
        description: "One with another address is to be verified again; to one of type email, a code is sent.",
        tag,
        params: { type: channelType },
        body: channelChanges,
        answer: channel,
        refusals: { ...limited, ...rules.pick("CHANNEL_UNCHANGEABLE", "CHANNEL_OFF") },
      },
      async ({ params: { type }, body }) => shown(await channels.put(type, body)),
    ),
    route(
      "DELETE",
      "/notification-channels/{type}",
      {
        summary: "Remove an own channel",
        tag,
        params: { type: channelType },
        refusals: { ...absent, ...rules.pick("CHANNEL_UNCHANGEABLE") },
      },
      ({ params: { type } }) => channels.remove(type),
    ),
    route(
      "POST",
      "/notification-channels/telegram/link",
      {
        summary: "A link to the bot that verifies the channel, good once for 10 minutes",
        tag,
        answer: telegramLink,
        refusals: { ...limited, ...rules.pick("CHANNEL_OFF") },
        secretAnswer: true,
        asksOthers: true,
      },
      () => channels.telegramLink(),
    ),
    route(
      "POST",
      "/notification-channels/email/verify",
      {
        summary: "Verify the mail address by the code that it received",
        tag,
        body: emailVerification,
        answer: channel,
        refusals: { ...absent, ...limited, ...rules.pick("WRONG_CODE") },
        // Its tries must count although it is refused, and so not in the transaction in which an answer is kept.
        asksOthers: true,
      },
      async ({ body }) => shown(await channels.verifyEmail(body.code)),
    ),
    route(
      "POST",
      "/notification-channels/webhook/verify",
      {
        summary: "Verify the webhook: it is sent a challenge and answers with it",
        tag,
        answer: channel,
        refusals: { ...absent, ...limited, ...rules.pick("CHALLENGE_FAILED") },
        asksOthers: true,
      },
      async () => shown(await channels.verifyWebhook()),
    ),
    route(
      "GET",
      "/notifications",
      { summary: "Own notices, the newest first", tag, query: notificationQuery, answer: notificationPage },
      async ({ query }) => pageOf(await notifications.list(query)),
    ),
    route(
      "POST",
      "/notifications/{id}/read",
      {
        summary: "Mark an own notice as read",
        tag,
        params: { id: uuidText },
        answer: notification,
        refusals: absent,
      },
      ({ params: { id } }) => notifications.read(id),
    ),
    route(
      "POST",
      "/notifications/read-all",
      { summary: "Mark all own notices as read", tag, answer: allRead },
      async () => ({ changed: await notifications.readAll() }),
    ),
    route(
      "GET",
      "/notifications/log",
      {
        summary: "What was sent, the newest first: to oneself, or, for administrators, of an event",
        tag,
        query: logQuery,
        answer: logPage,
        refusals: commonRules.pick("FORBIDDEN"),
      },
      async ({ query }) => pageOf(await notifications.log(query)),
    ),
  ]
}

/** A channel without its secret. */
function shown({ config: { chat_id, email, url }, ...rest }: NotificationChannel) {
  const config = {
    ...(chat_id === undefined ? {} : { chat_id }),
    ...(email === undefined ? {} : { email }),
    ...(url === undefined ? {} : { url }),
  }
  return { ...rest, config }
}
