import { listOf, objectOf, oneOf, optional, orNull, refined, uuidText, type ValueOf, words } from "rootstock/fields"
import { channelTypes, noticeTypes } from "../schema.ts"

/** Most characters of a notice's title, and of its text; what is longer is cut. */
export const longestTitle = 255
export const longestText = 16_000

const fields = {
  userId: uuidText,
  dedupeKey: words(160),
  type: oneOf(...noticeTypes),
  title: words(longestTitle),
  content: orNull(refined(words(longestText), { minLength: 0 })),
  reference: optional(objectOf("NoticeReference", { type: words(30), id: uuidText })),
  eventId: optional(uuidText),
  roleId: optional(uuidText),
  inApp: optional(
    refined(oneOf("made"), { description: "The notice in the app is there already, whichever channel delivers." }),
  ),
}
const noticeField = objectOf("Notice", fields)

/**
 * What somebody is told. `dedupeKey` says of what, in 1 to 160 characters: a person is told once of the same. `title` has 1
 * to 255 characters; `reference` is what the notice leads to, such as a message.
 */
export type Notice = ValueOf<typeof noticeField>

/** A notice on its way, as its jobs carry it. */
export const deliveryField = objectOf("NoticeDelivery", {
  ...fields,
  closed: optional(refined(listOf(oneOf(...channelTypes)), { description: "Channels that are not tried any more." })),
})

/** A notice on its way over one channel after another. */
export type NoticeDelivery = ValueOf<typeof deliveryField>
