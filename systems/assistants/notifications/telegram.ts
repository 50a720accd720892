import type { Clock } from "rootstock/clock"
import { type RateLimit, RateLimiter } from "rootstock/state"
import type { Context } from "../services/context.ts"
import { cut, type Envelope } from "./envelope.ts"
import { cameBeforeSending, codeOf, DeliveryError, retryAfterMs } from "./failure.ts"

/** How long a call may take, in milliseconds. */
const timeoutMs = 10_000
/** What Telegram takes; a message has 4,096 characters at most. https://core.telegram.org/bots/api#sendmessage */
const longestMessage = 3_500
const inAll: RateLimit = { limit: 30, windowMs: 1_000 }
const perChat: RateLimit = { limit: 1, windowMs: 1_000 }
const perGroup: RateLimit = { limit: 20, windowMs: 60_000 }

type ApiAnswer = {
  ok?: boolean
  result?: unknown
  description?: string
  parameters?: { retry_after?: number }
}

/** The bot of this system as a sender, within the limits of the Bot API. https://core.telegram.org/bots/faq#broadcasting-to-users */
export class TelegramSender {
  readonly #root: string
  readonly #token: string | undefined
  readonly #limiter: RateLimiter
  readonly #clock: Clock
  #pausedUntil = 0
  #name: Promise<string> | undefined

  constructor({ settings, database, clock }: Pick<Context, "settings" | "database" | "clock">) {
    this.#root = settings.TELEGRAM_API_ROOT.replace(/\/+$/, "")
    this.#token = settings.botTokens.get("assistants")
    this.#limiter = new RateLimiter(database, { clock })
    this.#clock = clock
  }

  /** Whether there is a bot. */
  get isOn(): boolean {
    return this.#token !== undefined
  }

  /**
   * Takes a place for a message to a chat, outside of transactions, over all processes.
   *
   * @returns 0, or after how many milliseconds to ask again
   */
  async turn(chatId: string): Promise<number> {
    const pause = this.#pausedUntil - this.#clock.now().getTime()
    if (pause > 0) return pause
    const limits: [string, RateLimit][] = [[`telegram:chat:${chatId}`, perChat]]
    // Ids of groups are negative.
    if (chatId.startsWith("-")) limits.push([`telegram:group:${chatId}`, perGroup])
    limits.push(["telegram:all", inAll])
    const taken = []
    for (const [key, limit] of limits) {
      const hit = await this.#limiter.hit(key, limit)
      if (hit.allowed) {
        taken.push(hit)
        continue
      }
      for (const one of taken) await one.undo()
      return Math.max(1, hit.retryAfterS) * 1_000
    }
    return 0
  }

  /**
   * Sends a notice to a chat.
   *
   * @throws DeliveryError
   */
  async send(chatId: string, { title, content }: Envelope, signal: AbortSignal): Promise<void> {
    const head = `<b>${escaped(title)}</b>`
    const text = content === null || content === "" ? head : `${head}\n${escaped(cut(content, longestMessage))}`
    await this.#call("sendMessage", { chat_id: chatId, text, parse_mode: "HTML" }, signal)
  }

  /** The bot's user name, asked for once. @throws DeliveryError */
  botName(): Promise<string> {
    this.#name ??= this.#askName().catch((error: unknown) => {
      this.#name = undefined
      throw error
    })
    return this.#name
  }

  async #askName(): Promise<string> {
    const me = (await this.#call("getMe", {})) as { username?: unknown } | undefined
    if (typeof me?.username === "string") return me.username
    throw new DeliveryError("permanent", "Telegram did not say the name of the bot.")
  }

  async #call(method: string, body: object, signal?: AbortSignal): Promise<unknown> {
    if (this.#token === undefined) throw new DeliveryError("permanent", "Telegram is not set up.")
    const timeout = AbortSignal.timeout(timeoutMs)
    let status: number
    let answer: ApiAnswer
    try {
      const response = await fetch(`${this.#root}/bot${this.#token}/${method}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
        redirect: "error",
      })
      status = response.status
      answer = await answerOf(response)
    } catch (error) {
      // What fetch says may have the address in it, and that has the token.
      const kind = cameBeforeSending(error) ? "temporary" : "unknown"
      throw new DeliveryError(kind, `Telegram could not be asked: ${codeOf(error)}.`)
    }
    if (status === 200 && answer.ok === true) return answer.result
    throw this.#refusal(status, answer)
  }

  #refusal(status: number, { description = "no reason", parameters }: ApiAnswer): DeliveryError {
    const why = `Telegram answered ${status}: ${cut(description, 300)}.`
    if (status === 429) {
      const wait = retryAfterMs(parameters?.retry_after) ?? 1_000
      this.#pausedUntil = Math.max(this.#pausedUntil, this.#clock.now().getTime() + wait)
      return new DeliveryError("temporary", why, { retryAfterMs: wait })
    }
    if (status === 403) return new DeliveryError("permanent", why, { isDead: true })
    // An answer that is none of the Bot API's says nothing about the message.
    if (status === 200) return new DeliveryError("unknown", why)
    return new DeliveryError(status >= 500 ? "temporary" : "permanent", why)
  }
}

async function answerOf(response: Response): Promise<ApiAnswer> {
  const text = await response.text()
  try {
    const answer: unknown = JSON.parse(text)
    return typeof answer === "object" && answer !== null ? answer : {}
  } catch {
    return {}
  }
}

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" }

/** A text in HTML as Telegram reads it. https://core.telegram.org/bots/api#html-style */
export function escaped(text: string): string {
  return text.replace(/[&<>]/g, (character) => entities[character] as string)
}
