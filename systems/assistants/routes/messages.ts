import { optional, uuidText, wholeNumber, withDefault } from "rootstock/fields"
import { type Route, route } from "rootstock/http"
import { commonRules } from "rootstock/shared"
import {
  approval,
  message,
  messageList,
  messageQuery,
  messageText,
  newMessage,
  postedMessage,
  rejection,
} from "../fields/chats.ts"
import { rules } from "../rules.ts"
import type { Services } from "../services/index.ts"

const tag = "messages"
const params = { chatId: uuidText }
const ofOne = { ...params, messageId: uuidText }
const refusals = commonRules.pick("NOT_FOUND", "FORBIDDEN")
const reviewing = commonRules.pick("NOT_FOUND", "FORBIDDEN", "ILLEGAL_TRANSITION")

export function messageRoutes({ messages, reviews }: Pick<Services, "messages" | "reviews">): Route[] {
  return [
    route(
      "GET",
      "/chats/{chat_id}/messages",
      {
        summary: "Messages of a chat, the newest first",
        description: "`after_id` and `before_id` exclude each other. Deleted messages are for administrators alone.",
        tag,
        params,
        query: messageQuery,
        answer: messageList,
        refusals,
      },
      (call) => messages.list(call.params.chatId, call.query),
    ),
    route(
      "POST",
      "/chats/{chat_id}/messages",
      {
        summary: "Write a message",
        description: "`@name` tells a person of it, `@@name` calls the AI role of a user: three of them at most.",
        tag,
        params,
        body: newMessage,
        answer: postedMessage,
        status: 201,
        refusals: { ...refusals, ...rules.pick("CHAT_INACTIVE") },
      },
      (call) => messages.post(call.params.chatId, call.body),
    ),
    route(
      "PATCH",
      "/chats/{chat_id}/messages/{message_id}",
      { summary: "Edit a message", tag, params: ofOne, body: messageText, answer: message, refusals },
      ({ params: { chatId, messageId }, body }) => messages.edit(chatId, messageId, body.content),
    ),
    route(
      "DELETE",
      "/chats/{chat_id}/messages/{message_id}",
      { summary: "Delete a message", tag, params: ofOne, refusals },
      ({ params: { chatId, messageId } }) => messages.delete(chatId, messageId),
    ),
    route(
      "GET",
      "/messages/pending-review",
      {
        summary: "Answers that await one's review, the newest first",
        tag,
        query: { limit: withDefault(wholeNumber(1, 100), 10) },
        answer: messageList,
      },
      ({ query }) => reviews.pending(query.limit),
    ),
    route(
      "POST",
      "/messages/{message_id}/validate",
      {
        summary: "Approve an answer, as it is or with another text",
        tag,
        params: { messageId: uuidText },
        body: optional(approval),
        answer: message,
        refusals: reviewing,
      },
      (call) => reviews.approve(call.params.messageId, call.body.content),
    ),
    route(
      "POST",
      "/messages/{message_id}/reject",
      {
        summary: "Reject an answer, and say what would have been right",
        tag,
        params: { messageId: uuidText },
        body: rejection,
        answer: message,
        refusals: reviewing,
      },
      (call) => reviews.reject(call.params.messageId, call.body.correctionText),
    ),
  ]
}
