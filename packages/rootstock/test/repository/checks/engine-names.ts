import type { Finding } from "./sources.ts"
import { tokens } from "./tokens.ts"

const names = new Set(["sqlite", "postgres", "postgresql", "pg"])
const comparisons = new Set(["===", "!==", "==", "!="])

/** Finds where a source file outside engine/ branches on the name of an engine. */
export function checkEngineNames(path: string, source: string): Finding[] {
  if (path.startsWith("packages/rootstock/src/engine/")) return []
  const all = tokens(source)
  return all.flatMap((token, at) => {
    if (token.kind === "mark" || token.kind === "word" || !names.has(token.text)) return []
    const around = [all[at - 1], all[at + 1]]
    const compared = around.some((other) => other?.kind === "mark" && comparisons.has(other.text))
    const switched = around[0]?.kind === "word" && around[0].text === "case" && around[1]?.text === ":"
    return compared || switched ? [{ path, line: token.line, problem: `asks for the engine "${token.text}"` }] : []
  })
}
