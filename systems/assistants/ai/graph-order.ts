import { type AgentGraph, graphEnd } from "../shapes.ts"

/** What can be reached from a node along the edges, itself included; the end, too. */
export function reachedFrom(entry: string, edges: AgentGraph["edges"]): Set<string> {
  const reached = new Set([entry])
  for (const id of reached) for (const { from, to } of edges) if (from === id) reached.add(to)
  return reached
}

/**
 * Nodes in an order in which each stands behind all that lead to it; undefined where there is none, as in a circle. Edges to
 * the end, and those of other nodes, do not count.
 */
export function orderOf(nodes: Iterable<string>, edges: AgentGraph["edges"]): string[] | undefined {
  const all = new Set(nodes)
  const within = edges.filter(({ from, to }) => to !== graphEnd && all.has(from) && all.has(to))
  const ordered = new Set<string>()
  while (ordered.size < all.size) {
    const next = [...all].find(
      (id) => !ordered.has(id) && within.every(({ from, to }) => to !== id || ordered.has(from)),
    )
    if (next === undefined) return undefined
    ordered.add(next)
  }
  return [...ordered]
}
