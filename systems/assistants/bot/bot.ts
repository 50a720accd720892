import { setTimeout as pause } from "node:timers/promises"
import type { Api, GrammyError } from "grammy"
import type { InlineKeyboardMarkup, Update } from "grammy/types"
import { type CommitContext, PermanentError, RetryAfterError } from "rootstock/jobs"
import type { Logger } from "rootstock/log"
import type { TelegramSender } from "../notifications/telegram.ts"
import type { Context } from "../services/context.ts"
import { tenant } from "../tenancy.ts"
import { Conversation, type ConversationParts, type Recipient, type Reply } from "./conversation.ts"
import { readUpdate } from "./incoming.ts"
import type { Screen } from "./screens.ts"

/** How long Telegram holds a request for updates while there are none, in seconds. */
const pollS = 30
/** How long to wait after a failure, in milliseconds: at first, and at most. */
const firstPause = 1_000
const longestPause = 30_000
/** How often an update is tried that cannot be handled, before others have their turn. */
const mostTries = 5
/** How long any call may take, in seconds; more than updates are held. */
const timeoutSeconds = 60

type Grammy = typeof import("grammy")

/**
 * The Telegram bot. It asks Telegram for what people wrote while it runs, one update after another, or is given it by the
 * webhook. Without a token it is off.
 *
 * What is said in a conversation is sent after what the person did was committed; where the process is killed in between,
 * the person sees no reply, and nothing is done twice.
 */
export class AssistantsBot {
  readonly #token: string | undefined
  readonly #apiRoot: string
  /** Given where updates come by the webhook. */
  readonly webhookSecret: string | undefined
  readonly #log: Logger
  readonly #stores: Context["stores"]
  readonly #sender: Pick<TelegramSender, "turn">
  readonly #conversation: Conversation
  #loaded: Promise<{ api: Api; grammy: Grammy }> | undefined
  #polling: { stop: AbortController; ended: Promise<void> } | undefined

  constructor(context: Context, parts: ConversationParts & { readonly telegram: Pick<TelegramSender, "turn"> }) {
    const { settings, log, stores } = context
    this.#token = settings.botTokens.get("assistants")
    this.#apiRoot = settings.TELEGRAM_API_ROOT.replace(/\/+$/, "")
    this.webhookSecret = this.#token === undefined ? undefined : settings.TELEGRAM_WEBHOOK_SECRET
    this.#log = log.named("assistants.bot")
    this.#stores = stores
    this.#sender = parts.telegram
    this.#conversation = new Conversation(context, parts)
  }

  /** Begins to ask for updates, unless there is no bot or they come by the webhook. */
  async start(): Promise<void> {
    if (this.#token === undefined || this.webhookSecret !== undefined || this.#polling !== undefined) return
    const stop = new AbortController()
    this.#polling = { stop, ended: this.#poll(stop.signal) }
    this.#log.info("Asking Telegram for updates")
  }

  /** Ends that; what is being handled is finished. Idempotent. */
  async stop(): Promise<void> {
    const polling = this.#polling
    this.#polling = undefined
    polling?.stop.abort()
    await polling?.ended
  }

  async #poll(signal: AbortSignal): Promise<void> {
    let offset: number | undefined
    let wait = firstPause
    let tried = { updateId: -1, times: 0 }
    while (!signal.aborted) {
      try {
        const { api } = await this.#load()
        const updates = await api.getUpdates(
          {
            timeout: pollS,
            allowed_updates: ["message", "callback_query"],
            ...(offset === undefined ? {} : { offset }),
          },
          signal as never,
        )
        for (const update of updates) {
          if (signal.aborted) return
          tried = tried.updateId === update.update_id ? tried : { updateId: update.update_id, times: 0 }
          tried.times++
          await this.handle(update).catch((error: unknown) => {
            if (tried.times < mostTries) throw error
            this.#log.error(`Update ${update.update_id} is left out`, { error })
          })
          // Telegram forgets what lies before the offset.
          offset = update.update_id + 1
        }
        wait = firstPause
      } catch (error) {
        if (signal.aborted) return
        // Another process may be asking: it answers people then, and this one takes over when it is gone.
        this.#log.warning("Telegram could not be asked for updates", { error: this.#shown(error) })
        await pause(wait, undefined, { signal }).catch(() => undefined)
        wait = Math.min(2 * wait, longestPause)
      }
    }
  }

