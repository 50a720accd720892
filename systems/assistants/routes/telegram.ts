import type { Update } from "grammy/types"
import type { Field } from "rootstock/fields"
import { type Route, route } from "rootstock/http"
import { commonRules } from "rootstock/shared"
import type { Services } from "../services/index.ts"

/** The path of the call by which Telegram brings updates. */
export const webhookPath = "/telegram/webhook"

const update: Field<Update, false> = {
  schema: {
    type: "object",
    required: ["update_id"],
    properties: { update_id: { type: "integer" } },
    additionalProperties: true,
  },
  optional: false,
}

/** The webhook of the bot, where updates are to come by it. */
export function telegramRoutes({ bot }: Pick<Services, "bot">): Route[] {
  if (bot.webhookSecret === undefined) return []
  return [
    route(
      "POST",
      webhookPath,
      {
        summary: "An update of the bot, from Telegram",
        description: "Needs `X-Telegram-Bot-Api-Secret-Token`: the secret with which the webhook was set.",
        tag: "telegram",
        access: "public",
        body: update,
        refusals: commonRules.pick("FORBIDDEN"),
        asksOthers: true,
      },
      ({ body }) => bot.handle(body),
    ),
  ]
}
