import { sql } from "kysely"
import { chats, type Message, messages } from "../schema.ts"
import { tenant } from "../tenancy.ts"
import { undeletedOf } from "./conditions.ts"
import { Entities } from "./entities.ts"

const newestFirst = [{ createdAt: "desc" }, { id: "desc" }] as const
const oldestFirst = [{ createdAt: "asc" }, { id: "asc" }] as const

/** Messages of chats. Lists are newest first, by (`created_at`, `id`). */
export class MessageStorage extends Entities(messages, tenant.through("chatId", chats, "orgId")) {
  listByChat(chatId: string, limit = 50, offset = 0, includeDeleted = false): Promise<Message[]> {
    return this.list({ where: { chatId, ...undeletedOf(includeDeleted) }, orderBy: newestFirst, limit, offset })
  }

  /** The messages behind another of the chat that are nearest to it; none where there is no such message in the chat. */
  async listAfter(chatId: string, afterId: string, limit = 50, includeDeleted = false): Promise<Message[]> {
    const cursor = await this.find({ id: afterId, chatId })
    if (cursor === undefined) return []
    const { createdAt, id } = cursor
    const rows = await this.list({
      where: {
        chatId,
        ...undeletedOf(includeDeleted),
        createdAt: { gte: createdAt },
        or: [{ createdAt: { gt: createdAt } }, { id: { gt: id } }],
      },
      orderBy: oldestFirst,
      limit,
    })
    return rows.reverse()
  }

  /** The messages before another of the chat that are nearest to it; none where there is no such message in the chat. */
  async listBefore(chatId: string, beforeId: string, limit = 50, includeDeleted = false): Promise<Message[]> {
    const cursor = await this.find({ id: beforeId, chatId })
    if (cursor === undefined) return []
    const { createdAt, id } = cursor
    return this.list({
      where: {
        chatId,
        ...undeletedOf(includeDeleted),
        createdAt: { lte: createdAt },
        or: [{ createdAt: { lt: createdAt } }, { id: { lt: id } }],
      },
      orderBy: newestFirst,
      limit,
    })
  }

  /** What a role hears of a chat: the newest messages up to one of them, without deleted ones and rejected answers; the oldest first. */
  async heardUpTo({ chatId, createdAt, id }: Message, limit = 20): Promise<Message[]> {
    const rows = await this.list({
      where: {
        chatId,
        ...undeletedOf(false),
        aiReview: ["none", "pending", "approved"],
        createdAt: { lte: createdAt },
        or: [{ createdAt: { lt: createdAt } }, { id: { lte: id } }],
      },
      orderBy: newestFirst,
      limit,
    })
    return rows.reverse()
  }

  /** Approves an answer that awaits review, or takes an approval back; whether it was not so before. */
  async validateAiResponse(id: string, validated: boolean): Promise<boolean> {
    const from = validated ? ("pending" as const) : ("approved" as const)
    const to = validated ? ("approved" as const) : ("pending" as const)
    return (
      (await this.updateWhere(
        { id, senderType: "ai_role", aiReview: from },
        { aiReview: to, aiValidated: validated },
      )) > 0
    )
  }

  /** Gives a message another text, in the name of a user; whether there is such a message. */
  async editContent(id: string, newContent: string, userId: string): Promise<boolean> {
    const of = { content: newContent, editedAt: this.now(), editedBy: userId }
    if ((await this.updateWhere({ id, isDeleted: false, senderType: "ai_role" }, { ...of, aiEdited: true })) > 0)
      return true
    return (await this.updateWhere({ id, isDeleted: false }, of)) > 0
  }

  /** Marks it as deleted; whether it was not. */
  override async delete(id: string): Promise<boolean> {
    return (await this.updateWhere({ id, isDeleted: false }, { isDeleted: true })) > 0
  }

  countByChat(chatId: string, includeDeleted = false): Promise<number> {
    return this.count({ chatId, ...undeletedOf(includeDeleted) })
  }

  /** Answers on a user's behalf that await review. */
  async getUnvalidatedAiMessages(userId: string, limit = 10): Promise<Message[]> {
    // A condition with bound values would not be known to be that of the partial index.
    const inScope = tenant.isUnbounded
      ? sql<boolean>`TRUE`
      : sql<boolean>`EXISTS (SELECT 1 FROM ${sql.table("chats")} WHERE ${sql.ref("chats.id")} = ${sql.ref("messages.chat_id")} AND ${sql.ref("chats.org_id")} = ${tenant.current})`
    return this.sql
      .selectFrom("messages")
      .selectAll()
      .where("senderId", "=", userId)
      .where(sql<boolean>`sender_type = 'ai_role' AND NOT ai_validated AND ai_review = 'pending' AND NOT is_deleted`)
      .where(inScope)
      .orderBy("createdAt", "desc")
      .orderBy("id", "desc")
      .limit(limit)
      .execute()
  }
}
