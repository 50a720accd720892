import { rowId } from "rootstock/fields"
import { type Route, route } from "rootstock/http"
import { commonRules } from "rootstock/shared"
import { newUser, pageQuery, user, userChanges, userPage } from "../fields.ts"
import { rules } from "../rules.ts"
import type { Services } from "../services/index.ts"

const tag = "users"
const params = { userId: rowId }
const absent = commonRules.pick("NOT_FOUND")
const taken = rules.pick("EMAIL_EXISTS", "USERNAME_EXISTS")

export function userRoutes({ users }: Services): Route[] {
  return [
    route("GET", "/users", { summary: "Users by id", tag, query: pageQuery, answer: userPage }, async ({ query }) => {
      const { rows, total } = await users.page(query)
      return { users: rows, total }
    }),
    route("GET", "/users/{user_id}", { summary: "One user", tag, params, answer: user, refusals: absent }, (call) =>
      users.get(call.params.userId),
    ),
    route(
      "POST",
      "/users",
      { summary: "Create a user", tag, body: newUser, answer: user, status: 201, refusals: taken },
      ({ body }) => users.create(body),
    ),
    route(
      "PUT",
      "/users/{user_id}",
      {
        summary: "Change a user",
        description: "Fields that are left out stay; `description: null` clears it.",
        tag,
        params,
        body: userChanges,
        answer: user,
        refusals: { ...absent, ...taken },
      },
      ({ params: { userId }, body }) => users.update(userId, body),
    ),
    route(
      "DELETE",
      "/users/{user_id}",
      {
        summary: "Delete a user with its addresses",
        tag,
        params,
        refusals: { ...absent, ...rules.pick("USER_HAS_ORDERS") },
      },
      ({ params: { userId } }) => users.delete(userId),
    ),
  ]
}
