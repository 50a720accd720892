import type { Clock } from "rootstock/clock"
import type { Caches } from "../caches.ts"
import type { AiRun, CorrectionRule, Message, Organization, Role } from "../schema.ts"
import type { PromptMessage } from "../shapes.ts"
import type { Stores } from "../storages/index.ts"

/** Most correction rules that a role is told, and most messages. */
const mostRules = 20
const mostMessages = 20

/** Puts together what a model is told. Nothing of it is read in a transaction. */
export class Prompts {
  readonly #stores: Stores
  readonly #caches: Caches
  readonly #clock: Clock

  constructor({ stores, caches, clock }: { stores: Stores; caches: Caches; clock: Clock }) {
    this.#stores = stores
    this.#caches = caches
    this.#clock = clock
  }

  /** What a role is: its prompt file, its own prompt, what reviewers taught it, and what time it is. @throws PromptFileError */
  async instructions(role: Role, { timeZone }: Organization): Promise<PromptMessage> {
    const file = role.promptFile === null ? "" : await this.#caches.prompts(role.promptFile)
    const rules = await this.#stores.correctionRules.newest(role.id, mostRules)
    const parts = [file, role.systemPrompt, corrections(rules), `Сейчас ${this.#localTime(timeZone)} (${timeZone}).`]
    return { role: "system", content: parts.filter((part) => part !== "").join("\n\n") }
  }

  #localTime(zone: string): string {
    const present = Temporal.Instant.fromEpochMilliseconds(this.#clock.now().getTime()).toZonedDateTimeISO(zone)
    return `${present.toPlainDate()} ${present.toPlainTime().toString({ smallestUnit: "minute" })}`
  }

  /** The newest messages of a chat up to the one that is answered. */
  async conversation(run: AiRun, question: Message): Promise<PromptMessage[]> {
    const { messages, users, runs, roles } = this.#stores
    const heard = await messages.heardUpTo(question, mostMessages)
    const people = heard.filter(({ senderType }) => senderType === "user").map(({ senderId }) => senderId)
    const several = new Set(people).size > 1
    const names = several ? await namesOf(users, people) : noNames
    const runIds = heard.flatMap(({ senderType, runId }) => (senderType === "ai_role" && runId !== null ? [runId] : []))
    const made = await runs.getMany([...new Set(runIds)])
    const roleOf = new Map(made.map((one) => [one.id, one.roleId]))
    const roleNames = await namesOf(
      roles,
      [...roleOf.values()].filter((id) => id !== run.roleId),
    )
    return heard.map(({ id, senderType, senderId, content, runId }): PromptMessage => {
      if (senderType === "system") return { role: "system", content, message_id: id }
      if (senderType === "user") {
        return {
          role: "user",
          content: several ? `${names.get(senderId) ?? "?"}: ${content}` : content,
          message_id: id,
        }
      }
      const roleId = roleOf.get(runId ?? "")
      if (roleId === run.roleId) return { role: "assistant", content, message_id: id }
      return { role: "user", content: `${roleNames.get(roleId ?? "") ?? "AI"}: ${content}`, message_id: id }
    })
  }
}

type Named = { readonly id: string; readonly name: string }

const noNames: ReadonlyMap<string, string> = new Map()

async function namesOf(
  storage: { getMany(ids: readonly string[]): Promise<readonly Named[]> },
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await storage.getMany([...new Set(ids)])
  return new Map(rows.map(({ id, name }) => [id, name]))
}

function corrections(rules: readonly CorrectionRule[]): string {
  if (rules.length === 0) return ""
  const lines = rules.map(
    ({ userQuestion, aiAnswer, correctionText }) =>
      `- Вопрос: ${cut(userQuestion)}\n  Отклонённый ответ: ${cut(aiAnswer)}\n  Правильно: ${correctionText}`,
  )
  return `Учитывай исправления проверяющих:\n${lines.join("\n")}`
}

const cut = (text: string) => (text.length > 500 ? `${text.slice(0, 499).toWellFormed()}…` : text)
