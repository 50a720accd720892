import {
  cursorPage,
  type Field,
  fieldsOf,
  flag,
  moment,
  objectOf,
  oneOf,
  optional,
  orNull,
  refined,
  uuidText,
  words,
} from "rootstock/fields"
import { calendarEvents, eventTypes } from "../schema.ts"
import type { EventMetadata } from "../shapes.ts"

export const calendarEvent = objectOf("CalendarEvent", fieldsOf(calendarEvents))
export const calendarPage = cursorPage("CalendarEvents", calendarEvent)

const metadata: Field<EventMetadata, false> = {
  schema: {
    type: "object",
    properties: {
      notify_user_ids: {
        type: "array",
        items: { type: "string", format: "uuid" },
        maxItems: 1_000,
        uniqueItems: true,
        description: "Who is told when it fires; without them who made it, or else who has the role.",
      },
    },
  },
  optional: false,
}
const fields = {
  description: optional(orNull(words(10_000))),
  eventType: optional(oneOf(...eventTypes)),
  scheduledAt: optional(orNull(refined(moment, { description: "Of an event of type one_time; in the future." }))),
  cronExpression: optional(
    orNull(
      refined(words(100), {
        description: "Of an event of type recurring; in the zone of the organization, at most every 5 minutes.",
      }),
    ),
  ),
  sourceChatId: optional(orNull(uuidText)),
  sourceMessageId: optional(orNull(uuidText)),
  metadata: optional(metadata),
}
export const newEvent = objectOf("NewCalendarEvent", { roleId: uuidText, title: words(500), ...fields })
export const eventChanges = objectOf("CalendarEventChanges", {
  roleId: optional(uuidText),
  title: optional(words(500)),
  ...fields,
  isActive: optional(flag),
})
