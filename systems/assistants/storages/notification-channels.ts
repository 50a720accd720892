import { type ChannelType, type NotificationChannel, notificationChannels } from "../schema.ts"
import { tenant } from "../tenancy.ts"
import { Entities } from "./entities.ts"

/** Ways to reach people; one of a type for each. */
export class NotificationChannelStorage extends Entities(notificationChannels, tenant.column("orgId")) {
  getByUserAndType(userId: string, channelType: ChannelType): Promise<NotificationChannel | undefined> {
    return this.find({ userId, channelType })
  }

  /** The highest priority first. */
  listByUser(userId: string, enabledOnly = false): Promise<NotificationChannel[]> {
    return this.list({
      where: { userId, ...(enabledOnly ? { isEnabled: true } : {}) },
      orderBy: [{ priority: "desc" }, { createdAt: "asc" }],
    })
  }

  async deleteByUserAndType(userId: string, channelType: ChannelType): Promise<boolean> {
    return (await this.deleteWhere({ userId, channelType })) > 0
  }
}
