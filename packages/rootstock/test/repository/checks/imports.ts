import { type Token, tokens } from "./tokens.ts"

export type Import = { readonly specifier: string; readonly line: number }

/** What a module imports or re-exports, types included. */
export function importsOf(source: string): Import[] {
  const all = tokens(source)
  return all.flatMap((token, at) =>
    token.kind === "string" && isSpecifier(all, at) ? [{ specifier: token.text, line: token.line }] : [],
  )
}

function isSpecifier(all: Token[], at: number): boolean {
  const previous = all[at - 1]
  const beforePrevious = all[at - 2]
  if (previous?.kind === "word" && previous.text === "import") return true
  if (previous?.kind === "mark" && previous.text === "(") {
    return beforePrevious?.kind === "word" && beforePrevious.text === "import"
  }
  // `from` ends a clause: `import { a } from`, `import a from`, `export * from`.
  const ends = beforePrevious?.kind === "word" || beforePrevious?.text === "}" || beforePrevious?.text === "*"
  return previous?.kind === "word" && previous.text === "from" && ends
}
