import { transaction, withRequestScope } from "rootstock"
import { elapsed } from "rootstock/clock"
import { SessionError } from "rootstock/errors"
import type { Logger } from "rootstock/log"
import { currentSession } from "rootstock/session"
import { absent, fail } from "rootstock/shared"
import { runAgent } from "../ai/agent.ts"
import { monthOf, reservedTokens } from "../ai/budget.ts"
import { isHopeless, RunError, RunOverError, reasonOf } from "../ai/errors.ts"
import { Prompts } from "../ai/prompt.ts"
import {
  estimatePrompt,
  estimateTokens,
  type ModelAnswer,
  type ModelRequest,
  type Provider,
  ProviderError,
  type Tokens,
} from "../ai/provider.ts"
import { stepsOf } from "../ai/steps.ts"
import { type KeptCall, ToolBox, ToolCalls } from "../ai/tool-calls.ts"
import { calendarCreate, calendarQuery, type EventMaker } from "../ai/tools/calendar.ts"
import { roleCall } from "../ai/tools/role-call.ts"
import { type ToolContext, ToolError } from "../ai/tools/tool.ts"
import { rules } from "../rules.ts"
import type { AiRun, Organization, Role } from "../schema.ts"
import type { PromptMessage } from "../shapes.ts"
import { tenant } from "../tenancy.ts"
import type { Context } from "./context.ts"

/** What came of asking to begin a run. */
export type Begun =
  | { readonly kind: "begun"; readonly run: AiRun; readonly organization: Organization }
  /** It ended already: it was cancelled, or answered by another attempt. */
  | { readonly kind: "over" }
  /** The budget of the month is spent. */
  | { readonly kind: "spent" }
  /** The rest of the budget may be used up by answers that are being made. */
  | { readonly kind: "busy" }

/** What a role said. */
export type Made = {
  readonly content: string
  readonly finishReason: string
  readonly latencyMs: number
  readonly toolCalls: readonly KeptCall[]
}

export type MakeOptions = {
  readonly organization: Organization
  /** The conversation, behind what the role is. */
  readonly conversation: readonly PromptMessage[]
  readonly signal: AbortSignal
  /** Told the text of the answer as it comes. */
  readonly onText?: ((text: string) => void) | undefined
  readonly askerId?: string | undefined
  readonly ancestors?: readonly string[]
  /** Whether the role may use its tools; `dry` calls only those that change nothing, and keeps none of the calls. */
  readonly tools: "all" | "dry" | "none"
}

/** Something that a role is to say outside of a chat. */
export type Saying = {
  readonly orgId: string
  readonly roleId: string
  readonly trigger: "calendar" | "test"
  /** What it is told; the last message is what it answers to. */
  readonly messages: readonly PromptMessage[]
  /** For whom it speaks, where there is somebody. */
  readonly behalfOfId?: string | undefined
  readonly signal: AbortSignal
}

/** How often a run is looked at while it is made, in milliseconds: whoever cancels it may do so in another process. */
const lookMs = 500

/**
 * Has AI roles answer: by the provider, with their tools, within the budget. Nothing here calls the provider inside of a
 * transaction.
 */
export class AiService {
  readonly provider: Provider
  readonly #stores: Context["stores"]
  readonly #clock: Context["clock"]
  readonly #log: Logger
  readonly #prompts: Prompts
  readonly #box: ToolBox
  /** Aborts of the runs that are made in this process. */
  readonly #live = new Map<string, AbortController>()

  constructor(context: Context, { events }: { events: EventMaker }) {
    const { stores, caches, clock, log, provider } = context
    this.provider = provider
    this.#stores = stores
    this.#clock = clock
    this.#log = log.named("assistants.ai")
    this.#prompts = new Prompts({ stores, caches, clock })
    this.#box = new ToolBox([
      calendarCreate(events, clock),
      calendarQuery(stores),
      roleCall(stores, { answerRole: (...asked) => this.#answerRole(...asked) }),
    ])
  }

  /** What a role is told of a chat up to a message. */
  get prompts(): Prompts {
    return this.#prompts
  }

