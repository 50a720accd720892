import { transaction } from "rootstock"
import { absent, fail } from "rootstock/shared"
import { currentMember } from "../member.ts"
import type { InAppNotification } from "../schema.ts"
import type { Context } from "./context.ts"
import type { PeopleChecks } from "./people-checks.ts"

type Page = { cursor?: string | undefined; limit: number }
const newestFirst = [{ createdAt: "desc" }, { id: "desc" }] as const

/** Notices in the app, and what came of those that went out. */
export class NotificationService {
  readonly #stores: Context["stores"]
  readonly #people: PeopleChecks

  constructor({ stores }: Pick<Context, "stores">, people: PeopleChecks) {
    this.#stores = stores
    this.#people = people
  }

  /** Own notices, the newest first. */
  list({ unread = false, cursor, limit }: Page & { unread?: boolean | undefined }) {
    const where = { userId: currentMember().id, ...(unread ? { isRead: false } : {}) }
    return this.#stores.inApp.after(cursor, { where, orderBy: newestFirst, limit })
  }

  /** @throws RuleError `NOT_FOUND` for notices of others, too */
  read(id: string): Promise<InAppNotification> {
    const { inApp, audit } = this.#stores
    return transaction(
      async () => {
        const { id: userId } = await this.#people.me()
        const before = (await inApp.find({ id, userId })) ?? fail(absent("notification", id))
        if (before.isRead) return before
        const after = await inApp.update(id, { isRead: true })
        const entity = { entity: "in_app_notifications", entityId: id }
        await audit.record({ action: "notifications.read", ...entity, before, after })
        return after
      },
      { name: "notifications.read" },
    )
  }

  /** Marks all own notices as read. @returns how many were not */
  readAll(): Promise<number> {
    return transaction(
      async () => {
        const { id: userId } = await this.#people.me()
        const changed = await this.#stores.inApp.updateWhere({ userId, isRead: false }, { isRead: true })
        const entry = { action: "notifications.read_all", entity: "users", entityId: userId, after: { changed } }
        if (changed > 0) await this.#stores.audit.record(entry)
        return changed
      },
      { name: "notifications.readAll" },
    )
  }

  /**
   * What went out to oneself; for administrators, what went out for an event.
   *
   * @throws RuleError `FORBIDDEN`
   */
  async log({ eventId, cursor, limit }: Page & { eventId?: string | undefined }) {
    if (eventId !== undefined) await this.#people.requireAdmin()
    const where = eventId === undefined ? { userId: currentMember().id } : { eventId }
    return this.#stores.notificationLog.after(cursor, { where, orderBy: newestFirst, limit })
  }
}
