import { Storage } from "rootstock"
import { type ChatEvent, chatEvents, chats, tables } from "../schema.ts"
import { tenant } from "../tenancy.ts"

/** What happened in chats, by number. */
export class ChatEventStorage extends Storage(chatEvents, tables, {
  scope: tenant.through("chatId", chats, "orgId"),
}) {
  /** What happened in a chat behind a number, in order. */
  behind(chatId: string, seq: number, limit = 100): Promise<ChatEvent[]> {
    return this.list({ where: { chatId, seq: { gt: seq } }, orderBy: { seq: "asc" }, limit })
  }
}
