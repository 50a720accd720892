import { type CommitContext, RetryAfterError } from "rootstock/jobs"
import type { Logger } from "rootstock/log"
import { isHopeless, RunError, RunOverError, reasonOf } from "../ai/errors.ts"
import { ProviderError } from "../ai/provider.ts"
import { runExecute } from "../jobs/definitions.ts"
import type { AiRun, Message } from "../schema.ts"
import { tenant } from "../tenancy.ts"
import { texts } from "../texts.ts"
import { type AiService, type Begun, doneWith, isOver, type Made, whyNotBegun } from "./ai.ts"
import type { Context } from "./context.ts"
import type { Posting } from "./posting.ts"

/** How often the model is asked for an answer: once, and again after a failure. */
const attempts = 1 + 3
/** How long an attempt may take with all its steps and tools, in milliseconds; less than its job may. */
const longestMs = 540_000
/** How long a run waits that would go above the budget only together with others, in milliseconds. */
const busyMs = 2_000

/** Shows those who watch a chat what is being said, until it ends. */
export type Speaking = { speak(chatId: string, runId: string): { say(text: string): void; end(): Promise<void> } }

type Executing = Pick<CommitContext, "attempt" | "signal" | "commit">

/** Answers of AI roles in chats: the job `run.execute`. */
export class AnswerService {
  readonly #context: Context
  readonly #log: Logger
  readonly #ai: AiService
  readonly #posting: Posting
  readonly #hub: Speaking

  constructor(context: Context & { readonly hub: Speaking }, ai: AiService, posting: Posting) {
    this.#context = context
    this.#log = context.log.named("assistants.answers")
    this.#ai = ai
    this.#posting = posting
    this.#hub = context.hub
  }

  /**
   * Makes the answer of a run and writes it into its chat together with the end of its job, so that it appears once. What
   * may succeed later fails the attempt, and the job is tried again; after the last attempt, the chat is told.
   */
  async execute(runId: string, executing: Executing): Promise<void> {
    const run = await tenant.unbounded(() => this.#context.stores.runs.get(runId))
    if (run === undefined || isOver(run)) return
    await tenant.run(run.orgId, () => this.#answer(run, executing))
  }

  async #answer(run: AiRun, executing: Executing): Promise<void> {
    const begun = await this.#ai.begin(run)
    if (begun.kind !== "begun") return this.#notBegun(run, begun, executing)
    const { attempt, signal, commit } = executing
    const question = await this.#question(run)
    if (question === undefined) {
      return void (await commit(() => this.#ai.end(run.id, { state: "cancelled", error: "The message was deleted." })))
    }
    this.#log.info(`Making the answer of run ${run.id}`, { run_id: run.id, attempt })
    const limit = AbortSignal.timeout(longestMs)
    let made: Made
    try {
      made = await this.#make(begun, question, AbortSignal.any([signal, limit]))
    } catch (thrown) {
      if (thrown instanceof RunOverError) return
      if (signal.aborted) throw thrown
      const error = limit.aborted ? new RunError(`The answer took longer than ${longestMs / 60_000} minutes.`) : thrown
      if (!isHopeless(error) && attempt < attempts) throw againLater(error)
      this.#log.warning(`The run ${run.id} failed`, { run_id: run.id, attempt, error })
      return void (await commit(() => this.fail(run.id, reasonOf(error))))
    }
    await commit(() => this.#write(begun.run, made))
    this.#log.info(`Made the answer of run ${run.id}`, { run_id: run.id })
  }

  async #notBegun(run: AiRun, { kind }: Begun, { commit }: Executing): Promise<void> {
    if (kind === "spent") await commit(() => this.fail(run.id, `BUDGET_EXCEEDED: ${whyNotBegun.spent}`))
    // The others end, and then there is either enough left or nothing.
    if (kind === "busy") await commit(() => this.#context.jobs.send(runExecute, { runId: run.id }, { delayMs: busyMs }))
  }

  /** The message that is answered, unless it was deleted. */
  async #question({ triggerMessageId }: AiRun): Promise<Message | undefined> {
    const found = triggerMessageId === null ? undefined : await this.#context.stores.messages.get(triggerMessageId)
    return found?.isDeleted === false ? found : undefined
  }

  async #make({ run, organization }: Extract<Begun, { kind: "begun" }>, question: Message, signal: AbortSignal) {
    const conversation = await this.#ai.prompts.conversation(run, question)
    const speech = run.chatId === null ? undefined : this.#hub.speak(run.chatId, run.id)
    try {
      return await this.#ai.make(run, {
        organization,
        conversation,
        signal,
        askerId: question.senderId,
        tools: "all",
        onText: speech && ((text) => speech.say(text)),
      })
    } finally {
      // Before the message is written, so that nothing of it is shown behind it.
      await speech?.end()
    }
  }

  /** Writes the answer, in the ambient transaction, unless the run was cancelled. */
  async #write(run: AiRun, made: Made): Promise<void> {
    if ((await this.#ai.end(run.id, doneWith(made))) === undefined) return
    const { id, chatId, behalfOfId, triggerMessageId } = run
    if (chatId === null || behalfOfId === null) return
    await this.#posting.append({
      chatId,
      senderType: "ai_role",
      senderId: behalfOfId,
      content: made.content,
      replyToId: triggerMessageId ?? undefined,
      runId: id,
      aiReview: "pending",
    })
  }

  /** Fails a run that is not over and tells its chat, in the ambient transaction; whether it did. */
  async fail(runId: string, reason: string): Promise<boolean> {
    const { stores } = this.#context
    const run = await this.#ai.end(runId, { state: "failed", error: reason })
    if (run === undefined) return false
    await this.#ai.endDescendants(runId, "failed", "The run that it was part of failed.")
    const { chatId, triggerMessageId, roleId } = run
    const question = triggerMessageId === null ? undefined : await stores.messages.get(triggerMessageId)
    if (chatId === null || question === undefined) return true
    const role = await stores.roles.get(roleId)
    const spent = reason.startsWith("BUDGET_EXCEEDED")
    await this.#posting.append({
      chatId,
      senderType: "system",
      senderId: question.senderId,
      content: spent ? texts.budgetSpent(role?.name ?? "") : texts.answerFailed(role?.name ?? ""),
      replyToId: question.id,
      runId,
    })
    return true
  }
}

/** The failure of an attempt, with the wait that the server asked for. */
function againLater(error: unknown): unknown {
  if (!(error instanceof ProviderError) || error.retryAfterMs === undefined) return error
  return new RetryAfterError(error.message, { delayMs: error.retryAfterMs, cause: error })
}
