import type { Message } from "../schema.ts"
import type { Context } from "./context.ts"

/** What is shown of the message that another one replies to; the text of a deleted one is null. */
export type RepliedTo = Pick<Message, "id" | "senderType" | "senderId" | "isDeleted"> & { content: string | null }

/** A message with the one that it replies to. */
export type ShownMessage = Message & { replyTo: RepliedTo | null }

/** The messages with those that they reply to. One more query at most. */
export async function shownMessages(
  { messages }: Pick<Context["stores"], "messages">,
  rows: readonly Message[],
): Promise<ShownMessage[]> {
  const ids = [...new Set(rows.flatMap(({ replyToId }) => replyToId ?? []))]
  const targets = ids.length === 0 ? [] : await messages.getMany(ids)
  const byId = new Map(targets.map((target) => [target.id, repliedTo(target)]))
  return rows.map((row) => ({
    ...row,
    replyTo: row.replyToId === null ? null : (byId.get(row.replyToId) ?? null),
  }))
}

function repliedTo({ id, senderType, senderId, isDeleted, content }: Message): RepliedTo {
  return { id, senderType, senderId, isDeleted, content: isDeleted ? null : content }
}
