import { transaction } from "rootstock"
import { invalidRequest } from "rootstock/fields"
import type { Jobs } from "rootstock/jobs"
import type { Logger } from "rootstock/log"
import { absent, commonRules, fail } from "rootstock/shared"
import { runExecute } from "../jobs/definitions.ts"
import { cut } from "../notifications/envelope.ts"
import type { Notifier } from "../notifications/notifier.ts"
import { rules } from "../rules.ts"
import type { AiRun, Chat, Message, User } from "../schema.ts"
import { texts } from "../texts.ts"
import { type AnswererChoice, type Answering, isSystemUser, mostAnswerers } from "./answering.ts"
import type { ChatAccess } from "./chat-access.ts"
import type { Context } from "./context.ts"
import type { Mentions } from "./mentions.ts"
import type { Posting } from "./posting.ts"
import { type ShownMessage, shownMessages } from "./shown-messages.ts"

/** What people write. */
export type PostedText = { content: string; replyToId?: string | undefined }

/** Which messages of a chat: a page by number, or those nearest to another message. */
export type MessagePage = {
  limit: number
  offset?: number | undefined
  afterId?: string | undefined
  beforeId?: string | undefined
  includeDeleted?: boolean | undefined
}

/** Most characters (code points) of a message. */
export const mostCharacters = 16_000
/** Most characters of a message in a notice, and of a name in its title. */
const excerptCharacters = 300
const nameCharacters = 80

/** Messages of chats: what people write, and who answers. */
export class MessageService {
  readonly #stores: Context["stores"]
  readonly #jobs: Jobs
  readonly #log: Logger
  readonly #access: ChatAccess
  readonly #posting: Posting
  readonly #mentions: Mentions
  readonly #answering: AnswererChoice
  readonly #notifier: Notifier

  constructor(
    { stores, jobs, log }: Pick<Context, "stores" | "jobs" | "log">,
    parts: { access: ChatAccess; posting: Posting; mentions: Mentions; answering: AnswererChoice; notifier: Notifier },
  ) {
    this.#stores = stores
    this.#jobs = jobs
    this.#log = log.named("assistants.messages")
    this.#access = parts.access
    this.#posting = parts.posting
    this.#mentions = parts.mentions
    this.#answering = parts.answering
    this.#notifier = parts.notifier
  }

  /**
   * Messages of a chat, the newest first. Those behind or before another message are the nearest to it.
   *
   * @throws RuleError `NOT_FOUND` for a chat, or a message as cursor that is none of the chat; `FORBIDDEN`; `VALIDATION_FAILED`
   *   for two cursors
   */
  async list(chatId: string, page: MessagePage): Promise<ShownMessage[]> {
    const { limit, offset = 0, afterId, beforeId, includeDeleted = false } = page
    if (afterId !== undefined && beforeId !== undefined) {
      const message = "goes without the other cursor"
      throw invalidRequest([
        { path: "query/after_id", message },
        { path: "query/before_id", message },
      ])
    }
    const cursor = afterId ?? beforeId
    if (cursor !== undefined && offset > 0)
      throw invalidRequest([{ path: "query/offset", message: "goes without a cursor" }])
    const { me } = await this.#access.enter(chatId)
    if (includeDeleted && !me.isAdmin)
      throw commonRules.broken("FORBIDDEN", "Deleted messages are for administrators to see.")
    const { messages } = this.#stores
    if (cursor === undefined) return this.shown(await messages.listByChat(chatId, limit, offset, includeDeleted))
    const rows = await (afterId !== undefined
      ? messages.listAfter(chatId, cursor, limit, includeDeleted)
      : messages.listBefore(chatId, cursor, limit, includeDeleted))
    if (rows.length === 0 && !(await messages.exists({ id: cursor, chatId }))) throw absent("message", cursor)
    return this.shown(rows)
  }

