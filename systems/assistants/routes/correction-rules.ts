import { cursorQuery, pageOf, uuidText } from "rootstock/fields"
import { type Route, route } from "rootstock/http"
import { commonRules } from "rootstock/shared"
import { correctionRule, correctionRuleChanges, correctionRulePage } from "../fields/chats.ts"
import type { Services } from "../services/index.ts"

const tag = "roles"
const refusals = commonRules.pick("NOT_FOUND", "FORBIDDEN")

export function correctionRuleRoutes({ correctionRules }: Pick<Services, "correctionRules">): Route[] {
  return [
    route(
      "GET",
      "/roles/{role_id}/correction-rules",
      {
        summary: "What reviewers taught a role, the newest first",
        tag,
        params: { roleId: uuidText },
        query: cursorQuery,
        answer: correctionRulePage,
        refusals,
      },
      async ({ params, query }) => pageOf(await correctionRules.list(params.roleId, query)),
    ),
    route(
      "PATCH",
      "/correction-rules/{rule_id}",
      {
        summary: "Change a correction rule, or make it inactive",
        tag,
        params: { ruleId: uuidText },
        body: correctionRuleChanges,
        answer: correctionRule,
        refusals,
      },
      ({ params, body }) => correctionRules.update(params.ruleId, body),
    ),
  ]
}
