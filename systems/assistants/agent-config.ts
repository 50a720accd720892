import type { FieldProblem } from "rootstock/shared"
import { orderOf, reachedFrom } from "./ai/graph-order.ts"
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
  if (problems.length === 0 && orderOf(known, edges) === undefined) {
    problems.push({ path: `${place}/edges`, message: "lead in a circle" })
  }
  if (problems.length === 0 && !reachedFrom(entry, edges).has(graphEnd)) {
    problems.push({ path: `${place}/edges`, message: `do not lead from ${entry} to ${graphEnd}` })
  }
  return problems
}
