import { cursorQuery, pageOf, uuidText } from "rootstock/fields"
import { type Route, route } from "rootstock/http"
import { commonRules } from "rootstock/shared"
import { newOrganization, organization, organizationChanges, organizationPage } from "../fields/people.ts"
import { rules } from "../rules.ts"
import type { Services } from "../services/index.ts"

/** The calls that keys of staff may make. */
export const staffTag = "organizations"

const tag = staffTag
const params = { organizationId: uuidText }
const absent = commonRules.pick("NOT_FOUND")

export function organizationRoutes({ organizations }: Services): Route[] {
  return [
    route(
      "GET",
      "/organizations",
      {
        summary: "Organizations by name: all for staff, the own one for administrators",
        tag,
        query: cursorQuery,
        answer: organizationPage,
      },
      async ({ query }) => pageOf(await organizations.list(query)),
    ),
    route(
      "POST",
      "/organizations",
      {
        summary: "Create an organization; for staff",
        tag,
        body: newOrganization,
        answer: organization,
        status: 201,
        refusals: rules.pick("SLUG_TAKEN", "EMAIL_TAKEN"),
      },
      ({ body: { admin, ...input } }) => organizations.create(input, admin),
    ),
    route(
      "GET",
      "/organizations/{organization_id}",
      { summary: "One organization", tag, params, answer: organization, refusals: absent },
      ({ params: { organizationId } }) => organizations.get(organizationId),
    ),
    route(
      "PATCH",
      "/organizations/{organization_id}",
      {
        summary: "Change an organization",
        description: "Fields that are left out stay. Another time zone moves the events of its calendar.",
        tag,
        params,
        body: organizationChanges,
        answer: organization,
        refusals: { ...absent, ...rules.pick("SLUG_TAKEN") },
      },
      ({ params: { organizationId }, body }) => organizations.update(organizationId, body),
    ),
    route(
      "DELETE",
      "/organizations/{organization_id}",
      { summary: "Deactivate an organization; for staff", tag, params, refusals: absent },
      ({ params: { organizationId } }) => organizations.deactivate(organizationId),
    ),
  ]
}
