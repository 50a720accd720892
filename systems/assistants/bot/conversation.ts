import { transaction } from "rootstock"
import { type Jobs, receiveOnce } from "rootstock/jobs"
import { actAs, RuleError } from "rootstock/shared"
import { StateStore } from "rootstock/state"
import type { Member } from "../member.ts"
import type { Notifier } from "../notifications/notifier.ts"
import type { User } from "../schema.ts"
import type { ChannelService } from "../services/channels.ts"
import type { ChatService } from "../services/chats.ts"
import type { Context } from "../services/context.ts"
import type { MessageService } from "../services/messages.ts"
import type { ReviewService } from "../services/reviews.ts"
import { tenant } from "../tenancy.ts"
import { texts } from "../texts.ts"
import type { Incoming } from "./incoming.ts"
import { answerCard, askScreen, bare, homeScreen, plain, type Screen } from "./screens.ts"

export type ConversationParts = {
  readonly channels: ChannelService
  readonly chats: ChatService
  readonly messages: MessageService
  readonly reviews: ReviewService
  readonly notifier: Notifier
}

/** Whom an answer is for: who has the main chat that it came into, or who reviews it. */
export type Recipient = "owner" | "reviewer"

/** What is shown, in place of the message with this id where there is one. */
export type Reply = { readonly screen: Screen; readonly inPlaceOf?: number | undefined }

/** The answer about which a text is awaited, and the message that asks for it. */
type Asked = { readonly answerId: string; readonly screen: number | null }

const { bot } = texts
/** Most answers that are counted and gone through. */
const mostWaiting = 100
const pressed = /^([a-z]+)(?::([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}))?$/
const command = /^\/(?<name>[a-z]+)(?:@\w+)?(?:\s+(?<rest>.*))?$/s

/**
 * What the bot says to what a person does. Everything that an update changes, and that it was handled, is one transaction:
 * the same update does nothing when it comes again. The rules are those of the services; where a person is within a
 * conversation is in the state store, so that a restart loses nothing.
 */
export class Conversation {
  readonly #stores: Context["stores"]
  readonly #jobs: Jobs
  readonly #states: StateStore<Asked>
  readonly #parts: ConversationParts

  constructor(
    { stores, jobs, database, clock }: Pick<Context, "stores" | "jobs" | "database" | "clock">,
    parts: ConversationParts,
  ) {
    this.#stores = stores
    this.#jobs = jobs
    this.#states = new StateStore(database, { clock })
    this.#parts = parts
  }