  /**
   * Writes a message of the signed-in person, with what follows from it in the same transaction: notices for those whom
   * it mentions, and a run for each role that is to answer.
   *
   * @throws RuleError `NOT_FOUND` for a chat, or a message to reply to that is none of the chat; `FORBIDDEN`, `CHAT_INACTIVE`,
   *   `VALIDATION_FAILED`
   */
  async post(chatId: string, { content, replyToId }: PostedText): Promise<{ message: ShownMessage; runs: AiRun[] }> {
    checkContent(content)
    const posted = await transaction(async () => {
      const { chat, me } = await this.#access.enter(chatId, { lock: true })
      if (!chat.isActive) throw rules.broken("CHAT_INACTIVE", `The chat ${chatId} is not active.`)
      if (replyToId !== undefined && !(await this.#stores.messages.exists({ id: replyToId, chatId })))
        throw absent("message", replyToId)
      const { mentions, called, named } = await this.#mentions.of(content)
      const answering = await this.#answering.of(chat, me, called)
      const row = { chatId, senderType: "user", senderId: me.id, content, mentions, replyToId } as const
      const message = await this.#posting.append(row)
      await this.#stores.audit.record({
        action: "messages.create",
        entity: "messages",
        entityId: message.id,
        after: message,
      })
      await this.#tell(message, chat, me, named)
      const runs = await this.#request(message, answering)
      await this.#explain(message, answering)
      const [shown] = await this.shown([message])
      return { message: shown as ShownMessage, runs }
    })
    this.#log.info(`Posted message ${posted.message.id}`, {
      message_id: posted.message.id,
      chat_id: chatId,
      runs: posted.runs.length,
    })
    return posted
  }

  /**
   * Gives a message another text: its author, and of an AI role's message its reviewer, or an administrator. It calls
   * nobody.
   *
   * @throws RuleError `NOT_FOUND`, `FORBIDDEN`, `VALIDATION_FAILED`
   */
  async edit(chatId: string, id: string, content: string): Promise<ShownMessage> {
    checkContent(content)
    return transaction(async () => {
      const { message: before, me } = await this.#enterTo(chatId, id)
      if (before.senderType === "system") throw commonRules.broken("FORBIDDEN", "What the system says is not edited.")
      const after = content === before.content ? before : await this.#rewrite(before, content, me)
      const [shown] = await this.shown([after])
      return shown as ShownMessage
    })
  }

  /** Marks a message as deleted. @throws RuleError `NOT_FOUND`, `FORBIDDEN` */
  async delete(chatId: string, id: string): Promise<void> {
    await transaction(async () => {
      const { message: before } = await this.#enterTo(chatId, id)
      await this.#stores.messages.delete(id)
      await this.#stores.correctionRules.forget(before)
      await this.#posting.note(before, "deleted")
      const after = { ...before, isDeleted: true }
      await this.#stores.audit.record({ action: "messages.delete", entity: "messages", entityId: id, before, after })
    })
    this.#log.info(`Deleted message ${id}`, { message_id: id, chat_id: chatId })
  }

  /** The messages with those that they reply to. One more query at most. */
  shown(rows: readonly Message[]): Promise<ShownMessage[]> {
    return shownMessages(this.#stores, rows)
  }

  /** A message of a chat for who may change it: its author or reviewer, and administrators. The chat is locked. */
  async #enterTo(chatId: string, id: string): Promise<{ message: Message; me: User }> {
    const { me } = await this.#access.enter(chatId, { lock: true })
    const message = (await this.#stores.messages.find({ id, chatId, isDeleted: false })) ?? fail(absent("message", id))
    const isOwn = message.senderType !== "system" && message.senderId === me.id
    if (isOwn || me.isAdmin) return { message, me }
    throw commonRules.broken("FORBIDDEN", "Only its author or reviewer, and administrators, change a message.")
  }

  async #rewrite(before: Message, content: string, { id: userId }: User): Promise<Message> {
    const { id } = before
    const { messages, audit } = this.#stores
    await messages.editContent(id, content, userId)
    const { mentions } = before.senderType === "user" ? await this.#mentions.of(content) : { mentions: [] }
    const after = await messages.update(id, { mentions: mentions.length === 0 ? null : [...mentions] })
    await this.#posting.note(before, "edited")
    await audit.record({ action: "messages.edit", entity: "messages", entityId: id, before, after })
    return after
  }

  /** Tells people that they are mentioned; only those who may read the chat are told what was written. */
  async #tell(message: Message, chat: Chat, sender: User, named: readonly User[]): Promise<void> {
    const told = named.filter((user) => user.id !== sender.id && !isSystemUser(user))
    if (told.length === 0) return
    const title = texts.mentioned(
      cut(sender.name, nameCharacters),
      chat.name === null ? null : cut(chat.name, nameCharacters),
    )
    const notices = told.map((user) => ({
      userId: user.id,
      type: "mention" as const,
      title,
      content: user.isAdmin || chat.participants.includes(user.id) ? cut(message.content, excerptCharacters) : null,
    }))
    const reference = { type: "message", id: message.id }
    await this.#stores.inApp.createMany(
      notices.map((notice) => ({ ...notice, referenceType: reference.type, referenceId: reference.id })),
      { returning: false },
    )
    for (const notice of notices) {
      const dedupeKey = `mention:${message.id}:${notice.userId}`
      await this.#notifier.notify({ ...notice, dedupeKey, reference, inApp: "made" })
    }
  }

  async #request(message: Message, { answerers }: Answering): Promise<AiRun[]> {
    if (answerers.length === 0) return []
    const runs = await this.#stores.runs.createMany(
      answerers.map(({ role, ...addressed }) => ({
        ...addressed,
        roleId: role.id,
        chatId: message.chatId,
        triggerMessageId: message.id,
        model: role.modelName,
        agentType: role.agentType,
      })),
    )
    await this.#jobs.sendMany(
      runExecute,
      runs.map(({ id }) => ({ runId: id })),
    )
    return runs
  }

  /** Says in the chat who was called and does not answer. */
  async #explain(message: Message, { withoutRole, left }: Answering): Promise<void> {
    const lines = [
      ...(withoutRole.length > 0 ? [texts.withoutRole(withoutRole.map(({ username }) => username))] : []),
      ...(left > 0 ? [texts.tooManyCalled(mostAnswerers)] : []),
    ]
    if (lines.length === 0) return
    const { chatId, senderId, id } = message
    await this.#posting.append({ chatId, senderType: "system", senderId, content: lines.join("\n"), replyToId: id })
  }
}

/** @throws RuleError `VALIDATION_FAILED` for a text that is empty or too long */
export function checkContent(content: string, path = "body/content"): void {
  // As many UTF-16 units are never more characters.
  const fits = content.length > 0 && (content.length <= mostCharacters || [...content].length <= mostCharacters)
  if (!fits) throw invalidRequest([{ path, message: `must have 1 to ${mostCharacters} characters` }])
}
