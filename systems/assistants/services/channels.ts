import { createHash, createHmac, randomBytes, randomInt, timingSafeEqual } from "node:crypto"
import { transaction } from "rootstock"
import type { Clock } from "rootstock/clock"
import { UniqueError } from "rootstock/errors"
import { invalidRequest } from "rootstock/fields"
import { type Jobs, PermanentError } from "rootstock/jobs"
import type { Logger } from "rootstock/log"
import { uuidv7 } from "rootstock/schema"
import { absent, fail, rateLimited } from "rootstock/shared"
import { type RateLimit, RateLimiter } from "rootstock/state"
import { emailCode } from "../jobs/definitions.ts"
import { currentMember } from "../member.ts"
import type { ChannelSecrets } from "../notifications/channel-secrets.ts"
import type { EmailSender } from "../notifications/email.ts"
import { DeliveryError } from "../notifications/failure.ts"
import type { TelegramSender } from "../notifications/telegram.ts"
import type { WebhookSender } from "../notifications/webhook.ts"
import { rules } from "../rules.ts"
import type { ChannelType, NotificationChannel, User } from "../schema.ts"
import type { ChannelConfig } from "../shapes.ts"
import { tenant } from "../tenancy.ts"
import type { Context } from "./context.ts"
import type { PeopleChecks } from "./people-checks.ts"

/** What of a channel is changed; what is left out stays. */
export type ChannelChanges = {
  config?: { email?: string | undefined; url?: string | undefined; secret?: string | undefined } | undefined
  isEnabled?: boolean | undefined
  priority?: number | undefined
}

/** What became of a person's wish to link a Telegram account. */
export type TelegramLinked =
  | { readonly kind: "linked"; readonly user: User }
  | { readonly kind: "unknown" }
  /** The account is another person's, who is told so too. */
  | { readonly kind: "taken"; readonly owner: User }

export type ChannelParts = {
  readonly people: PeopleChecks
  readonly secrets: ChannelSecrets
  readonly telegram: Pick<TelegramSender, "isOn" | "botName">
  readonly email: Pick<EmailSender, "isOn" | "sendCode">
  readonly webhook: Pick<WebhookSender, "verify">
}

const minute = 60_000
/** How long a link to the bot and a code by mail are good, in milliseconds. */
const linkLife = 10 * minute
const codeLife = 15 * minute
/** A code dies before its tries are given back: nobody guesses it more often than five times. */
const codeTries: RateLimit = { limit: 5, windowMs: codeLife }
const codesSent: RateLimit = { limit: 5, windowMs: 60 * minute }
const linksMade: RateLimit = { limit: 20, windowMs: 60 * minute }
const challenges: RateLimit = { limit: 20, windowMs: 60 * minute }
const linkPurpose = "telegram_link"
const codePurpose = "email_code"

/** Ways to reach the signed-in person. Only what the person has proven to own receives notices. */
export class ChannelService {
  readonly #stores: Context["stores"]
  readonly #caches: Context["caches"]
  readonly #jobs: Jobs
  readonly #clock: Clock
  readonly #log: Logger
  readonly #signKey: Uint8Array
  readonly #limiter: RateLimiter
  readonly #parts: ChannelParts

  constructor(
    context: Pick<Context, "stores" | "caches" | "jobs" | "clock" | "log" | "secrets" | "database">,
    parts: ChannelParts,
  ) {
    const { stores, caches, jobs, clock, log, secrets, database } = context
    this.#stores = stores
    this.#caches = caches
    this.#jobs = jobs
    this.#clock = clock
    this.#log = log.named("assistants.channels")
    this.#signKey = secrets.sign
    this.#limiter = new RateLimiter(database, { clock })
    this.#parts = parts
  }

