import { type NotificationLogEntry, notificationLog, users } from "../schema.ts"
import { tenant } from "../tenancy.ts"
import { Entities } from "./entities.ts"

const newestFirst = [{ createdAt: "desc" }, { id: "desc" }] as const

/** What was sent to whom, and what came of it. */
export class NotificationLogStorage extends Entities(notificationLog, tenant.through("userId", users, "orgId")) {
  /** Notes what came of an attempt; undefined where there is no such row. */
  async updateStatus(
    id: string,
    status: NotificationLogEntry["status"],
    attempts: number,
    errorMessage?: string,
  ): Promise<NotificationLogEntry | undefined> {
    const before = await this.get(id)
    if (before === undefined) return undefined
    const error = errorMessage === undefined ? undefined : { at: this.now().toISOString(), error: errorMessage }
    return this.update(id, {
      status,
      attempts,
      ...(error === undefined ? {} : { errorMessage: error.error, attemptErrors: [...before.attemptErrors, error] }),
    })
  }

  listByUser(userId: string, limit = 50): Promise<NotificationLogEntry[]> {
    return this.list({ where: { userId }, orderBy: newestFirst, limit })
  }

  listByEvent(eventId: string, limit = 1_000): Promise<NotificationLogEntry[]> {
    return this.list({ where: { eventId }, orderBy: newestFirst, limit })
  }
}
