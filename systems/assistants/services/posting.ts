import { afterCommit } from "rootstock"
import type { Jobs } from "rootstock/jobs"
import { absent, fail } from "rootstock/shared"
import { telegramAnswer } from "../jobs/definitions.ts"
import type { Hub } from "../live/hub.ts"
import type { ChatEvent, Message } from "../schema.ts"
import type { Mention } from "../shapes.ts"
import type { Context } from "./context.ts"

/** A message to be written into a chat. */
export type NewMessage = {
  readonly chatId: string
  readonly senderType: Message["senderType"]
  /** The person who wrote it, or on whose behalf an AI role or the system speaks. */
  readonly senderId: string
  readonly content: string
  readonly mentions?: readonly Mention[] | undefined
  /** A message of the same chat. */
  readonly replyToId?: string | undefined
  /** The run that made an answer of an AI role. */
  readonly runId?: string | undefined
  /** `pending` for an answer of an AI role, which its sender reviews. */
  readonly aiReview?: "none" | "pending" | undefined
}

/**
 * The one way in which messages come into chats, and changes of them become known.
 *
 * Every call locks the chat and takes its next number, so that numbers are committed in their order without a gap; who
 * watches the chat is woken after the commit.
 */
export class Posting {
  readonly #stores: Context["stores"]
  readonly #jobs: Jobs
  readonly #hub: Pick<Hub, "wake">
  readonly #hasBot: boolean

  constructor(context: Pick<Context, "stores" | "jobs" | "settings"> & { readonly hub: Pick<Hub, "wake"> }) {
    const { stores, jobs, settings, hub } = context
    this.#stores = stores
    this.#jobs = jobs
    this.#hub = hub
    this.#hasBot = settings.botTokens.has("assistants")
  }

  /**
   * Writes a message, in the ambient transaction. Who may write, and what, is for the caller to check.
   *
   * @throws SessionError outside a transaction; RuleError `NOT_FOUND` where there is no such chat
   */
  async append(message: NewMessage): Promise<Message> {
    const { chatId, senderType, senderId, content, mentions, replyToId, runId, aiReview = "none" } = message
    const { seq, at } = (await this.#stores.chats.advance(chatId, { message: true })) ?? fail(absent("chat", chatId))
    // The id and the instant are drawn behind the lock: a message that commits later has later ones.
    const row = await this.#stores.messages.create({
      chatId,
      senderType,
      senderId,
      content,
      mentions: mentions === undefined || mentions.length === 0 ? null : [...mentions],
      replyToId: replyToId ?? null,
      runId: runId ?? null,
      aiReview,
      createdAt: at,
    })
    await this.#publish(row, seq, "created")
    if (this.#hasBot && senderType !== "user") {
      const to = aiReview === "pending" ? (["owner", "reviewer"] as const) : (["owner"] as const)
      await this.#jobs.sendMany(
        telegramAnswer,
        to.map((one) => ({ messageId: row.id, to: one })),
      )
    }
    return row
  }

  /**
   * Makes a change of a message known, in the transaction of the change. Called before the message itself is changed, it
   * keeps the order of locks: the chat, then its message.
   *
   * @throws SessionError outside a transaction; RuleError `NOT_FOUND` where there is no such chat
   */
  async note({ id, chatId }: Pick<Message, "id" | "chatId">, kind: Exclude<ChatEvent["kind"], "created">) {
    const { seq } = (await this.#stores.chats.advance(chatId, { message: false })) ?? fail(absent("chat", chatId))
    await this.#publish({ id, chatId }, seq, kind)
  }

  async #publish({ id, chatId }: Pick<Message, "id" | "chatId">, seq: number, kind: ChatEvent["kind"]): Promise<void> {
    await this.#stores.chatEvents.create({ chatId, seq, kind, messageId: id })
    afterCommit(() => this.#hub.wake(chatId))
  }
}
