import { afterCommit, type KeysetPage, transaction, withRequestScope } from "rootstock"
import type { Logger } from "rootstock/log"
import { absent, commonRules, fail } from "rootstock/shared"
import { runExecute } from "../jobs/definitions.ts"
import { rules } from "../rules.ts"
import type { AiRun, AiToolCall, RunState } from "../schema.ts"
import type { PromptMessage } from "../shapes.ts"
import { tenant } from "../tenancy.ts"
import type { AiService, Made } from "./ai.ts"
import { isOver } from "./ai.ts"
import type { AnswerService } from "./answers.ts"
import type { Context } from "./context.ts"
import type { PeopleChecks } from "./people-checks.ts"

/** A run with all that is known of how it was made. */
export type RunTrace = {
  readonly run: AiRun
  readonly prompt: readonly PromptMessage[]
  readonly toolCalls: readonly AiToolCall[]
  readonly answerMessageId: string | null
}

/** How old a run is whose maker must have gone where it has no job, in milliseconds: no call takes so long. */
const longestMs = 600_000

/** Runs as people see them: their list, their trace, their cancellation; tests of roles; and the sweep of those left behind. */
export class RunService {
  readonly #context: Context
  readonly #log: Logger
  readonly #people: PeopleChecks
  readonly #ai: AiService
  readonly #answers: AnswerService

  constructor(context: Context, people: PeopleChecks, ai: AiService, answers: AnswerService) {
    this.#context = context
    this.#log = context.log.named("assistants.runs")
    this.#people = people
    this.#ai = ai
    this.#answers = answers
  }

  /** The newest first. @throws RuleError `FORBIDDEN` */
  async search(
    filter: { roleId?: string | undefined; state?: RunState | undefined },
    limit: number,
    cursor?: string,
  ): Promise<KeysetPage<AiRun>> {
    await this.#people.requireAdmin()
    return this.#context.stores.runs.search(filter, limit, cursor)
  }

  /**
   * A run with what the model was told, less what was deleted from the chat since.
   *
   * @throws RuleError `FORBIDDEN`, `NOT_FOUND`
   */
  async get(id: string): Promise<RunTrace> {
    await this.#people.requireAdmin()
    return this.#trace(await this.#run(id))
  }

  async #run(id: string): Promise<AiRun> {
    return (await this.#context.stores.runs.get(id)) ?? fail(absent("run", id))
  }

