import type { Finding } from "./sources.ts"
import { type Token, tokens } from "./tokens.ts"

const forbiddenCalls: readonly (readonly string[])[] = [
  ["Date", ".", "now"],
  ["new", "Date", "(", ")"],
  ["Temporal", ".", "Now"],
]

const forbiddenSql = [
  /(?<![.\w])now\s*\(\s*\)/i,
  /\bCURRENT_(?:TIMESTAMP|DATE|TIME)\b/i,
  /\b(?:datetime|date|time|strftime|julianday|unixepoch)\s*\([^)]*'now'/i,
]

/** Finds where a source file takes the time from anything but the injected clock. */
export function checkClock(path: string, source: string): Finding[] {
  if (path.startsWith("packages/rootstock/src/clock/")) return []
  if (path.endsWith(".sql")) {
    return source.split("\n").flatMap((text, at) => sqlFindings(path, text.replace(/--.*/, ""), at + 1))
  }
  const all = tokens(source)
  return all.flatMap((token, at) => {
    if (token.kind === "string" || token.kind === "template") return sqlFindings(path, token.text, token.line)
    const call = forbiddenCalls.find((texts) => matches(all, at, texts)) ?? newWithoutParentheses(all, at)
    return call ? [{ path, line: token.line, problem: `reads the machine's time: ${call.join("")}` }] : []
  })
}

function matches(all: Token[], at: number, texts: readonly string[]): boolean {
  return texts.every((text, offset) => {
    const token = all[at + offset]
    return token?.text === text && (token.kind === "word" || token.kind === "mark")
  })
}

function newWithoutParentheses(all: Token[], at: number): readonly string[] | undefined {
  return matches(all, at, ["new", "Date"]) && !/^[(.[<]$/.test(all[at + 2]?.text ?? "") ? ["new Date"] : undefined
}

function sqlFindings(path: string, text: string, line: number): Finding[] {
  const found = forbiddenSql.map((pattern) => pattern.exec(text)?.[0]).find((match) => match !== undefined)
  return found === undefined ? [] : [{ path, line, problem: `reads the engine's time: ${found}` }]
}
