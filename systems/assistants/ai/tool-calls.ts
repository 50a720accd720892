import { transaction, withRequestScope } from "rootstock"
import { elapsed } from "rootstock/clock"
import { bodyCheck } from "rootstock/fields"
import { RuleError } from "rootstock/shared"
import type { AiToolCall } from "../schema.ts"
import type { Stores } from "../storages/index.ts"
import { RunOverError } from "./errors.ts"
import { storable, type ToolDescription, type ToolRequest } from "./provider.ts"
import { type Tool, type ToolContext, ToolError } from "./tools/tool.ts"

/** A call of a tool as it was kept, or would be. */
export type KeptCall = Pick<AiToolCall, "tool" | "args" | "result" | "state">

/** The tools of the assistants by their names, each with the check of its arguments. */
export class ToolBox {
  readonly #tools: ReadonlyMap<string, { tool: Tool; check: ReturnType<typeof bodyCheck> }>

  constructor(tools: readonly Tool[]) {
    this.#tools = new Map(tools.map((tool) => [tool.name, { tool, check: bodyCheck(tool.args.schema) }]))
  }

  /** What a model is told of those tools that there are. */
  describe(names: readonly string[]): ToolDescription[] {
    return [...this.#tools.values()]
      .filter(({ tool }) => names.includes(tool.name))
      .map(({ tool: { name, description, args } }) => ({ name, description, parameters: args.schema }))
  }

  /** A tool with the arguments that it is to be called with. @throws ToolError where they do not fit */
  prepared(name: string, json: unknown): { tool: Tool; args: unknown } {
    const { tool, check } = this.#tools.get(name) as { tool: Tool; check: ReturnType<typeof bodyCheck> }
    const checked = check(json)
    if ("error" in checked) throw new ToolError(checked.error.message.replaceAll("body/", ""))
    return { tool, args: tool.args.fromJson === undefined ? json : tool.args.fromJson(json as never) }
  }
}

/** Most characters of what a tool answers that a model is told. */
const longestResult = 8_000

export type ToolCallsOptions = {
  readonly stores: Stores
  readonly box: ToolBox
  readonly context: ToolContext
  /** Names of the tools that the role may use. */
  readonly allowed: readonly string[]
  /** Calls that earlier attempts at the run kept, in order. */
  readonly earlier: readonly AiToolCall[]
  /** Nothing is stored, and tools that change something are not called: for a test of a role. */
  readonly dry: boolean
}

/**
 * The calls of tools for one attempt at a run. Each is kept under the run and its number in the transaction of its effect:
 * a call that an earlier attempt made is not made again, and of two attempts at the same time only one can make it.
 */
export class ToolCalls {
  readonly made: KeptCall[] = []
  readonly #options: ToolCallsOptions
  readonly #earlier: AiToolCall[]
  #seq: number

  constructor(options: ToolCallsOptions) {
    this.#options = options
    this.#earlier = [...options.earlier]
    this.#seq = options.earlier.at(-1)?.seq ?? 0
  }

  /** What earlier attempts called, as the model is told of it. */
  get called(): (ToolRequest & { result: string })[] {
    return this.#options.earlier.map(({ seq, tool, args, result }) => ({
      id: `call_${seq}`,
      tool,
      args: JSON.stringify(args),
      result: told(result),
    }))
  }

  /** Calls a tool; gives what the model is told. @throws what is no fault of the call, such as the end of the run */
  call(request: ToolRequest): Promise<string> {
    // However many calls a model makes, each stands for itself.
    return withRequestScope(() => this.#call(request))
  }

  async #call({ tool: name, args: text }: ToolRequest): Promise<string> {
    const json = parsed(text)
    const args = json ?? { text: storable(text).slice(0, 1_000) }
    const twin = this.#earlier.findIndex((one) => one.tool === name && sameJson(one.args, args))
    if (twin !== -1) return told(this.#earlier.splice(twin, 1)[0]!.result)
    const began = elapsed()
    const call = (state: AiToolCall["state"], effect: () => Promise<unknown>) =>
      this.#keep({ tool: name.slice(0, 50), args, state }, effect, began)
    const refuse = (state: "denied" | "error", error: string) => call(state, async () => ({ error }))
    if (!this.#options.allowed.includes(name)) {
      return refuse("denied", `The tool ${JSON.stringify(name)} is not allowed here.`)
    }
    try {
      if (json === undefined) throw new ToolError("The arguments are no JSON object.")
      return await call("ok", await this.#begin(name, json))
    } catch (error) {
      if (!(error instanceof ToolError || error instanceof RuleError)) throw error
      return refuse("error", error.message)
    }
  }

  async #begin(name: string, json: object): Promise<() => Promise<unknown>> {
    const { context, box, dry } = this.#options
    const { tool, args } = box.prepared(name, json)
    return dry && !tool.readsOnly ? async () => ({ dry_run: true }) : tool.begin(args, context)
  }

  /** Has the effect of a call and stores the call, in one transaction, as long as the run is running. */
  async #keep(call: Omit<KeptCall, "result">, effect: () => Promise<unknown>, began: number): Promise<string> {
    const { context, stores, dry } = this.#options
    const seq = this.#seq + 1
    const result = await transaction(
      async () => {
        if (dry) return effect()
        // The run before all that hangs on it: so is it locked by those who cancel it.
        const run = await stores.runs.lock(context.run.id)
        if (run?.state !== "running") throw new RunOverError(context.run.id)
        const result = await effect()
        const latencyMs = Math.round(elapsed() - began)
        await stores.toolCalls.create({ ...call, runId: run.id, seq, result, latencyMs })
        return result
      },
      { name: `tool ${call.tool}` },
    )
    this.#seq = seq
    this.made.push({ ...call, result })
    return told(result)
  }
}

function parsed(text: string): object | undefined {
  try {
    const json: unknown = JSON.parse(text === "" ? "{}" : text)
    return typeof json === "object" && json !== null && !Array.isArray(json) ? json : undefined
  } catch {
    return undefined
  }
}

function told(result: unknown): string {
  const text = JSON.stringify(result)
  return text.length > longestResult ? `${text.slice(0, longestResult).toWellFormed()}…` : text
}

function sameJson(one: unknown, other: unknown): boolean {
  return canonical(one) === canonical(other)
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, one: unknown) =>
    typeof one === "object" && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  )
}