  /** The highest priority first. */
  async list(): Promise<NotificationChannel[]> {
    return [...(await this.#caches.channels(currentMember().id))]
  }

  /**
   * Sets a channel up, or changes it. Another address is not verified; by mail, a code is sent to it.
   *
   * @throws RuleError `CHANNEL_UNCHANGEABLE` for what keeps notices out of the app, `VALIDATION_FAILED` for a config that does
   *   not fit the type, `CHANNEL_OFF`, `RATE_LIMITED`
   */
  async put(type: ChannelType, changes: ChannelChanges): Promise<NotificationChannel> {
    const { id: userId } = currentMember()
    const { isOn } = this.#parts.email
    if (type === "email" && !isOn) throw off("Mail")
    if (type === "in_app" && changes.isEnabled === false) {
      throw rules.broken("CHANNEL_UNCHANGEABLE", "Notices in the app cannot be switched off.")
    }
    checkConfig(type, changes.config)
    const sending = type === "email" ? await this.#limited(`email-code:${userId}`, codesSent) : undefined
    const { channel, isCodeSent } = await transaction(() => this.#put(type, changes), { name: "channels.put" })
    if (!isCodeSent) await sending?.undo()
    this.#log.info(`Set up ${type} for ${userId}`, { user_id: userId, channel: type })
    return channel
  }

  async #put(channelType: ChannelType, { config: given, isEnabled, priority }: ChannelChanges) {
    const { channels, users, audit } = this.#stores
    const me = await this.#parts.people.me()
    // One after another, for a channel that is not there yet cannot be locked.
    await users.lock(me.id)
    const found = await channels.getByUserAndType(me.id, channelType)
    const id = found?.id ?? uuidv7()
    const config = this.#configOf(channelType, id, given, found, me)
    const isSame = found !== undefined && config === found.config
    const isVerified = isSame && found.isVerified
    const plain = { ...(isEnabled === undefined ? {} : { isEnabled }), ...(priority === undefined ? {} : { priority }) }
    const channel =
      found === undefined
        ? await channels.create({ id, userId: me.id, channelType, config, ...plain })
        : await channels.update(id, { ...plain, ...(isSame ? {} : { config, isVerified }) })
    await audit.record({
      action: "channels.put",
      entity: "notification_channels",
      entityId: id,
      ...(found === undefined ? {} : { before: found }),
      after: channel,
    })
    const isCodeSent = channelType === "email" && !channel.isVerified
    if (isCodeSent) await this.#jobs.send(emailCode, { channelId: id })
    return { channel, isCodeSent }
  }

  /** The config to store; the stored one itself where nothing changes. */
  #configOf(
    type: ChannelType,
    id: string,
    given: ChannelChanges["config"],
    found: NotificationChannel | undefined,
    me: User,
  ): ChannelConfig {
    const before = found?.config
    if (type === "email") {
      const email = given?.email ?? before?.email ?? me.email
      return before !== undefined && before.email === email ? before : { email }
    }
    if (type !== "webhook") return before ?? {}
    const { url = before?.url, secret } = given ?? {}
    if (url === undefined) throw invalidRequest([{ path: "body/config/url", message: "is needed" }])
    if (found === undefined || before?.secret === undefined || secret !== undefined) {
      if (secret === undefined) throw invalidRequest([{ path: "body/config/secret", message: "is needed" }])
      const isSame = before?.url === url && before.secret !== undefined && this.#parts.secrets.open(found!) === secret
      return isSame ? before : { url, secret: this.#parts.secrets.seal(secret, id) }
    }
    return before.url === url ? before : { ...before, url }
  }

  /** Takes a channel away. @throws RuleError `NOT_FOUND`, `CHANNEL_UNCHANGEABLE` */
  async remove(channelType: ChannelType): Promise<void> {
    if (channelType === "in_app") throw rules.broken("CHANNEL_UNCHANGEABLE", "Notices in the app cannot be removed.")
    const { channels, users, audit } = this.#stores
    const { id: userId } = currentMember()
    await transaction(
      async () => {
        await users.lock(userId)
        const before = await this.#own(channelType)
        await channels.deleteByUserAndType(userId, channelType)
        if (channelType === "telegram") await users.update(userId, { telegramId: null })
        const entry = { action: "channels.delete", entity: "notification_channels", entityId: before.id, before }
        await audit.record(entry)
      },
      { name: "channels.remove" },
    )
    this.#log.info(`Removed ${channelType} of ${userId}`, { user_id: userId, channel: channelType })
  }

  /**
   * Makes a link to the bot that is good once, for 10 minutes; earlier ones end.
   *
   * @throws RuleError `CHANNEL_OFF` without a bot, or where Telegram cannot be asked; `RATE_LIMITED`
   */
  async telegramLink(): Promise<{ url: string; expiresAt: Date }> {
    const { telegram, people } = this.#parts
    const { id: userId } = currentMember()
    if (!telegram.isOn) throw off("Telegram")
    await this.#limited(`telegram-link:${userId}`, linksMade)
    const name = await telegram.botName().catch((error: unknown) => {
      throw error instanceof DeliveryError ? rules.broken("CHANNEL_OFF", error.message, { cause: error }) : error
    })
    // 128 bits. https://core.telegram.org/bots/features#deep-linking
    const token = randomBytes(16).toString("base64url")
    const expiresAt = new Date(this.#clock.now().getTime() + linkLife)
    await transaction(
      async () => {
        await people.me()
        await this.#replaceToken({ tokenHash: hashOf(token), subjectId: userId, purpose: linkPurpose, expiresAt })
        await this.#stores.audit.record({ action: "channels.link", entity: "users", entityId: userId })
      },
      { name: "channels.link" },
    )
    return { url: `https://t.me/${name}?start=${token}`, expiresAt }
  }

  /**
   * Links the Telegram account of somebody who came with a link to the person who made the link. For the bot, which acts
   * for nobody before.
   *
   * @param chatId the private chat with the account
   */
  async linkTelegram(token: string, telegramId: number, chatId: string): Promise<TelegramLinked> {
    try {
      return await this.#link(token, telegramId, chatId)
    } catch (error) {
      if (!(error instanceof UniqueError)) throw error
      // Another person linked the account at the same moment, and is found now.
      return this.#link(token, telegramId, chatId)
    }
  }

  async #link(token: string, telegramId: number, chatId: string): Promise<TelegramLinked> {
    const { linkTokens, users, channels, audit } = this.#stores
    const now = this.#clock.now()
    return tenant.unbounded(() =>
      transaction(
        async () => {
          const tokenHash = hashOf(token)
          const where = { tokenHash, purpose: linkPurpose, usedAt: null, expiresAt: { gt: now } }
          if ((await linkTokens.updateWhere(where, { usedAt: now })) === 0) return { kind: "unknown" }
          const { subjectId } = await linkTokens.getOrFail(tokenHash)
          const user = await users.lock(subjectId)
          if (user === undefined || !user.isActive) return { kind: "unknown" }
          const owner = await users.find({ telegramId })
          if (owner !== undefined && owner.id !== user.id) return { kind: "taken", owner }
          return tenant.run(user.orgId, async () => {
            if (owner === undefined) await users.update(user.id, { telegramId })
            const before = await channels.getByUserAndType(user.id, "telegram")
            const changes = { config: { chat_id: chatId }, isVerified: true, isEnabled: true }
            const after =
              before === undefined
                ? await channels.create({ userId: user.id, channelType: "telegram", ...changes })
                : await channels.update(before.id, changes)
            await audit.record({
              action: "channels.verify",
              entity: "notification_channels",
              entityId: after.id,
              ...(before === undefined ? {} : { before }),
              after,
            })
            this.#log.info(`Linked Telegram to ${user.id}`, { user_id: user.id })
            return { kind: "linked", user }
          })
        },
        { name: "channels.linkTelegram" },
      ),
    )
  }

  /** Switches the Telegram channel of a linked account off; whether there was one. For the bot. */
  async stopTelegram(telegramId: number): Promise<boolean> {
    const { users, channels, audit } = this.#stores
    const user = await tenant.unbounded(() => users.find({ telegramId }))
    if (user === undefined) return false
    return tenant.run(user.orgId, () =>
      transaction(async () => {
        await users.lock(user.id)
        const before = await channels.getByUserAndType(user.id, "telegram")
        if (before === undefined || !before.isEnabled) return false
        const after = await channels.update(before.id, { isEnabled: false })
        const entity = { entity: "notification_channels", entityId: before.id }
        await audit.record({ action: "channels.stop", ...entity, before, after })
        return true
      }),
    )
  }

  /**
   * Mails a new code to a channel's address, outside of transactions, unless it is verified meanwhile; earlier codes end:
   * the job `notify.email_code`.
   *
   * @throws DeliveryError; PermanentError where the address takes no mail
   */
  async sendCode(channelId: string): Promise<void> {
    const channel = await tenant.unbounded(() => this.#stores.channels.get(channelId))
    const email = channel?.config.email
    if (channel === undefined || channel.isVerified || email === undefined) return
    const code = randomInt(1_000_000).toString().padStart(6, "0")
    const expiresAt = new Date(this.#clock.now().getTime() + codeLife)
    const tokenHash = this.#codeHash(channel, code)
    await transaction(() => this.#replaceToken({ tokenHash, subjectId: channelId, purpose: codePurpose, expiresAt }))
    await this.#parts.email.sendCode(email, code, uuidv7()).catch((error: unknown) => {
      if (!(error instanceof DeliveryError) || error.kind !== "permanent") throw error
      throw new PermanentError(error.message, { cause: error })
    })
    this.#log.info(`Mailed a code to ${channel.userId}`, { user_id: channel.userId })
  }

  /** Verifies the mail address by the code that it received. @throws RuleError `NOT_FOUND`, `WRONG_CODE`, `RATE_LIMITED` */
  async verifyEmail(code: string): Promise<NotificationChannel> {
    const known = await this.#own("email")
    if (known.isVerified) return known
    await this.#limited(`email-verify:${known.id}`, codeTries)
    const { linkTokens } = this.#stores
    return transaction(
      async () => {
        const channel = (await this.#stores.channels.lock(known.id)) ?? fail(absent("channel", "email"))
        const now = this.#clock.now()
        const live = { subjectId: channel.id, purpose: codePurpose, usedAt: null, expiresAt: { gt: now } }
        const sent = await linkTokens.find(live)
        const expected = this.#codeHash(channel, code)
        if (sent === undefined || !timingSafeEqual(Buffer.from(sent.tokenHash), Buffer.from(expected))) {
          throw rules.broken("WRONG_CODE", "The code is wrong, was used, or is too old.")
        }
        await linkTokens.update(sent.tokenHash, { usedAt: now })
        return this.#verify(channel)
      },
      { name: "channels.verifyEmail" },
    )
  }

  /**
   * Verifies a webhook: it answers a challenge with it. Asked outside of transactions.
   *
   * @throws RuleError `NOT_FOUND`, `CHALLENGE_FAILED`, `RATE_LIMITED`
   */
  async verifyWebhook(): Promise<NotificationChannel> {
    const known = await this.#own("webhook")
    if (known.isVerified) return known
    await this.#limited(`webhook-verify:${known.userId}`, challenges)
    const { config } = known
    const target = { url: config.url ?? fail(absent("channel", "webhook")), secret: this.#parts.secrets.open(known) }
    const isEchoed = await this.#parts.webhook.verify(target).catch((error: unknown) => {
      if (!(error instanceof DeliveryError)) throw error
      throw rules.broken("CHALLENGE_FAILED", error.message, { cause: error })
    })
    if (!isEchoed) throw rules.broken("CHALLENGE_FAILED", "The answer was not the challenge.")
    return transaction(
      async () => {
        const channel = (await this.#stores.channels.lock(known.id)) ?? fail(absent("channel", "webhook"))
        const isSame = channel.config.url === config.url && channel.config.secret === config.secret
        if (!isSame) throw rules.broken("CHALLENGE_FAILED", "The channel has changed meanwhile.")
        return this.#verify(channel)
      },
      { name: "channels.verifyWebhook" },
    )
  }

  async #verify(before: NotificationChannel): Promise<NotificationChannel> {
    const after = await this.#stores.channels.update(before.id, { isVerified: true })
    const entry = { action: "channels.verify", entity: "notification_channels", entityId: before.id, before, after }
    await this.#stores.audit.record(entry)
    this.#log.info(`Verified ${before.channelType} of ${before.userId}`, { user_id: before.userId })
    return after
  }

  async #own(type: ChannelType): Promise<NotificationChannel> {
    const found = await this.#stores.channels.getByUserAndType(currentMember().id, type)
    return found ?? fail(absent("channel", type))
  }

  async #limited(key: string, limit: RateLimit) {
    const hit = await this.#limiter.hit(key, limit)
    if (hit.allowed) return hit
    throw rateLimited("It was tried too often.", hit.retryAfterS)
  }

  async #replaceToken(row: { tokenHash: string; subjectId: string; purpose: string; expiresAt: Date }): Promise<void> {
    const { subjectId, purpose, expiresAt } = row
    // Those that are over need no look at each subject: they are removed day by day.
    const live = { subjectId, purpose, usedAt: null, expiresAt: { gt: this.#clock.now() } }
    await this.#stores.linkTokens.updateWhere(live, { usedAt: this.#clock.now() })
    await this.#stores.linkTokens.create({ ...row, expiresAt })
  }

  /** Bound to the address, and made with a key: a million codes are soon tried. */
  #codeHash({ id, config }: NotificationChannel, code: string): string {
    return createHmac("sha256", this.#signKey).update(`${codePurpose}:${id}:${config.email}:${code}`).digest("hex")
  }
}

/** Which fields the config of a type has. */
const configKeys: Readonly<Record<ChannelType, readonly string[]>> = {
  telegram: [],
  email: ["email"],
  webhook: ["url", "secret"],
  in_app: [],
}

function checkConfig(type: ChannelType, config: ChannelChanges["config"] = {}): void {
  const problems = Object.entries(config)
    .filter(([key, value]) => value !== undefined && !configKeys[type].includes(key))
    .map(([key]) => ({ path: `body/config/${key}`, message: `is none of ${type}` }))
  if (config.url !== undefined && !isWebAddress(config.url)) {
    problems.push({
      path: "body/config/url",
      message: "must be an address of http or https without a user and password",
    })
  }
  if (problems.length > 0) throw invalidRequest(problems)
}

function isWebAddress(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, username, password } = new URL(text)
  return (protocol === "https:" || protocol === "http:") && username === "" && password === ""
}

function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("hex")
}

function off(what: string) {
  return rules.broken("CHANNEL_OFF", `${what} is not set up on this server.`)
}
