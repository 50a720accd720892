import type { AgentType } from "../schema.ts"
import { type AgentConfig, type AgentGraph, type ChainStep, graphEnd, mostSteps } from "../shapes.ts"
import { orderOf, reachedFrom } from "./graph-order.ts"

/** One thing that a model is asked on the way to an answer. */
export type AgentStep = {
  /** Under which later steps see its text. */
  readonly key: string
  /** What it is told beside the conversation. */
  readonly instruction: string | undefined
  /** Keys of the earlier steps whose texts it sees. */
  readonly sees: readonly string[]
  /** Whether its text is part of the answer. */
  readonly final: boolean
}

const single: readonly AgentStep[] = [{ key: "answer", instruction: undefined, sees: [], final: true }]

/**
 * What a role asks its model, in order. A chain goes through its steps, each of which sees all before it; a graph goes from
 * its entry along the edges, and each node sees those that lead to it. A config that is empty or does not fit is `simple`.
 */
export function stepsOf({
  agentType,
  agentConfig,
}: {
  agentType: AgentType
  agentConfig: AgentConfig
}): readonly AgentStep[] {
  const config: AgentConfig = agentConfig ?? {}
  if (agentType === "chain") return chain(config.steps) ?? single
  if (agentType === "multi_agent") return graph(config.graph) ?? single
  return single
}

const isText = (value: unknown): value is string => typeof value === "string" && value.trim() !== ""

function chain(steps: readonly ChainStep[] | undefined): AgentStep[] | undefined {
  if (!Array.isArray(steps) || steps.length === 0 || steps.length > mostSteps) return undefined
  if (!steps.every((one) => isText(one?.instruction))) return undefined
  const keys = steps.map(({ output_key: key }, at) => (isText(key) ? key : `step_${at + 1}`))
  if (new Set(keys).size < keys.length) return undefined
  return steps.map(({ instruction }, at) => ({
    key: keys[at]!,
    instruction,
    sees: keys.slice(0, at),
    final: at === steps.length - 1,
  }))
}

/** The nodes that can be reached, each behind all that lead to it; undefined where that is not possible, as in a cycle. */
function graph(given: AgentGraph | undefined): AgentStep[] | undefined {
  const { nodes, edges, entry } = given ?? {}
  if (!Array.isArray(nodes) || !Array.isArray(edges) || nodes.length === 0 || nodes.length > mostSteps) return undefined
  if (!nodes.every((one) => isText(one?.id) && isText(one.instruction) && one.id !== graphEnd)) return undefined
  const byId = new Map(nodes.map((node) => [node.id, node]))
  if (byId.size < nodes.length || !byId.has(entry as string)) return undefined
  const isKnown = (id: unknown) => byId.has(id as string) || id === graphEnd
  if (!edges.every((one) => byId.has(one?.from) && isKnown(one.to))) return undefined
  const reached = reachedFrom(entry as string, edges)
  if (!reached.delete(graphEnd)) return undefined
  const ordered = orderOf(reached, edges)
  if (ordered === undefined) return undefined
  const within = edges.filter(({ from, to }) => reached.has(from) && reached.has(to))
  return ordered.map((id) => ({
    key: id,
    instruction: byId.get(id)!.instruction,
    sees: [...new Set(within.filter(({ to }) => to === id).map(({ from }) => from))],
    final: edges.some(({ from, to }) => from === id && to === graphEnd),
  }))
}
