import { cursorQuery, flag, optional, pageOf, uuidText } from "rootstock/fields"
import { type Route, route } from "rootstock/http"
import { commonRules } from "rootstock/shared"
import { calendarEvent, calendarPage, eventChanges, newEvent } from "../fields/calendar.ts"
import type { Services } from "../services/index.ts"

const tag = "calendar"
const params = { eventId: uuidText }
const absent = commonRules.pick("NOT_FOUND")

export function calendarRoutes({ calendar }: Services): Route[] {
  return [
    route(
      "GET",
      "/calendar",
      {
        summary: "Events of the organization, those that fire next first",
        tag,
        query: { ...cursorQuery, roleId: optional(uuidText), activeOnly: optional(flag) },
        answer: calendarPage,
      },
      async ({ query }) => pageOf(await calendar.list(query, query)),
    ),
    route(
      "GET",
      "/calendar/{event_id}",
      { summary: "One event", tag, params, answer: calendarEvent, refusals: absent },
      ({ params: { eventId } }) => calendar.get(eventId),
    ),
    route(
      "POST",
      "/calendar",
      { summary: "Create an event", tag, body: newEvent, answer: calendarEvent, status: 201, refusals: absent },
      ({ body }) => calendar.create(body),
    ),
    route(
      "PATCH",
      "/calendar/{event_id}",
      {
        summary: "Change an event; for its creator and administrators",
        description: "Fields that are left out stay. With a new time in the future it fires again, active or not.",
        tag,
        params,
        body: eventChanges,
        answer: calendarEvent,
        refusals: absent,
      },
      ({ params: { eventId }, body }) => calendar.update(eventId, body),
    ),
    route(
      "DELETE",
      "/calendar/{event_id}",
      { summary: "Deactivate an event; for its creator and administrators", tag, params, refusals: absent },
      ({ params: { eventId } }) => calendar.deactivate(eventId),
    ),
  ]
}
