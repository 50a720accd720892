import type { Update } from "grammy/types"

/** What a person does in the private chat with the bot. */
export type Incoming = {
  readonly updateId: number
  readonly chatId: number
  readonly telegramId: number
  /** What was written; undefined where a button was pressed, or something else was sent. */
  readonly text: string | undefined
  /** A pressed button: its code, and the message that it is under. */
  readonly button:
    | { readonly queryId: string; readonly code: string; readonly messageId: number | undefined }
    | undefined
}

/** What an update means; undefined for what is not of a private chat. https://core.telegram.org/bots/api#update */
export function readUpdate({ update_id: updateId, message, callback_query: query }: Update): Incoming | undefined {
  if (message?.chat.type === "private" && message.from !== undefined) {
    const { chat, from, text } = message
    return { updateId, chatId: chat.id, telegramId: from.id, text, button: undefined }
  }
  if (query?.message?.chat.type !== "private") return undefined
  const { id: queryId, data: code = "", message: under, from } = query
  const button = { queryId, code, messageId: under.message_id }
  return { updateId, chatId: under.chat.id, telegramId: from.id, text: undefined, button }
}
