import { transaction } from "rootstock"
import { type CommitContext, FencedOutError, type Jobs } from "rootstock/jobs"
import type { Logger } from "rootstock/log"
import { notifyDeliver, telegramDeliver } from "../jobs/definitions.ts"
import type { ChannelType, NotificationChannel, NotificationLogEntry } from "../schema.ts"
import type { Context } from "../services/context.ts"
import { tenant } from "../tenancy.ts"
import type { ChannelSecrets } from "./channel-secrets.ts"
import type { EmailSender } from "./email.ts"
import type { Envelope } from "./envelope.ts"
import { DeliveryError } from "./failure.ts"
import type { NoticeDelivery } from "./notice.ts"
import type { TelegramSender } from "./telegram.ts"
import type { WebhookSender } from "./webhook.ts"

/** Most attempts on one channel. */
export const mostAttempts = 5

/** The pause behind an attempt that failed, in milliseconds: 15 s, 1 min, 4 min, 16 min. */
export const pauseBehind = (attempt: number): number => 15_000 * 4 ** (attempt - 1)

type Executing = Pick<CommitContext, "signal" | "commit">

/** What carries notices out of this system. */
export type Senders = {
  readonly telegram: Pick<TelegramSender, "send" | "turn">
  readonly email: Pick<EmailSender, "send">
  readonly webhook: Pick<WebhookSender, "send">
}

type Candidate = { readonly channel: NotificationChannel; readonly row: NotificationLogEntry | undefined }

/**
 * Delivers notices over a person's channels: the highest priority first, the first that delivers ends it, and the app is
 * always last. What was tried stands in the log, a row for each channel; each job makes one attempt at most, and what comes
 * behind it is another job, sent in the transaction that ends the first.
 *
 * **After a crash nothing is sent twice where the receiver cannot tell.** An attempt is committed as begun before anything is
 * sent. Whoever finds one that has begun and not ended cannot know whether it went: on Telegram and by mail it counts as
 * failed and the next channel takes over, so a notice may come over two channels but never twice over one of these. A
 * webhook is sent it again, with the same key. So it is, too, where the connection breaks during a send.
 */
export class Delivery {
  readonly #stores: Context["stores"]
  readonly #caches: Context["caches"]
  readonly #jobs: Jobs
  readonly #log: Logger
  readonly #senders: Senders
  readonly #secrets: ChannelSecrets

  constructor(
    { stores, caches, jobs, log }: Pick<Context, "stores" | "caches" | "jobs" | "log">,
    { senders, secrets }: { senders: Senders; secrets: ChannelSecrets },
  ) {
    this.#stores = stores
    this.#caches = caches
    this.#jobs = jobs
    this.#log = log.named("assistants.notifications")
    this.#senders = senders
    this.#secrets = secrets
  }

