import type { FieldProblem } from "rootstock/shared"
import type { AgentType } from "./schema.ts"
import { type AgentConfig, type AgentGraph, graphEnd } from "./shapes.ts"

/**
 * What is wrong with how a role is to answer, beyond the shapes of the fields. An empty configuration fits every type.
 */
export function agentProblems(agentType: AgentType, { steps, graph }: AgentConfig): FieldProblem[] {
  const place = "body/agent_config"
  const problems: FieldProblem[] = []
  if (steps !== undefined && agentType === "multi_agent") {
    problems.push({ path: `${place}/steps`, message: "is for the agent type chain" })
  }
  if (graph !== undefined && agentType === "chain") {
    problems.push({ path: `${place}/graph`, message: "is for the agent type multi_agent" })
  }
  if (graph !== undefined) problems.push(...graphProblems(graph, `${place}/graph`))
  return problems
}

function graphProblems({ nodes, edges, entry }: AgentGraph, place: string): FieldProblem[] {
  const problems: FieldProblem[] = []
  const known = new Set<string>()
  for (const [index, { id }] of nodes.entries()) {
    if (id === graphEnd) problems.push({ path: `${place}/nodes/${index}/id`, message: "is the name of the end" })
    if (known.has(id)) problems.push({ path: `${place}/nodes/${index}/id`, message: "is used twice" })
    known.add(id)
  }
  if (!known.has(entry)) problems.push({ path: `${place}/entry`, message: "is no node" })
  for (const [index, { from, to }] of edges.entries()) {
    if (!known.has(from)) problems.push({ path: `${place}/edges/${index}/from`, message: "is no node" })
    if (!known.has(to) && to !== graphEnd) {
      problems.push({ path: `${place}/edges/${index}/to`, message: `is neither a node nor ${graphEnd}` })
    }
  }
  if (problems.length === 0 && hasCycle([...known], edges)) {
    problems.push({ path: `${place}/edges`, message: "lead in a circle" })
  }
  return problems
}

/** Whether edges lead from a node back to itself: then not every node can be taken away after all that lead to it. */
function hasCycle(nodes: readonly string[], edges: AgentGraph["edges"]): boolean {
  const incoming = new Map(nodes.map((node) => [node, 0]))
  for (const { to } of edges) if (to !== graphEnd) incoming.set(to, (incoming.get(to) ?? 0) + 1)
  const free = nodes.filter((node) => incoming.get(node) === 0)
  let removed = 0
  for (let node = free.pop(); node !== undefined; node = free.pop()) {
    removed += 1
    for (const { from, to } of edges) {
      if (from !== node || to === graphEnd) continue
      const left = (incoming.get(to) ?? 0) - 1
      incoming.set(to, left)
      if (left === 0) free.push(to)
    }
  }
  return removed < nodes.length
}