  async #trace(run: AiRun): Promise<RunTrace> {
    const { toolCalls, messages } = this.#context.stores
    const calls = await toolCalls.list({ where: { runId: run.id }, orderBy: { seq: "asc" } })
    const answer = await messages.find({ runId: run.id, senderType: "ai_role" })
    const prompt = run.prompt ?? []
    const ids = prompt.flatMap(({ message_id: id }) => (id === undefined ? [] : [id]))
    const told = await messages.list({ where: { id: ids, isDeleted: false }, limit: ids.length + 1 })
    const present = new Set(told.map(({ id }) => id))
    return {
      run,
      prompt: prompt.filter(({ message_id: id }) => id === undefined || present.has(id)),
      toolCalls: calls,
      answerMessageId: answer?.id ?? null,
    }
  }

  /**
   * Ends a run before its answer is there: at once where it is made in this process, else within a second.
   *
   * @throws RuleError `NOT_FOUND`, `FORBIDDEN` for others than who asked and administrators, `ILLEGAL_TRANSITION`
   */
  async cancel(id: string): Promise<AiRun> {
    const { stores, clock } = this.#context
    return transaction(async () => {
      const me = await this.#people.me()
      const before = (await stores.runs.lock(id)) ?? fail(absent("run", id))
      if (!me.isAdmin && (await this.#askerOf(before)) !== me.id) {
        throw commonRules.broken("FORBIDDEN", "Only who asked, or an administrator, cancels a run.")
      }
      if (isOver(before)) {
        throw commonRules.broken("ILLEGAL_TRANSITION", `A run cannot go from ${before.state} to cancelled.`, {
          members: { from: before.state, to: "cancelled", allowed: [] },
        })
      }
      const after = await stores.runs.update(id, { state: "cancelled", finishedAt: clock.now() })
      const ended = await this.#ai.endDescendants(id, "cancelled", "The run that it was part of was cancelled.")
      await stores.audit.record({
        action: "runs.cancel",
        entity: "ai_runs",
        entityId: id,
        before: stateOf(before),
        after: stateOf(after),
      })
      afterCommit(() => {
        for (const one of [id, ...ended]) this.#ai.abort(one)
        this.#log.info(`Cancelled run ${id}`, { run_id: id })
      })
      return after
    })
  }

  /** The person for whom a run is made: who wrote the message that the first of its kind answers. */
  async #askerOf(run: AiRun): Promise<string | null> {
    const { runs, messages } = this.#context.stores
    let first = run
    while (first.parentRunId !== null) {
      const parent = await runs.get(first.parentRunId)
      if (parent === undefined) break
      first = parent
    }
    if (first.triggerMessageId === null) return first.behalfOfId
    return (await messages.get(first.triggerMessageId))?.senderId ?? null
  }

  /**
   * Has a role answer a conversation that is nowhere stored, with its tools looked at but not used for changes.
   *
   * @throws RuleError `FORBIDDEN`, `NOT_FOUND`, `ROLE_INACTIVE`, `BUDGET_EXCEEDED`, `PROVIDER_FAILED`
   */
  async test(roleId: string, messages: readonly PromptMessage[]): Promise<Made & { run: AiRun }> {
    const me = await this.#people.requireAdmin()
    const role = (await this.#context.stores.roles.get(roleId)) ?? fail(absent("role", roleId))
    // Of a role that is only to be seen from here, nothing is to be tested.
    if (role.orgId !== tenant.current) throw absent("role", roleId)
    if (!role.isActive) throw rules.broken("ROLE_INACTIVE", `The role ${roleId} is not active.`)
    const signal = AbortSignal.timeout(longestMs / 2)
    return this.#ai.say({ orgId: role.orgId, roleId, trigger: "test", messages, behalfOfId: me.id, signal })
  }

  /** Forgets the prompt files of one role, or of all in the organisation. @throws RuleError `FORBIDDEN`, `NOT_FOUND` */
  async clearPromptCache(code?: string): Promise<void> {
    await this.#people.requireAdmin()
    const { stores, caches } = this.#context
    const { current } = tenant
    const named = code === undefined ? undefined : await stores.roles.getByCode(code, current)
    if (code !== undefined && named === undefined) throw absent("role", code)
    const cleared = named === undefined ? await stores.roles.listByOrg(current) : [named]
    const files = new Set(cleared.flatMap(({ promptFile }) => (promptFile === null ? [] : [promptFile])))
    for (const file of files) await caches.prompts.forget(file)
    this.#log.info(`Cleared ${files.size} prompt files from the cache`)
  }

  /**
   * Fails the runs of all organisations that are running and that nobody makes any more: their jobs are gone, or, where they
   * never had one, no call takes so long.
   */
  async sweep(): Promise<number> {
    const { stores } = this.#context
    const running = await tenant.unbounded(() =>
      stores.runs.list({ where: { state: "running" }, orderBy: { id: "asc" }, limit: 1_000 }),
    )
    if (running.length === 0) return 0
    const alive = await this.#withJob()
    let failed = 0
    for (const run of running) {
      if (alive.has(run.id)) continue
      // Each by itself: they are of many organisations.
      if (await withRequestScope(() => this.#failIfLeft(run, alive))) failed++
    }
    if (failed > 0) this.#log.warning(`Failed ${failed} runs that nobody made any more`)
    return failed
  }

  async #failIfLeft(run: AiRun, alive: ReadonlySet<string>): Promise<boolean> {
    if (!(await this.#isLeft(run, alive))) return false
    const fail = () => this.#answers.fail(run.id, "Whoever made it is gone.")
    return tenant.run(run.orgId, () => transaction(fail, { name: "failLeftRun" }))
  }

  /** Ids of the runs whose jobs wait or are done at this moment. */
  async #withJob(): Promise<Set<string>> {
    const { kind, queue, payload } = runExecute
    const ids = new Set<string>()
    for await (const job of this.#context.jobs.store.jobs.stream({ where: { queue, kind } })) {
      ids.add(payload.read(job.payload).runId)
    }
    return ids
  }

  async #isLeft(run: AiRun, alive: ReadonlySet<string>): Promise<boolean> {
    let first = run
    while (first.parentRunId !== null) {
      const { parentRunId } = first
      const parent = await tenant.unbounded(() => this.#context.stores.runs.get(parentRunId))
      if (parent === undefined || isOver(parent)) return true
      first = parent
    }
    if (first.trigger === "mention" || first.trigger === "auto") return !alive.has(first.id)
    return this.#context.clock.now().getTime() - (first.startedAt ?? first.createdAt).getTime() > longestMs
  }
}

function stateOf({ state }: AiRun) {
  return { state }
}
