import { transaction } from "rootstock"
import { type Chat, chats } from "../schema.ts"
import { tenant } from "../tenancy.ts"
import { activeOf } from "./conditions.ts"
import { Entities } from "./entities.ts"

/** The key of the direct chat of two users, whoever asks; ids are compared as text, by code unit. */
export function directKeyOf(user1Id: string, user2Id: string): string {
  return user1Id < user2Id ? `${user1Id}:${user2Id}` : `${user2Id}:${user1Id}`
}

const newestFirst = [{ lastMessageAt: { direction: "desc", nulls: "last" } }, { id: "desc" }] as const

/** A place in the order of a chat: nothing else has it, nor comes to stand before it. */
export type Advanced = {
  readonly chat: Chat
  /** Number of the event. */
  readonly seq: number
  /** Later than every message of the chat so far. */
  readonly at: Date
}

/** Chats. Who takes part is in a list, found by an index. */
export class ChatStorage extends Entities(chats, tenant.column("orgId")) {
  getMainChat(userId: string): Promise<Chat | undefined> {
    return this.find({ createdBy: userId, type: "main" })
  }

  /** The chat of these two alone, in either order. */
  getDirectChat(user1Id: string, user2Id: string): Promise<Chat | undefined> {
    return this.find({ directKey: directKeyOf(user1Id, user2Id) })
  }

  /** The newest message first. */
  listByUser(userId: string, activeOnly = false): Promise<Chat[]> {
    return this.list({ where: { participants: { has: userId }, ...activeOf(activeOnly) }, orderBy: newestFirst })
  }

  /** A page of them, the newest message first. @throws CursorError */
  pageOfUser(
    userId: string,
    { activeOnly, cursor, limit }: { activeOnly: boolean; cursor: string | undefined; limit: number },
  ) {
    const where = { participants: { has: userId }, ...activeOf(activeOnly) }
    return this.after(cursor, { where, orderBy: newestFirst, limit })
  }

  /** The newest message first. */
  listByOrg(orgId: string, activeOnly = false): Promise<Chat[]> {
    return this.list({ where: { orgId, ...activeOf(activeOnly) }, orderBy: newestFirst })
  }

  /** Notes that there is a new message just now. */
  async updateLastMessage(id: string): Promise<void> {
    await this.updateWhere({ id }, { lastMessageAt: this.now() })
  }

  /**
   * Locks the chat until the end of the transaction and takes its next number, with an instant behind all before it: what
   * is numbered commits in the order of the numbers.
   *
   * @param message whether it is for a new message
   * @throws SessionError outside a transaction
   */
  async advance(id: string, { message }: { message: boolean }): Promise<Advanced | undefined> {
    const before = await this.lock(id)
    if (before === undefined) return undefined
    const at = new Date(Math.max(this.now().getTime(), (before.lastMessageAt?.getTime() ?? 0) + 1))
    const seq = before.lastSeq + 1
    const chat = await this.update(id, { lastSeq: seq, ...(message ? { lastMessageAt: at } : {}) })
    return { chat, seq, at }
  }

  /** Lets a user take part; whether that is new. */
  addParticipant(id: string, userId: string): Promise<boolean> {
    return this.#changeParticipants(id, (ids) => (ids.includes(userId) ? ids : [...ids, userId]))
  }

  /** Lets a user take part no more; whether the user did. */
  removeParticipant(id: string, userId: string): Promise<boolean> {
    return this.#changeParticipants(id, (ids) => (ids.includes(userId) ? ids.filter((one) => one !== userId) : ids))
  }

  #changeParticipants(id: string, change: (ids: string[]) => string[]): Promise<boolean> {
    return transaction(
      async () => {
        const chat = await this.lock(id)
        if (chat === undefined) return false
        const participants = change(chat.participants)
        if (participants === chat.participants) return false
        await this.update(id, { participants })
        return true
      },
      { name: "changeParticipants" },
    )
  }

  /** Deactivates it; whether it was active. */
  override async delete(id: string): Promise<boolean> {
    return (await this.updateWhere({ id, isActive: true }, { isActive: false })) > 0
  }
}
