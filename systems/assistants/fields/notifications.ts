import {
  cursorPage,
  cursorQuery,
  emailAddress,
  fieldsOf,
  flag,
  moment,
  objectOf,
  oneOf,
  optional,
  refined,
  uuidText,
  wholeNumber,
  words,
} from "rootstock/fields"
import { channelTypes, inAppNotifications, notificationChannels, notificationLog } from "../schema.ts"

export const channelType = oneOf(...channelTypes)

const row = fieldsOf(notificationChannels)
/** A channel without what is secret in it. */
export const channel = objectOf("NotificationChannel", {
  id: row.id,
  channelType: row.channelType,
  config: objectOf("ChannelAddress", {
    chat_id: optional(words(32)),
    email: optional(words(255)),
    url: optional(words(2_000)),
  }),
  isEnabled: row.isEnabled,
  isVerified: row.isVerified,
  priority: row.priority,
  createdAt: row.createdAt,
  updatedAt: row.updatedAt,
})
export const channelPage = cursorPage("NotificationChannels", channel)
export const channelChanges = objectOf("ChannelChanges", {
  config: optional(
    objectOf("ChannelConfig", {
      email: optional(refined(emailAddress, { description: "Of type email; without it, that of the account." })),
      url: optional(refined(words(2_000), { description: "Of type webhook.", pattern: "^https?://[^\\s]+$" })),
      secret: optional(
        refined(words(256), {
          minLength: 16,
          format: "password",
          description: "Of type webhook: the key of the signature. It is never shown; left out, it stays.",
        }),
      ),
    }),
  ),
  isEnabled: optional(flag),
  priority: optional(refined(wholeNumber(-1_000, 1_000), { description: "The highest is tried first." })),
})
export const telegramLink = objectOf("TelegramLink", { url: words(200), expiresAt: moment })
export const emailVerification = objectOf("EmailVerification", { code: refined(words(6), { pattern: "^[0-9]{6}$" }) })

export const notification = objectOf("Notification", fieldsOf(inAppNotifications))
export const notificationPage = cursorPage("Notifications", notification)
export const allRead = objectOf("AllRead", { changed: wholeNumber(0) })
export const logPage = cursorPage("NotificationLog", objectOf("NotificationLogEntry", fieldsOf(notificationLog)))
export const notificationQuery = { ...cursorQuery, unread: optional(flag) }
export const logQuery = { ...cursorQuery, eventId: optional(uuidText) }
