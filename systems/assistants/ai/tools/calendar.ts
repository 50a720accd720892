import type { Clock } from "rootstock/clock"
import { moment, objectOf, optional, orNull, readInstant, refined, wholeNumber, words } from "rootstock/fields"
import type { CalendarEvent } from "../../schema.ts"
import type { Stores } from "../../storages/index.ts"
import { asTool, type Tool, ToolError } from "./tool.ts"

/** An event that a role makes for a person. */
export type EventOfRole = {
  readonly roleId: string
  readonly title: string
  readonly description: string | null
  /** Either this, or `cronExpression`. */
  readonly scheduledAt: Date | null
  readonly cronExpression: string | null
  readonly sourceChatId: string | null
  readonly sourceMessageId: string | null
  readonly createdByUserId: string | null
}

/** Makes events, in the ambient transaction. @throws RuleError where an event makes no sense */
export type EventMaker = { createForRole(event: EventOfRole): Promise<CalendarEvent> }

const args = objectOf("CalendarCreate", {
  title: refined(words(500), { description: "What it is about." }),
  description: optional(orNull(words(4_000))),
  scheduledAt: optional(
    refined(words(40), {
      description: "When it fires once: 2026-01-31T09:00 in the zone of the organisation, or with an offset.",
    }),
  ),
  inMinutes: optional(refined(wholeNumber(1, 525_600), { description: "Or: in how many minutes it fires once." })),
  cronExpression: optional(
    refined(words(100), { description: "Or: a cron expression of five fields, in the zone of the organisation." }),
  ),
})

export function calendarCreate(maker: EventMaker, clock: Clock): Tool {
  return asTool({
    name: "calendar_create",
    description: "Makes a reminder in the calendar. Give exactly one of scheduled_at, in_minutes, cron_expression.",
    args,
    readsOnly: false,
    async begin(given, { run, organization, askerId }) {
      const { title, description = null, scheduledAt, inMinutes, cronExpression } = given
      const times = [scheduledAt, inMinutes, cronExpression].filter((one) => one !== undefined)
      if (times.length !== 1) throw new ToolError("Give exactly one of scheduled_at, in_minutes, cron_expression.")
      const at =
        inMinutes === undefined
          ? scheduledAt === undefined
            ? null
            : instantIn(scheduledAt, organization.timeZone)
          : new Date(clock.now().getTime() + inMinutes * 60_000)
      return async () =>
        shownEvent(
          await maker.createForRole({
            roleId: run.roleId,
            title,
            description,
            scheduledAt: at,
            cronExpression: cronExpression ?? null,
            sourceChatId: run.chatId,
            sourceMessageId: run.triggerMessageId,
            createdByUserId: askerId ?? null,
          }),
        )
    },
  })
}

/** An instant with its offset, or the time of a wall clock in a zone. */
function instantIn(text: string, zone: string): Date {
  const instant = readInstant(text)
  if (instant !== undefined) return instant
  try {
    return new Date(Temporal.PlainDateTime.from(text).toZonedDateTime(zone).epochMilliseconds)
  } catch {
    throw new ToolError("scheduled_at is no time: write it as 2026-01-31T09:00.")
  }
}

/** Most events that a model is told of. */
const mostEvents = 20

const range = objectOf("CalendarQuery", {
  from: optional(refined(moment, { description: "Events that fire at this instant or later." })),
  to: optional(refined(moment, { description: "Events that fire before this instant." })),
})

export function calendarQuery({ calendar }: Pick<Stores, "calendar">): Tool {
  return asTool({
    name: "calendar_query",
    description: "Lists the active events of the organisation's calendar, the next one first.",
    args: range,
    readsOnly: true,
    async begin({ from, to }) {
      return async () => {
        const bounds = { ...(from === undefined ? {} : { gte: from }), ...(to === undefined ? {} : { lt: to }) }
        const events = await calendar.list({
          where: { isActive: true, ...(Object.keys(bounds).length === 0 ? {} : { nextTriggerAt: bounds }) },
          orderBy: [{ nextTriggerAt: "asc" }, { id: "asc" }],
          limit: mostEvents,
        })
        return { events: events.map(shownEvent) }
      }
    },
  })
}

function shownEvent({ id, title, nextTriggerAt, cronExpression }: CalendarEvent) {
  return {
    id,
    title,
    next_trigger_at: nextTriggerAt?.toISOString() ?? null,
    ...(cronExpression === null ? {} : { cron_expression: cronExpression }),
  }
}
