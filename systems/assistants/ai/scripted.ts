import { setImmediate as turn } from "node:timers/promises"
import {
  estimatePrompt,
  estimateTokens,
  type ModelAnswer,
  type ModelMessage,
  type ModelRequest,
  type Provider,
  type ToolRequest,
} from "./provider.ts"

/** A rule: what to ask for when a text fits; undefined where it does not. */
type Rule = { readonly tool: string; readonly args: (text: string) => object | undefined }

const named = { title: /[«"“](?<title>[^«»"“”]{1,200})[»"”]/u }

const titleOf = (text: string, without: RegExp): string =>
  named.title.exec(text)?.groups?.["title"] ??
  (text
    .replace(/@+[\p{L}\p{N}_]+/gu, "")
    .replace(without, "")
    .replace(/\s+/g, " ")
    .replace(/^[\s,:—-]+|[\s,:.!—-]+$/gu, "")
    .slice(0, 200) ||
    "Напоминание")

const remind =
  /\b(?:please\s+)?remind(?:\s+me)?(?:\s+(?:to|about|of))?|напомни(?:те|шь)?(?:\s+мне)?(?:\s+(?:о|об|про))?/iu
const soon = /(?:через|in)\s+(?<count>\d{1,4})\s*(?<unit>мин\p{L}*|min\p{L}*|час\p{L}*|hours?|дн\p{L}*|день|days?)/iu
const moment = /(?<day>\d{4}-\d\d-\d\d)[T ](?:в\s+|at\s+)?(?<time>\d\d:\d\d)/u
const minutesOf = (unit: string) => (/^(?:мин|min)/iu.test(unit) ? 1 : /^(?:час|hour)/iu.test(unit) ? 60 : 1_440)

/** In the order in which they are tried. */
const rules: readonly Rule[] = [
  {
    tool: "calendar_create",
    args(text) {
      if (!remind.test(text)) return undefined
      const inSoMuch = soon.exec(text)?.groups
      if (inSoMuch !== undefined) {
        const minutes = Number(inSoMuch["count"]) * minutesOf(inSoMuch["unit"]!)
        return { title: titleOf(text.replace(soon, ""), remind), in_minutes: minutes }
      }
      const at = moment.exec(text)?.groups
      return at === undefined
        ? undefined
        : { title: titleOf(text.replace(moment, ""), remind), scheduled_at: `${at["day"]}T${at["time"]}` }
    },
  },
  {
    tool: "calendar_query",
    args: (text) => (/календар|calendar|событи|напоминани|events/iu.test(text) ? {} : undefined),
  },
  {
    tool: "role_call",
    args(text) {
      const asked = /(?:спроси(?:те)?|ask)\s+(?:роль\s+|role\s+)?(?<role>[\w-]{1,50})\s*[:,]\s*(?<question>.+)/isu.exec(
        text,
      )
      const { role, question } = asked?.groups ?? {}
      return role === undefined || question === undefined ? undefined : { role, question: question.trim() }
    },
  },
]

/**
 * Answers by rules, without a model and without a network: for the first steps and for tests. The same prompt gives the same
 * answer, and the answer says that no model made it. Of the tools that it is given it asks for one when the text fits:
 * `calendar_create` («напомни через 10 минут позвонить»), `calendar_query` («что в календаре?»), `role_call` («спроси lawyer: …»).
 */
export class ScriptedProvider implements Provider {
  readonly name = "scripted"

  async answer({ messages, tools, signal, onText }: ModelRequest): Promise<ModelAnswer> {
    signal.throwIfAborted()
    const promptTokens = estimatePrompt(messages)
    const asked = this.#ask(
      messages,
      tools.map(({ name }) => name),
    )
    if (asked !== undefined) {
      const completionTokens = estimateTokens(asked.args)
      return { promptTokens, completionTokens, content: "", toolRequests: [asked], finishReason: "tool_calls" }
    }
    const content = replyTo(messages)
    for (const word of content.match(/\s*\S+/gu) ?? []) {
      await turn()
      signal.throwIfAborted()
      onText?.(word)
    }
    return {
      promptTokens,
      completionTokens: estimateTokens(content),
      content,
      toolRequests: [],
      finishReason: "stop",
    }
  }

  /** A tool is asked for once for a question. */
  #ask(messages: readonly ModelMessage[], tools: readonly string[]): ToolRequest | undefined {
    const question = messages.findLastIndex(({ role }) => role === "user")
    if (messages.slice(question + 1).some(({ role }) => role === "tool")) return undefined
    const text = messages[question]?.content ?? ""
    for (const { tool, args } of rules) {
      const given = tools.includes(tool) ? args(text) : undefined
      if (given !== undefined) return { id: `call_${tool}`, tool, args: JSON.stringify(given) }
    }
    return undefined
  }
}

const short = (text: string, most: number) => {
  const line = text.replace(/\s+/g, " ").trim()
  return line.length > most ? `${line.slice(0, most - 1).toWellFormed()}…` : line
}

function replyTo(messages: readonly ModelMessage[]): string {
  const question = messages.findLastIndex(({ role }) => role === "user")
  const behind = messages.slice(question + 1)
  const results = behind.filter(({ role }) => role === "tool")
  const instruction = behind.findLast(({ role }) => role === "system")
  return [
    "Отвечает встроенный сценарий: языковая модель не подключена (LLM_URL не задан).",
    question === -1 ? "" : `Вы написали: «${short(messages[question]!.content, 300)}».`,
    instruction === undefined ? "" : `Шаг: ${short(instruction.content, 300)}`,
    ...results.map(({ content }) => `Инструмент ответил: ${short(content, 600)}`),
  ]
    .filter((line) => line !== "")
    .join("\n")
}
