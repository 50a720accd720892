import {
  cursorPage,
  fieldsOf,
  listOf,
  objectOf,
  oneOf,
  optional,
  orNull,
  refined,
  uuidText,
  wholeNumber,
  words,
} from "rootstock/fields"
import { aiRuns, aiToolCalls } from "../schema.ts"

const { prompt: _prompt, ...runRow } = fieldsOf(aiRuns)
export const run = objectOf("Run", runRow)
export const runPage = cursorPage("RunPage", run)

const { runId: _runId, ...callRow } = fieldsOf(aiToolCalls)
const promptMessage = objectOf("PromptMessage", {
  role: oneOf("system", "user", "assistant"),
  content: refined(runRow.model, { maxLength: 1_000_000 }),
  message_id: optional(uuidText),
})

export const runTrace = objectOf("RunTrace", {
  ...runRow,
  prompt: refined(listOf(promptMessage), {
    description: "What the model was told first, less what was deleted from the chat since.",
  }),
  tools: listOf(objectOf("ToolCall", callRow)),
  answerMessageId: orNull(uuidText),
})

export const roleTest = objectOf("RoleTest", {
  messages: listOf(objectOf("TestMessage", { role: oneOf("user", "assistant"), content: words(16_000) }), {
    minItems: 1,
    maxItems: 20,
  }),
})

export const roleTestAnswer = objectOf("RoleTestAnswer", {
  runId: uuidText,
  content: words(1_000_000),
  finishReason: words(32),
  provider: orNull(words(32)),
  promptTokens: wholeNumber(0),
  completionTokens: wholeNumber(0),
  latencyMs: wholeNumber(0),
  tools: refined(
    listOf(
      objectOf("TestedToolCall", {
        tool: callRow.tool,
        args: callRow.args,
        result: callRow.result,
        state: callRow.state,
      }),
    ),
    { description: "What the role called; tools that change something were not carried out." },
  ),
})

export const promptCacheClearing = objectOf("PromptCacheClearing", {
  code: optional(refined(words(50), { description: "Code of the role; without it, all roles of the organization." })),
})
