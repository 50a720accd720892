import { cursorQuery, flag, optional, pageOf, uuidText } from "rootstock/fields"
import { type Route, route } from "rootstock/http"
import { commonRules } from "rootstock/shared"
import { newUser, roleOfUser, user, userChanges, userPage } from "../fields/people.ts"
import { rules } from "../rules.ts"
import type { Services } from "../services/index.ts"

const tag = "users"
const params = { userId: uuidText }
const absent = commonRules.pick("NOT_FOUND")
const taken = rules.pick("EMAIL_TAKEN", "USERNAME_TAKEN")
const lastAdmin = rules.pick("LAST_ADMIN")

export function userRoutes({ users }: Services): Route[] {
  return [
    route(
      "GET",
      "/users",
      {
        summary: "People by name, those of system organizations too",
        tag,
        query: { ...cursorQuery, activeOnly: optional(flag), roleId: optional(uuidText) },
        answer: userPage,
      },
      async ({ query }) => pageOf(await users.list(query)),
    ),
    route("GET", "/users/{user_id}", { summary: "One user", tag, params, answer: user, refusals: absent }, (call) =>
      users.get(call.params.userId),
    ),
    route(
      "POST",
      "/users",
      {
        summary: "Create a user, with the main chat; for administrators",
        tag,
        body: newUser,
        answer: user,
        status: 201,
        refusals: { ...absent, ...taken },
      },
      ({ body }) => users.create(body),
    ),
    route(
      "PATCH",
      "/users/{user_id}",
      {
        summary: "Change a user; for administrators, and the own profile",
        description: "Fields that are left out stay. A new password and deactivation end every sign-in of the user.",
        tag,
        params,
        body: userChanges,
        answer: user,
        refusals: {
          ...absent,
          ...taken,
          ...lastAdmin,
          ...rules.pick("WRONG_PASSWORD"),
          ...commonRules.pick("RATE_LIMITED"),
        },
      },
      ({ params: { userId }, body }) => users.update(userId, body),
    ),
    route(
      "DELETE",
      "/users/{user_id}",
      { summary: "Deactivate a user; for administrators", tag, params, refusals: { ...absent, ...lastAdmin } },
      ({ params: { userId } }) => users.deactivate(userId),
    ),
    route(
      "PUT",
      "/users/{user_id}/role",
      {
        summary: "Give a user a role, or take it away; for administrators",
        tag,
        params,
        body: roleOfUser,
        answer: user,
        refusals: absent,
      },
      ({ params: { userId }, body }) => users.assignRole(userId, body.roleId),
    ),
  ]
}
