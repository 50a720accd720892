import type { Database, Storages } from "rootstock"
import { AuditStorage } from "rootstock/shared"
import type { tables } from "../schema.ts"
import { CalendarStorage } from "./calendar.ts"
import { ChatEventStorage } from "./chat-events.ts"
import { ChatStorage } from "./chats.ts"
import { CorrectionRuleStorage } from "./correction-rules.ts"
import { InAppStorage } from "./in-app-notifications.ts"
import { LinkTokenStorage } from "./link-tokens.ts"
import { MessageStorage } from "./messages.ts"
import { NotificationChannelStorage } from "./notification-channels.ts"
import { NotificationLogStorage } from "./notification-log.ts"
import { OrgStorage } from "./organizations.ts"
import { RefreshTokenStorage } from "./refresh-tokens.ts"
import { RoleStorage } from "./roles.ts"
import { RunStorage, ToolCallStorage } from "./runs.ts"
import { UserStorage } from "./users.ts"

const storageClasses = {
  organizations: OrgStorage,
  users: UserStorage,
  roles: RoleStorage,
  chats: ChatStorage,
  messages: MessageStorage,
  calendar: CalendarStorage,
  channels: NotificationChannelStorage,
  notificationLog: NotificationLogStorage,
  inApp: InAppStorage,
  runs: RunStorage,
  toolCalls: ToolCallStorage,
  correctionRules: CorrectionRuleStorage,
  chatEvents: ChatEventStorage,
  refreshTokens: RefreshTokenStorage,
  linkTokens: LinkTokenStorage,
  audit: AuditStorage,
}

/** The assistants' database. */
export type AssistantsDatabase = Database<typeof tables>

/** The storages of the assistants. */
export type Stores = Storages<typeof storageClasses, typeof tables>

export function openStores(database: AssistantsDatabase): Stores {
  return database.storages(storageClasses)
}

export { directKeyOf } from "./chats.ts"
