import { cursorQuery, flag, pageOf, uuidText, withDefault } from "rootstock/fields"
import { type Route, route } from "rootstock/http"
import { commonRules } from "rootstock/shared"
import { chat, chatChanges, chatPage, newDirectChat, newGroup, participantChange } from "../fields/chats.ts"
import { rules } from "../rules.ts"
import type { Services } from "../services/index.ts"

const tag = "chats"
const params = { chatId: uuidText }
const refusals = commonRules.pick("NOT_FOUND", "FORBIDDEN")
const fixed = { ...refusals, ...rules.pick("FIXED_PARTICIPANTS") }

export function chatRoutes({ chats }: Pick<Services, "chats">): Route[] {
  return [
    route(
      "GET",
      "/chats",
      {
        summary: "Own chats, the newest message first",
        tag,
        query: { ...cursorQuery, activeOnly: withDefault(flag, false) },
        answer: chatPage,
      },
      async ({ query }) => pageOf(await chats.list(query)),
    ),
    route(
      "GET",
      "/chats/main",
      { summary: "Own main chat", tag, answer: chat, refusals: commonRules.pick("NOT_FOUND") },
      () => chats.main(),
    ),
    route("GET", "/chats/{chat_id}", { summary: "One chat", tag, params, answer: chat, refusals }, (call) =>
      chats.get(call.params.chatId),
    ),
    route(
      "POST",
      "/chats/direct",
      {
        summary: "The chat with another user",
        description: "It is made where there is none; there is one for each two users.",
        tag,
        body: newDirectChat,
        answer: chat,
        status: 201,
        mayExist: true,
        refusals: commonRules.pick("NOT_FOUND"),
      },
      ({ body }) => chats.direct(body.userId),
    ),
    route(
      "POST",
      "/chats/group",
      {
        summary: "Make a chat of several users",
        description: "Who makes it takes part, named or not.",
        tag,
        body: newGroup,
        answer: chat,
        status: 201,
        refusals: commonRules.pick("NOT_FOUND"),
      },
      ({ body }) => chats.group(body),
    ),
    route(
      "PATCH",
      "/chats/{chat_id}",
      { summary: "Change a chat", tag, params, body: chatChanges, answer: chat, refusals },
      (call) => chats.update(call.params.chatId, call.body),
    ),
    route("DELETE", "/chats/{chat_id}", { summary: "Deactivate a chat", tag, params, refusals }, (call) =>
      chats.delete(call.params.chatId),
    ),
    route(
      "PUT",
      "/chats/{chat_id}/participants/{user_id}",
      {
        summary: "Let a user take part in a group",
        tag,
        params: { ...params, userId: uuidText },
        answer: participantChange,
        refusals: fixed,
      },
      async ({ params: { chatId, userId } }) => ({ changed: await chats.addParticipant(chatId, userId) }),
    ),
    route(
      "DELETE",
      "/chats/{chat_id}/participants/{user_id}",
      {
        summary: "Let a user take part in a group no more, or leave it",
        tag,
        params: { ...params, userId: uuidText },
        answer: participantChange,
        refusals: fixed,
      },
      async ({ params: { chatId, userId } }) => ({ changed: await chats.removeParticipant(chatId, userId) }),
    ),
  ]
}
