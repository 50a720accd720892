import { absent, fail } from "rootstock/shared"
import type { ChatEvent } from "../schema.ts"
import type { Context } from "../services/context.ts"
import { type ShownMessage, shownMessages } from "../services/shown-messages.ts"

/** A message as those see it who watch its chat; of a deleted one the text and the mentions are null. */
export type LiveMessage = Omit<ShownMessage, "content"> & { readonly content: string | null }

/** What happened in a chat, with the message as it is by now. */
export type LiveEvent = {
  readonly seq: number
  readonly kind: ChatEvent["kind"]
  readonly message: LiveMessage
}

/** The most events of a page. */
export const pageSize = 100

/**
 * What happened in a chat behind a number, in order, a page at most. Three queries at most.
 *
 * @param upTo number of the last event that may be among them
 */
export async function eventsBehind(
  stores: Context["stores"],
  chatId: string,
  seq: number,
  upTo = Number.MAX_SAFE_INTEGER,
): Promise<LiveEvent[]> {
  const events = await stores.chatEvents.behind(chatId, seq, Math.min(pageSize, upTo - seq))
  if (events.length === 0) return []
  const rows = await stores.messages.getMany([...new Set(events.map(({ messageId }) => messageId))])
  const byId = new Map((await shownMessages(stores, rows)).map((message) => [message.id, liveMessage(message)]))
  return events.map(({ seq: number, kind, messageId }) => ({
    seq: number,
    kind,
    message: byId.get(messageId) ?? fail(absent("message", messageId)),
  }))
}

function liveMessage(message: ShownMessage): LiveMessage {
  return message.isDeleted ? { ...message, content: null, mentions: null } : message
}