  /**
   * Does what an update wants and replies.
   *
   * @throws what keeps it from being done, such as a database that is away: the update is to come again
   */
  async handle(update: Update): Promise<void> {
    const incoming = readUpdate(update)
    if (incoming === undefined) return
    const reply = await this.#conversation.handle(incoming)
    const { button, chatId } = incoming
    try {
      // Telegram shows a button as being pressed until it is answered, whatever came of it.
      if (button !== undefined) await (await this.#load()).api.answerCallbackQuery(button.queryId)
    } catch (error) {
      this.#log.debug("A button could not be answered", { error: this.#shown(error) })
    }
    if (reply === undefined) return
    try {
      await this.#show(chatId, reply)
    } catch (error) {
      this.#log.warning(`The reply to update ${update.update_id} could not be sent`, { error: this.#shown(error) })
    }
  }

  async #show(chatId: number | string, { screen, inPlaceOf }: Reply): Promise<void> {
    const { api } = await this.#load()
    const other = { parse_mode: "HTML" as const, reply_markup: keyboard(screen) }
    if (inPlaceOf !== undefined) {
      try {
        await api.editMessageText(chatId, inPlaceOf, screen.text, other)
        return
      } catch (error) {
        const refusal = await this.#refusal(error)
        if (refusal?.error_code !== 400) throw error
        if (refusal.description.includes("not modified")) return
        // It is too old to be changed, or gone.
      }
    }
    await api.sendMessage(chatId, screen.text, other)
  }

  /**
   * Brings an answer to the person in whose main chat it is, or to its reviewer elsewhere: the job `telegram.answer`. It
   * comes twice where the process is killed between the sending and the end of the job.
   */
  async announce(messageId: string, to: Recipient, { commit }: Pick<CommitContext, "commit">): Promise<void> {
    if (this.#token === undefined) return
    const found = await this.#conversation.announced(messageId, to)
    if (found === undefined) return
    const delayMs = await this.#sender.turn(found.chatId)
    if (delayMs > 0) throw new RetryAfterError("Telegram's limits are reached.", { delayMs })
    try {
      await this.#show(found.chatId, { screen: found.screen })
    } catch (error) {
      const refusal = await this.#refusal(error)
      if (refusal === undefined) throw new Error(this.#shown(error))
      if (refusal.error_code === 403) {
        // The person blocked the bot.
        const unverify = () => this.#stores.channels.update(found.channelId, { isVerified: false })
        return void (await commit(async () => void (await tenant.unbounded(unverify))))
      }
      if (refusal.error_code === 429) {
        throw new RetryAfterError("Telegram asks to wait.", { delayMs: (refusal.parameters.retry_after ?? 1) * 1_000 })
      }
      if (refusal.error_code < 500) throw new PermanentError(`Telegram refused: ${refusal.description}`)
      throw new Error(this.#shown(error))
    }
  }

  /** What Telegram said against a call; undefined where it could not be asked. */
  async #refusal(error: unknown): Promise<GrammyError | undefined> {
    const { grammy } = await this.#load()
    return error instanceof grammy.GrammyError ? error : undefined
  }

  /** A failure in words without the token, which stands in the address of every call. */
  #shown(error: unknown): string {
    const words = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    return words.replaceAll(this.#token ?? "\0", "***")
  }

  /** grammY, which is only loaded where there is a bot. */
  #load(): Promise<{ api: Api; grammy: Grammy }> {
    this.#loaded ??= import("grammy").then((grammy) => ({
      grammy,
      api: new grammy.Api(this.#token as string, { apiRoot: this.#apiRoot, timeoutSeconds }),
    }))
    return this.#loaded
  }
}

function keyboard({ buttons }: Screen): InlineKeyboardMarkup {
  return { inline_keyboard: buttons.map((row) => row.map(([text, code]) => ({ text, callback_data: code }))) }
}