  /** Does what a person wants; undefined where the update was handled before. */
  async handle(incoming: Incoming): Promise<Reply | undefined> {
    const { telegramId, updateId } = incoming
    const user = await this.#userOf(telegramId)
    const work = () => (user === undefined ? this.#asStranger(incoming) : this.#asUser(user, incoming))
    try {
      return await this.#once(updateId, () => (user === undefined ? work() : actingAs(user, work)))
    } catch (error) {
      if (!(error instanceof RuleError)) throw error
      // What was entered stays, and so does the step: the person may try again.
      return this.#once(updateId, async () => ({ screen: plain(bot.refused(error.code)) }))
    }
  }

  #once<T>(updateId: number, work: () => Promise<T>): Promise<T | undefined> {
    return transaction(
      async () => ((await receiveOnce(this.#jobs, "telegram", String(updateId))) ? work() : undefined),
      { name: "bot.update" },
    )
  }

  /** Who linked the account, unless that person or organisation is not active any more. */
  #userOf(telegramId: number): Promise<User | undefined> {
    const { users, organizations } = this.#stores
    return tenant.unbounded(async () => {
      const user = await users.find({ telegramId, isActive: true })
      const organization = user === undefined ? undefined : await organizations.get(user.orgId)
      return organization?.isActive === true ? user : undefined
    })
  }

  async #asStranger({ text = "", telegramId, chatId }: Incoming): Promise<Reply> {
    const { name, rest = "" } = command.exec(text)?.groups ?? {}
    if (name !== "start" || rest === "") return { screen: bare(bot.unknown) }
    return this.#link(rest.trim(), telegramId, chatId)
  }

  async #link(token: string, telegramId: number, chatId: number): Promise<Reply> {
    const linked = await this.#parts.channels.linkTelegram(token, telegramId, String(chatId))
    if (linked.kind === "unknown") return { screen: bare(bot.badLink) }
    if (linked.kind === "linked") return { screen: homeScreen(linked.user.name, 0, bot.linked) }
    const { owner } = linked
    await this.#parts.notifier.notify({
      userId: owner.id,
      dedupeKey: `telegram-taken:${token.slice(0, 8)}`,
      type: "system",
      title: bot.wantedElsewhere,
      content: null,
    })
    return { screen: bare(bot.taken) }
  }

  async #asUser(user: User, incoming: Incoming): Promise<Reply> {
    const { text, button, chatId, telegramId } = incoming
    const key = `bot:${chatId}:${telegramId}`
    if (button !== undefined) return this.#press(user, key, button)
    const { name, rest = "" } = command.exec(text ?? "")?.groups ?? {}
    if (name !== undefined) return this.#command(user, key, name, rest.trim(), incoming)
    if (text === undefined) return { screen: plain(bot.onlyText) }
    const { state, data, stateExpired } = await this.#states.get(key)
    if (stateExpired) return this.#home(user, key, bot.expired)
    if (state === undefined || data === undefined) return this.#post(text)
    return this.#answerTo(key, state, data, text)
  }

  async #command(user: User, key: string, name: string, rest: string, incoming: Incoming): Promise<Reply> {
    if (name === "start" && rest !== "") return this.#link(rest, incoming.telegramId, incoming.chatId)
    if (name === "review") return { screen: await this.#reviewScreen(key) }
    if (name !== "stop") return this.#home(user, key)
    await this.#states.delete(key)
    await this.#parts.channels.stopTelegram(incoming.telegramId)
    return { screen: plain(bot.stopped) }
  }

  async #press(user: User, key: string, { code, messageId }: NonNullable<Incoming["button"]>): Promise<Reply> {
    const [, action = "", id = ""] = pressed.exec(code) ?? []
    const inPlaceOf = messageId
    const shown = async (screen: Screen | Promise<Screen>) => ({ screen: await screen, inPlaceOf })
    switch (action) {
      case "review":
        return shown(this.#reviewScreen(key, id === "" ? {} : { at: id }))
      case "next":
        return shown(this.#reviewScreen(key, { behind: id }))
      case "ok":
        if (id === "") break
        await this.#parts.reviews.approve(id)
        return shown(plain(bot.approved))
      case "edit":
      case "no": {
        const state = action === "edit" ? "edit" : "reject"
        const answer = await this.#waiting(id)
        if (answer === undefined) return shown(plain(bot.refused("ILLEGAL_TRANSITION")))
        await this.#states.set(key, { state, data: { answerId: id, screen: messageId ?? null } })
        return shown(askScreen(state === "edit" ? bot.askEdit : bot.askCorrection, answer))
      }
    }
    return { ...(await this.#home(user, key)), inPlaceOf }
  }

  /** Takes the text for which a step asked. */
  async #answerTo(key: string, state: string, { answerId, screen }: Asked, text: string): Promise<Reply> {
    const { reviews } = this.#parts
    if (state === "edit") await reviews.approve(answerId, text)
    else await reviews.reject(answerId, text)
    await this.#states.delete(key)
    return { screen: plain(state === "edit" ? bot.edited : bot.rejected), inPlaceOf: screen ?? undefined }
  }

  /** Writes into the person's own chat; answers come by themselves. */
  async #post(content: string): Promise<Reply> {
    const { id } = await this.#parts.chats.main()
    const { runs } = await this.#parts.messages.post(id, { content })
    return { screen: bare(runs.length > 0 ? bot.asked : bot.noted) }
  }

  async #home(user: User, key: string, note?: string): Promise<Reply> {
    await this.#states.delete(key)
    const waiting = await this.#parts.reviews.pending(mostWaiting)
    return { screen: homeScreen(user.name, waiting.length, note) }
  }

  /** The newest answer that awaits review, or the one at or behind another. */
  async #reviewScreen(key: string, { at, behind }: { at?: string; behind?: string } = {}): Promise<Screen> {
    await this.#states.delete(key)
    const waiting = await this.#parts.reviews.pending(mostWaiting)
    const index = waiting.findIndex(({ id }) => id === (at ?? behind))
    const chosen = Math.max(0, behind === undefined ? index : index + 1) % Math.max(1, waiting.length)
    const answer = waiting[chosen]
    if (answer === undefined) return plain(bot.nothingWaits)
    return answerCard(answer, { role: await this.#roleOf(answer.runId), reviewable: true, more: waiting.length > 1 })
  }

  async #waiting(id: string) {
    return (await this.#parts.reviews.pending(mostWaiting)).find((answer) => answer.id === id)
  }

  async #roleOf(runId: string | null): Promise<string | undefined> {
    const run = runId === null ? undefined : await this.#stores.runs.get(runId)
    return run === undefined ? undefined : (await this.#stores.roles.get(run.roleId))?.name
  }

  /**
   * An answer, or what the system says, for the Telegram account of the person whose main chat it is in; or an answer that
   * awaits review, for its reviewer. Undefined where that person has no account, wants nothing there, or has it already.
   */
  async announced(
    messageId: string,
    to: Recipient,
  ): Promise<{ chatId: string; channelId: string; screen: Screen } | undefined> {
    const { messages, chats, channels } = this.#stores
    return tenant.unbounded(async () => {
      const message = await messages.get(messageId)
      const chat = message === undefined ? undefined : await chats.get(message.chatId)
      if (message === undefined || message.isDeleted || chat === undefined) return undefined
      const owner = chat.type === "main" ? chat.createdBy : null
      const reviewer = message.aiReview === "pending" ? message.senderId : null
      const userId = to === "owner" ? owner : reviewer === owner ? null : reviewer
      if (userId === null) return undefined
      const channel = await channels.getByUserAndType(userId, "telegram")
      const chatId = channel?.isVerified === true && channel.isEnabled ? channel.config.chat_id : undefined
      if (channel === undefined || chatId === undefined || (await this.#userById(userId)) === undefined)
        return undefined
      const screen = answerCard(message, { role: await this.#roleOf(message.runId), reviewable: userId === reviewer })
      return { chatId, channelId: channel.id, screen }
    })
  }

  async #userById(id: string): Promise<User | undefined> {
    const { users } = this.#stores
    const telegramId = (await users.get(id))?.telegramId
    return telegramId == null ? undefined : this.#userOf(telegramId)
  }
}

function actingAs<T>({ id, orgId }: User, work: () => Promise<T>): Promise<T> {
  const member: Member = { kind: "user", id, orgId }
  return actAs(member, () => tenant.run(orgId, work))
}
