import { transaction } from "rootstock"
import { UniqueError } from "rootstock/errors"
import { invalidRequest } from "rootstock/fields"
import { Existing } from "rootstock/http"
import type { Logger } from "rootstock/log"
import { absent, commonRules, fail } from "rootstock/shared"
import type { KeysetPage } from "rootstock/storage"
import { rules } from "../rules.ts"
import type { Chat, User } from "../schema.ts"
import { directKeyOf } from "../storages/index.ts"
import type { ChatAccess } from "./chat-access.ts"
import type { Context } from "./context.ts"
import type { PeopleChecks } from "./people-checks.ts"

export type NewGroup = { name: string; participants: readonly string[] }
export type ChatChanges = { name?: string | null | undefined; isActive?: boolean | undefined }
export type ChatFilter = { activeOnly?: boolean | undefined; cursor?: string | undefined; limit: number }

/** Chats: who takes part in them, and what they are called. */
export class ChatService {
  readonly #stores: Context["stores"]
  readonly #log: Logger
  readonly #people: PeopleChecks
  readonly #access: ChatAccess

  constructor({ stores, log }: Pick<Context, "stores" | "log">, people: PeopleChecks, access: ChatAccess) {
    this.#stores = stores
    this.#log = log.named("assistants.chats")
    this.#people = people
    this.#access = access
  }

  /** The chats in which the signed-in person takes part, the one with the newest message first. @throws CursorError */
  async list({ activeOnly = false, cursor, limit }: ChatFilter): Promise<KeysetPage<Chat>> {
    const me = await this.#people.me()
    return this.#stores.chats.pageOfUser(me.id, { activeOnly, cursor, limit })
  }

  /** The main chat of the signed-in person. @throws RuleError `NOT_FOUND` */
  async main(): Promise<Chat> {
    const me = await this.#people.me()
    return (
      (await this.#stores.chats.getMainChat(me.id)) ??
      fail(commonRules.broken("NOT_FOUND", `The user ${me.id} has no main chat.`))
    )
  }

  /** @throws RuleError `NOT_FOUND`, `FORBIDDEN` */
  async get(id: string): Promise<Chat> {
    return (await this.#access.enter(id)).chat
  }

  /**
   * The one chat of the signed-in person and another, which is made where there is none; two who ask at the same moment
   * get the same.
   *
   * @throws RuleError `NOT_FOUND` for a user who is not there, `VALIDATION_FAILED` for oneself
   */
  async direct(userId: string): Promise<Chat | Existing<Chat>> {
    const me = await this.#people.me()
    if (userId === me.id) throw invalidRequest([{ path: "body/user_id", message: "must be another user" }])
    const { chats } = this.#stores
    const known = await chats.getDirectChat(me.id, userId)
    if (known !== undefined) return new Existing(known)
    await this.#present([userId])
    const directKey = directKeyOf(me.id, userId)
    try {
      // Nested, so that a transaction around it goes on where the chat is made elsewhere at the same moment.
      return await transaction(
        () =>
          this.#create("chats.direct", { type: "direct", participants: [me.id, userId], directKey, createdBy: me.id }),
        { nested: true, name: "createDirect" },
      )
    } catch (error) {
      if (!(error instanceof UniqueError)) throw error
      return new Existing((await chats.getDirectChat(me.id, userId)) ?? fail(error))
    }
  }

  /** Makes a chat of the signed-in person and others. @throws RuleError `NOT_FOUND` for a user who is not there */
  async group({ name, participants }: NewGroup): Promise<Chat> {
    return transaction(async () => {
      const me = await this.#people.me()
      const ids = [...new Set([me.id, ...participants])]
      await this.#present(ids.slice(1))
      return this.#create("chats.group", { type: "group", name, participants: ids, createdBy: me.id })
    })
  }

  /** @throws RuleError `NOT_FOUND`, `FORBIDDEN` */
  async update(id: string, changes: ChatChanges): Promise<Chat> {
    return transaction(async () => {
      const { chat: before } = await this.#access.enterAsCreator(id)
      const after = await this.#stores.chats.update(id, changes)
      await this.#record("chats.update", before, after)
      return after
    })
  }

  /** Deactivates it: nobody writes there any more. @throws RuleError `NOT_FOUND`, `FORBIDDEN` */
  async delete(id: string): Promise<void> {
    await transaction(async () => {
      const { chat: before } = await this.#access.enterAsCreator(id)
      if (await this.#stores.chats.delete(id))
        await this.#record("chats.delete", before, { ...before, isActive: false })
    })
  }

  /** Lets a user take part in a group; whether that is new. @throws RuleError `NOT_FOUND`, `FORBIDDEN`, `FIXED_PARTICIPANTS` */
  async addParticipant(id: string, userId: string): Promise<boolean> {
    return transaction(async () => {
      const { chat: before } = await this.#access.enterAsCreator(id)
      refuseFixed(before)
      await this.#present([userId])
      return this.#changeParticipants(before, await this.#stores.chats.addParticipant(id, userId))
    })
  }

  /**
   * Lets a user take part in a group no more; whether the user did. People leave by themselves, too.
   *
   * @throws RuleError `NOT_FOUND`, `FORBIDDEN`, `FIXED_PARTICIPANTS`
   */
  async removeParticipant(id: string, userId: string): Promise<boolean> {
    return transaction(async () => {
      const isLeaving = userId === (await this.#people.me()).id
      const { chat: before } = await (isLeaving
        ? this.#access.enter(id, { lock: true })
        : this.#access.enterAsCreator(id))
      refuseFixed(before)
      if (!before.participants.includes(userId) && (await this.#stores.users.get(userId)) === undefined)
        throw absent("user", userId)
      return this.#changeParticipants(before, await this.#stores.chats.removeParticipant(id, userId))
    })
  }

  async #changeParticipants(before: Chat, changed: boolean): Promise<boolean> {
    if (changed) await this.#record("chats.participants", before, (await this.#stores.chats.get(before.id)) ?? before)
    return changed
  }

  /** The users, who are active and of this organisation or system users. @throws RuleError `NOT_FOUND` */
  async #present(ids: readonly string[]): Promise<User[]> {
    const users = await this.#stores.users.getMany(ids)
    const missing = ids.find((id) => !users.some((user) => user.id === id && user.isActive))
    return missing === undefined ? users : fail(absent("user", missing))
  }

  async #create(action: string, chat: Parameters<Context["stores"]["chats"]["create"]>[0]): Promise<Chat> {
    const after = await this.#stores.chats.create(chat)
    await this.#stores.audit.record({ action, entity: "chats", entityId: after.id, after })
    this.#log.info(`Made the chat ${after.id}`, { chat_id: after.id, chat_type: after.type })
    return after
  }

  #record(action: string, before: Chat, after: Chat): Promise<void> {
    return this.#stores.audit.record({ action, entity: "chats", entityId: before.id, before, after })
  }
}

function refuseFixed({ type }: Chat): void {
  if (type !== "group")
    throw rules.broken("FIXED_PARTICIPANTS", `The participants of a chat of the type ${type} do not change.`)
}
