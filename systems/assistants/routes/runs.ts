import { cursorQuery, oneOf, optional, pageOf, uuidText } from "rootstock/fields"
import { type Route, route } from "rootstock/http"
import { commonRules } from "rootstock/shared"
import { promptCacheClearing, roleTest, roleTestAnswer, run, runPage, runTrace } from "../fields/runs.ts"
import { rules } from "../rules.ts"
import { runStates } from "../schema.ts"
import type { Services } from "../services/index.ts"

const tag = "runs"
const params = { runId: uuidText }
const refusals = commonRules.pick("NOT_FOUND", "FORBIDDEN")

export function runRoutes({ runs }: Pick<Services, "runs">): Route[] {
  return [
    route(
      "GET",
      "/runs",
      {
        summary: "Answers of AI roles in the making and made, the newest first; for administrators",
        tag,
        query: { ...cursorQuery, roleId: optional(uuidText), state: optional(oneOf(...runStates)) },
        answer: runPage,
        refusals: commonRules.pick("FORBIDDEN"),
      },
      async ({ query: { cursor, limit, ...filter } }) => pageOf(await runs.search(filter, limit, cursor)),
    ),
    route(
      "GET",
      "/runs/{run_id}",
      { summary: "One run with its prompt and its tools; for administrators", tag, params, answer: runTrace, refusals },
      async ({ params: { runId } }) => {
        const { run, prompt, toolCalls, answerMessageId } = await runs.get(runId)
        return { ...run, prompt: [...prompt], tools: [...toolCalls], answerMessageId }
      },
    ),
    route(
      "POST",
      "/runs/{run_id}/cancel",
      {
        summary: "Cancel a run; for who asked, and administrators",
        tag,
        params,
        answer: run,
        refusals: { ...refusals, ...commonRules.pick("ILLEGAL_TRANSITION") },
      },
      ({ params: { runId } }) => runs.cancel(runId),
    ),
    route(
      "POST",
      "/roles/{role_id}/test",
      {
        summary: "Have a role answer, without a chat; for administrators",
        description:
          "Nothing is stored but a run. Tools that change something are named in the answer, and not carried out.",
        tag: "roles",
        params: { roleId: uuidText },
        body: roleTest,
        answer: roleTestAnswer,
        asksOthers: true,
        refusals: { ...refusals, ...rules.pick("ROLE_INACTIVE", "BUDGET_EXCEEDED", "PROVIDER_FAILED") },
      },
      async ({ params: { roleId }, body }) => {
        const { run, content, finishReason, latencyMs, toolCalls } = await runs.test(roleId, body.messages)
        const { id, provider, promptTokens, completionTokens } = run
        const counted = { promptTokens, completionTokens, latencyMs }
        return { runId: id, content, finishReason, provider, ...counted, tools: [...toolCalls] }
      },
    ),
    route(
      "POST",
      "/roles/prompt-cache/clear",
      {
        summary: "Read prompt files anew; for administrators",
        tag: "roles",
        body: optional(promptCacheClearing),
        refusals,
      },
      ({ body }) => runs.clearPromptCache(body.code),
    ),
  ]
}