  /**
   * Begins an attempt at a run, unless the budget forbids it. Whoever begins locks the organisation, and counts the tokens
   * of its month together with a reserve for each run that is running: so however many begin at once, in however many
   * processes, none begins above the budget.
   *
   * @param ancestors runs that wait for this one: they are not running beside it
   */
  begin({ id, orgId }: Pick<AiRun, "id" | "orgId">, ancestors: readonly string[] = []): Promise<Begun> {
    return transaction(
      async (): Promise<Begun> => {
        const organization = await this.#stores.organizations.lock(orgId)
        const before = await this.#stores.runs.lock(id)
        if (organization === undefined || before === undefined || isOver(before)) return { kind: "over" }
        const refused = await this.#refused(organization, [id, ...ancestors])
        if (refused !== undefined) return { kind: refused }
        // What an earlier attempt had begun is not gone on with.
        await this.endDescendants(id, "failed", "The attempt that it was part of ended.")
        const run = await this.#stores.runs.update(id, {
          state: "running",
          provider: this.provider.name,
          startedAt: before.startedAt ?? this.#clock.now(),
        })
        return { kind: "begun", run, organization }
      },
      { name: "beginRun" },
    )
  }

  async #refused(organization: Organization, besides: readonly string[]): Promise<"spent" | "busy" | undefined> {
    const { id, tokenBudgetMonth: budget, timeZone } = organization
    if (budget === null) return undefined
    // A run that ends between the two is counted twice rather than not at all.
    const running = await this.#stores.runs.countRunning(id, besides)
    const used = await this.#stores.runs.tokensThisMonth(id, monthOf(this.#clock.now(), timeZone))
    if (used >= budget) return "spent"
    return used + running * reservedTokens >= budget ? "busy" : undefined
  }

  /**
   * Makes the answer of a run that was begun; what of it is to be kept is for the caller.
   *
   * @throws RunOverError where the run was cancelled meanwhile, the reason of the signal where that was aborted,
   *   ProviderError, PromptFileError, RunError
   */
  async make(run: AiRun, options: MakeOptions): Promise<Made> {
    const { organization, conversation, askerId, ancestors = [], tools, onText } = options
    const began = elapsed()
    await using watch = this.#watch(run, options.signal)
    const { signal } = watch
    const role = await this.#stores.roles.get(run.roleId)
    if (!organization.isActive) throw new RunError("The organization is not active.")
    if (role?.isActive !== true) throw new RunError("The role is not active.")
    const prompt = [await this.#prompts.instructions(role, organization), ...conversation]
    await this.#stores.runs.update(run.id, { prompt })
    const earlier = await this.#stores.toolCalls.list({ where: { runId: run.id }, orderBy: { seq: "asc" } })
    const allowed = tools === "none" ? [] : role.tools
    const calls = new ToolCalls({
      stores: this.#stores,
      box: this.#box,
      context: { run, organization, askerId, ancestors, signal },
      allowed,
      earlier,
      dry: tools === "dry",
    })
    const answer = await runAgent({
      steps: stepsOf(role),
      prompt,
      tools: this.#box.describe(allowed),
      called: calls.called,
      ask: (messages, described, final) =>
        this.#ask(run.id, {
          model: role.modelName,
          messages,
          tools: described,
          signal,
          onText: final ? onText : undefined,
        }),
      call: (request) => calls.call(request),
    })
    if (answer.content.trim() === "") throw new ProviderError("The model answered with nothing.", {})
    return { ...answer, latencyMs: Math.round(elapsed() - began), toolCalls: calls.made }
  }

  /** Asks the provider; what it used is counted whatever comes of it. */
  async #ask(runId: string, request: ModelRequest): Promise<ModelAnswer> {
    if (currentSession() !== undefined) {
      throw new SessionError("The provider was to be asked inside of a transaction.", {
        cure: "Ask before the transaction, and write the answer in it.",
      })
    }
    let heard = ""
    const onText = (text: string) => {
      heard += text
      request.onText?.(text)
    }
    try {
      const answer = await this.provider.answer({ ...request, onText })
      await this.#count(runId, answer)
      return answer
    } catch (error) {
      if (error instanceof ProviderError) await this.#count(runId, error.used)
      if (error instanceof RunOverError) {
        const promptTokens = estimatePrompt(request.messages)
        await this.#count(runId, { promptTokens, completionTokens: estimateTokens(heard) })
      }
      throw error
    }
  }

  async #count(runId: string, { promptTokens, completionTokens }: Tokens): Promise<void> {
    if (promptTokens + completionTokens === 0) return
    await this.#stores.runs.increment(runId, { promptTokens, completionTokens }, { returning: false })
  }

  /** A signal that is aborted when the run is not running any more, whoever ended it, or when the given one is. */
  #watch({ id }: AiRun, outer: AbortSignal): AsyncDisposable & { signal: AbortSignal } {
    const controller = new AbortController()
    this.#live.set(id, controller)
    let timer: NodeJS.Timeout | undefined
    let looking: Promise<void> | undefined
    let ended = false
    const look = async () => {
      try {
        const run = await withRequestScope(() => this.#stores.runs.get(id))
        if (run?.state !== "running") controller.abort(new RunOverError(id))
      } catch (error) {
        this.#log.debug(`The run ${id} cannot be looked at`, { run_id: id, error })
      }
      if (!ended && !controller.signal.aborted) later()
    }
    const later = () => {
      timer = setTimeout(() => {
        looking = look()
      }, lookMs)
    }
    later()
    return {
      signal: AbortSignal.any([outer, controller.signal]),
      [Symbol.asyncDispose]: async () => {
        ended = true
        clearTimeout(timer)
        if (this.#live.get(id) === controller) this.#live.delete(id)
        await looking
      },
    }
  }

  /** Aborts what is being made of a run in this process; those in others find out by themselves. */
  abort(id: string): void {
    this.#live.get(id)?.abort(new RunOverError(id))
  }

  /** Ends the runs that were begun for a run and are not over, in the ambient transaction; gives their ids. */
  async endDescendants(id: string, state: "failed" | "cancelled", error: string): Promise<string[]> {
    const open = (await this.#stores.runs.descendants(id)).filter((run) => !isOver(run)).map((run) => run.id)
    if (open.length === 0) return []
    const ended = { state, error, finishedAt: this.#clock.now() }
    await this.#stores.runs.updateWhere({ id: open, state: ["queued", "running"] }, ended)
    return open
  }

  /**
   * Has a role say something outside of a chat, in a run of its own, at once and once. It may be called outside of
   * transactions only, and takes as long as the model does.
   *
   * @throws RuleError `NOT_FOUND`, `BUDGET_EXCEEDED`, `PROVIDER_FAILED`; the reason of the signal where that was aborted
   *
   * ### Examples
   *
   * ```ts
   * const { content } = await ai.say({
   *   orgId, roleId, trigger: "calendar", messages: [{ role: "user", content: "Напомни о планёрке." }], signal,
   * })
   * ```
   */
  say(saying: Saying): Promise<Made & { run: AiRun }> {
    const { orgId, roleId, trigger, messages, behalfOfId, signal } = saying
    return tenant.run(orgId, async () => {
      const role = (await this.#stores.roles.get(roleId)) ?? fail(absent("role", roleId))
      const { id } = await this.#stores.runs.create({ ...newRun(role), trigger, behalfOfId: behalfOfId ?? null })
      const begun = await this.begin({ id, orgId })
      if (begun.kind !== "begun") throw rules.broken("BUDGET_EXCEEDED", await this.#refuse(id, begun))
      try {
        const made = await this.make(begun.run, {
          organization: begun.organization,
          conversation: messages,
          signal,
          askerId: behalfOfId,
          tools: trigger === "test" ? "dry" : "none",
        })
        return { ...made, run: (await this.end(id, doneWith(made))) ?? fail(new RunOverError(id)) }
      } catch (error) {
        await this.end(id, { state: "failed", error: reasonOf(error) })
        this.#log.warning(`The run ${id} failed`, { run_id: id, error })
        if (!isOfTheModel(error) && !signal.aborted) throw error
        throw rules.broken("PROVIDER_FAILED", reasonOf(error), { cause: error })
      }
    })
  }

  /** A role asks another one, in a run of its own that is done with the call. */
  async #answerRole(role: Role, question: string, context: ToolContext) {
    const { run: parent, organization, askerId, ancestors, signal } = context
    const above = [...ancestors, parent.id]
    const { id, orgId } = await this.#stores.runs.create({
      ...newRun(role),
      trigger: "role",
      parentRunId: parent.id,
      behalfOfId: parent.behalfOfId,
    })
    const begun = await this.begin({ id, orgId }, above)
    if (begun.kind !== "begun") throw new ToolError(await this.#refuse(id, begun))
    const { run } = begun
    try {
      const conversation = [{ role: "user", content: question } as const]
      const made = await this.make(run, { organization, conversation, signal, askerId, ancestors: above, tools: "all" })
      const keep = async () => {
        if ((await this.end(id, doneWith(made))) === undefined) throw new RunOverError(id)
      }
      return { run, content: made.content, keep }
    } catch (error) {
      // Who ended the run that waits for this one ended this one too.
      if (signal.aborted) throw error
      await this.end(id, { state: "failed", error: reasonOf(error) })
      throw isHopeless(error) ? new ToolError(reasonOf(error)) : error
    }
  }

  /** Fails a run that was not begun; gives why. */
  async #refuse(id: string, { kind }: Begun): Promise<string> {
    const why = whyNotBegun[kind as keyof typeof whyNotBegun] ?? "The run was cancelled."
    await this.end(id, { state: "failed", error: `BUDGET_EXCEEDED: ${why}` })
    return why
  }

  /** Ends a run that is not over yet; gives it, or undefined where it was over. */
  end(id: string, changes: RunEnd): Promise<AiRun | undefined> {
    return transaction(async () => {
      const run = await this.#stores.runs.lock(id)
      if (run === undefined || isOver(run)) return undefined
      return this.#stores.runs.update(id, { ...changes, finishedAt: this.#clock.now() })
    })
  }
}

/** What is set of a run that ends. */
export type RunEnd = Pick<AiRun, "state"> & Partial<Pick<AiRun, "error" | "finishReason" | "latencyMs">>

/** What is set of a run whose answer was made. */
export function doneWith({ finishReason, latencyMs }: Made): RunEnd {
  return { state: "done", finishReason, latencyMs, error: null }
}

/** What a run takes over from its role. */
export function newRun({ id, modelName, agentType }: Role) {
  return { roleId: id, model: modelName, agentType }
}

/** Whether a run has ended, for good. */
export function isOver({ state }: Pick<AiRun, "state">): boolean {
  return state !== "queued" && state !== "running"
}

export const whyNotBegun = {
  spent: "The organisation has spent its tokens of this month.",
  busy: "Answers that are being made may use up the tokens of this month.",
}

/** Whether an error says that a role cannot answer, rather than that the program is at fault. */
function isOfTheModel(error: unknown): boolean {
  return error instanceof ProviderError || error instanceof RunOverError || isHopeless(error)
}
