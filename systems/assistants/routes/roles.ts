import { cursorQuery, flag, optional, pageOf, uuidText } from "rootstock/fields"
import { type Route, route } from "rootstock/http"
import { commonRules } from "rootstock/shared"
import { newRole, role, roleChanges, rolePage } from "../fields/people.ts"
import { rules } from "../rules.ts"
import type { Services } from "../services/index.ts"

const tag = "roles"
const params = { roleId: uuidText }
const absent = commonRules.pick("NOT_FOUND")
const taken = rules.pick("CODE_TAKEN")
const version = (row: { version: number }) => row.version

export function roleRoutes({ roles }: Services): Route[] {
  return [
    route(
      "GET",
      "/roles",
      {
        summary: "AI roles by name, those of system organizations too",
        tag,
        query: { ...cursorQuery, activeOnly: optional(flag) },
        answer: rolePage,
      },
      async ({ query }) => pageOf(await roles.list(query)),
    ),
    route(
      "GET",
      "/roles/{role_id}",
      { summary: "One role", tag, params, answer: role, version, refusals: absent },
      ({ params: { roleId } }) => roles.get(roleId),
    ),
    route(
      "POST",
      "/roles",
      { summary: "Create a role; for administrators", tag, body: newRole, answer: role, status: 201, refusals: taken },
      ({ body }) => roles.create(body),
    ),
    route(
      "PATCH",
      "/roles/{role_id}",
      {
        summary: "Change a role; for administrators",
        description: "Fields that are left out stay; `agent_config` and `tools` are replaced whole.",
        tag,
        params,
        body: roleChanges,
        answer: role,
        version,
        refusals: { ...absent, ...taken },
      },
      ({ params: { roleId }, body, ifVersion }) => roles.update(roleId, body, ifVersion),
    ),
    route(
      "DELETE",
      "/roles/{role_id}",
      { summary: "Deactivate a role; for administrators", tag, params, version, refusals: absent },
      ({ params: { roleId }, ifVersion }) => roles.deactivate(roleId, ifVersion),
    ),
  ]
}