  /** Makes the next attempt, outside of transactions: the job `notify.deliver`. */
  deliver(delivery: NoticeDelivery, executing: Executing): Promise<void> {
    return this.#asTenant(delivery, async () => {
      const candidate = await this.#next(delivery, executing)
      if (candidate === "over") return
      if (candidate === undefined) return this.#finish(delivery, executing)
      if (candidate.channel.channelType !== "telegram") return this.#attempt(candidate, delivery, executing)
      await executing.commit(() => this.#jobs.send(telegramDeliver, delivery))
    })
  }

  /** The same where Telegram's turn has come, as soon as its limits let a message through: the job `telegram.deliver`. */
  deliverByTelegram(delivery: NoticeDelivery, executing: Executing): Promise<void> {
    return this.#asTenant(delivery, async () => {
      const candidate = await this.#next(delivery, executing)
      if (candidate === "over") return
      if (candidate?.channel.channelType !== "telegram") return this.#goOn(delivery, executing)
      const chatId = candidate.channel.config.chat_id
      if (chatId === undefined) return this.#goOn(closing(delivery, ["telegram"]), executing)
      const delayMs = await this.#senders.telegram.turn(chatId)
      if (delayMs === 0) return this.#attempt(candidate, delivery, executing)
      await executing.commit(() => this.#jobs.send(telegramDeliver, delivery, { delayMs }))
    })
  }

  async #asTenant({ userId }: NoticeDelivery, work: () => Promise<void>): Promise<void> {
    const { users, organizations } = this.#stores
    const user = await tenant.unbounded(() => users.get(userId))
    if (user === undefined) return
    await tenant.run(user.orgId, async () => {
      const organization = await organizations.get(user.orgId)
      if (user.isActive && organization?.isActive === true) return work()
      this.#log.info(`Left a notice for ${userId}, who is not active`, { user_id: userId })
    })
  }

  /**
   * The channel whose turn it is; undefined for the app, `over` where there is nothing to do in this job. Channels that
   * nobody has verified are noted as skipped.
   */
  async #next(delivery: NoticeDelivery, executing: Executing): Promise<Candidate | "over" | undefined> {
    const { userId, dedupeKey, closed = [] } = delivery
    const logged = await this.#stores.notificationLog.list({ where: { userId, dedupeKey } })
    if (logged.some(({ status }) => status === "sent")) return "over"
    const interrupted = logged.filter(({ status }) => status === "pending")
    if (interrupted.length > 0) {
      await this.#settle(interrupted, delivery, executing)
      return "over"
    }
    const rows = new Map(logged.map((row) => [row.channelType, row]))
    for (const channel of await this.#caches.channels(userId)) {
      const { channelType, isEnabled, isVerified } = channel
      const row = rows.get(channelType)
      if (channelType === "in_app" || !isEnabled || closed.includes(channelType)) continue
      if (row?.status === "skipped" || (row?.attempts ?? 0) >= mostAttempts) continue
      if (isVerified) return { channel, row }
      if (row === undefined) await this.#skip(channelType, delivery)
    }
    return undefined
  }

  /** Ends attempts that a crash interrupted, and goes on where none is sent twice. */
  async #settle(rows: readonly NotificationLogEntry[], delivery: NoticeDelivery, { commit }: Executing) {
    const closed = rows.map(({ channelType }) => channelType).filter((type) => !isIdempotent(type))
    await commit(async () => {
      for (const row of rows) await this.#fail(row, "Interrupted: it is not known whether it was delivered.")
      await this.#jobs.send(notifyDeliver, closing(delivery, closed))
    })
    this.#log.warning(`An attempt to notify ${delivery.userId} was interrupted`, { user_id: delivery.userId })
  }

  async #skip(channelType: ChannelType, delivery: NoticeDelivery): Promise<void> {
    await this.#stores.notificationLog.create({
      ...loggedOf(delivery, channelType),
      status: "skipped",
      errorMessage: "The channel is not verified.",
    })
  }

  async #attempt(candidate: Candidate, delivery: NoticeDelivery, executing: Executing): Promise<void> {
    const begun = await this.#begin(candidate, delivery)
    // It has changed since it was looked up, or the cache is behind: this notice goes another way.
    if (begun === undefined) return this.#goOn(closing(delivery, [candidate.channel.channelType]), executing)
    const { channel, row } = begun
    const failure = await this.#send(channel, { ...delivery, id: row.id }, executing.signal)
    const fields = { user_id: delivery.userId, channel: channel.channelType, log_id: row.id, attempt: row.attempts }
    if (failure === undefined) {
      await executing.commit(() => this.#stores.notificationLog.updateStatus(row.id, "sent", row.attempts))
      this.#log.info(`Notified ${delivery.userId} by ${channel.channelType}`, fields)
      return
    }
    const isAgain = mayRepeat(failure, channel.channelType) && row.attempts < mostAttempts
    await executing.commit(async () => {
      await this.#fail(row, failure.message)
      if (failure.isDead) await this.#unverify(channel)
      if (!isAgain) return this.#jobs.send(notifyDeliver, closing(delivery, [channel.channelType]))
      const delayMs = Math.max(pauseBehind(row.attempts), failure.retryAfterMs ?? 0)
      return this.#jobs.send(notifyDeliver, delivery, { delayMs })
    })
    this.#log.warning(`${delivery.userId} could not be notified by ${channel.channelType}`, {
      ...fields,
      error: failure,
    })
  }

  /**
   * Commits that an attempt begins, with the channel as it is then; undefined where it must receive nothing.
   *
   * @throws FencedOutError where another one has begun it
   */
  async #begin({ channel: { id }, row }: Candidate, delivery: NoticeDelivery) {
    const { channels, notificationLog } = this.#stores
    return transaction(
      async () => {
        const channel = await channels.lock(id)
        if (channel === undefined || !channel.isEnabled || !channel.isVerified) return undefined
        if (row === undefined) {
          const made = await notificationLog.create({ ...loggedOf(delivery, channel.channelType), attempts: 1 })
          return { channel, row: made }
        }
        const { status, attempts } = row
        const next = { status: "pending", attempts: attempts + 1 } as const
        const changed = await notificationLog.updateWhere({ id: row.id, status, attempts }, next)
        if (changed === 0) {
          throw new FencedOutError("The attempt is another worker's.", { cure: "Nothing is to be done." })
        }
        return { channel, row: { ...row, ...next } }
      },
      { name: "notifications.begin" },
    )
  }

  async #send(
    channel: NotificationChannel,
    envelope: Envelope,
    signal: AbortSignal,
  ): Promise<DeliveryError | undefined> {
    const { config, channelType } = channel
    const { telegram, email, webhook } = this.#senders
    try {
      if (channelType === "telegram") await telegram.send(given(config.chat_id), envelope, signal)
      if (channelType === "email") await email.send(given(config.email), envelope)
      if (channelType === "webhook") {
        await webhook.send({ url: given(config.url), secret: this.#secrets.open(channel) }, envelope, signal)
      }
      return undefined
    } catch (error) {
      if (error instanceof DeliveryError) return error
      // A fault of ours, such as a key that is missing: what it says is for the log of the program alone.
      return new DeliveryError("unknown", "The notice could not be sent.", { cause: error })
    }
  }

  /** The app, which always works. */
  async #finish(delivery: NoticeDelivery, { commit }: Executing): Promise<void> {
    const { userId, type, title, content, reference, inApp } = delivery
    await commit(async () => {
      await this.#stores.notificationLog.create({ ...loggedOf(delivery, "in_app"), status: "sent", attempts: 1 })
      if (inApp === "made") return
      await this.#stores.inApp.create({
        userId,
        type,
        title,
        content,
        referenceType: reference?.type ?? null,
        referenceId: reference?.id ?? null,
      })
    })
    this.#log.info(`Notified ${userId} in the app`, { user_id: userId })
  }

  async #goOn(delivery: NoticeDelivery, { commit }: Executing): Promise<void> {
    await commit(() => this.#jobs.send(notifyDeliver, delivery))
  }

  async #fail(row: NotificationLogEntry, reason: string): Promise<void> {
    await this.#stores.notificationLog.updateStatus(row.id, "failed", row.attempts, reason)
  }

  /** An address that leads nowhere any more, unless it was changed meanwhile. */
  async #unverify({ id, config }: NotificationChannel): Promise<void> {
    const channel = await this.#stores.channels.lock(id)
    if (channel === undefined || JSON.stringify(channel.config) !== JSON.stringify(config)) return
    await this.#stores.channels.update(id, { isVerified: false })
  }
}

/** Whether a receiver can tell a repetition. */
const isIdempotent = (type: ChannelType): boolean => type === "webhook"

function mayRepeat({ kind }: DeliveryError, type: ChannelType): boolean {
  return kind === "temporary" || (kind === "unknown" && isIdempotent(type))
}

function closing(delivery: NoticeDelivery, types: readonly ChannelType[]): NoticeDelivery {
  return { ...delivery, closed: [...new Set([...(delivery.closed ?? []), ...types])] }
}

function loggedOf(delivery: NoticeDelivery, channelType: ChannelType) {
  const { userId, dedupeKey, eventId = null, roleId = null, title, content } = delivery
  return { userId, channelType, dedupeKey, eventId, roleId, content: content === null ? title : `${title}\n${content}` }
}

function given(address: string | undefined): string {
  if (address !== undefined) return address
  throw new DeliveryError("permanent", "The channel has no address.")
}
