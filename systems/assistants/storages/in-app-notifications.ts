import { type InAppNotification, inAppNotifications } from "../schema.ts"
import { tenant } from "../tenancy.ts"
import { Entities } from "./entities.ts"

/** Notices that people find in the app. */
export class InAppStorage extends Entities(inAppNotifications, tenant.column("orgId")) {
  /** Unread ones, the newest first. */
  unread(userId: string, limit = 50): Promise<InAppNotification[]> {
    return this.list({
      where: { userId, isRead: false },
      orderBy: [{ createdAt: "desc" }, { id: "desc" }],
      limit,
    })
  }
}
