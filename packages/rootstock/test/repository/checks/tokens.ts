/** A piece of TypeScript source; comments and white space give none. */
export type Token = {
  readonly kind: "word" | "string" | "template" | "mark"
  /** The piece itself; of a string and of a template's fixed part, what stands between the quotes. */
  readonly text: string
  readonly line: number
}

const marks = /^(?:[=!]==?|=>|\?\.|\.\.\.|.)/su
const word = /^[\p{ID_Start}$_#][\p{ID_Continue}$]*/u
const regularExpression = /^\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/
/** Words after which a slash begins a regular expression. */
const beforeExpression = new Set(["return", "typeof", "case", "in", "of", "await", "yield", "throw", "else", "do"])

/** Cuts TypeScript source into tokens, exactly enough to find imports, calls and comparisons. */
export function tokens(source: string): Token[] {
  const found: Token[] = []
  let position = 0
  let line = 1

  scan(undefined)
  return found

  /** Reads until `end` closes the present `${`, or until the end of the source. */
  function scan(end: "}" | undefined): void {
    let depth = 0
    while (position < source.length) {
      const rest = source.slice(position, position + 4096)
      if (rest.startsWith("//")) skip(lengthUpTo("\n"))
      else if (rest.startsWith("/*")) skip(lengthUpTo("*/") + 2)
      else if (rest[0] === '"' || rest[0] === "'") readString(rest[0])
      else if (rest[0] === "`") readTemplate()
      else if (/^\s/.test(rest)) skip(1)
      else if (rest[0] === "/" && expressionMayBegin() && regularExpression.test(rest)) {
        skip(regularExpression.exec(rest)?.[0].length ?? 1)
        found.push({ kind: "mark", text: "/regular expression/", line })
      } else {
        const name = word.exec(rest)?.[0] ?? /^[\d.][\w.]*\d|^\d/.exec(rest)?.[0]
        const text = name ?? marks.exec(rest)?.[0] ?? ""
        if (text === "{") depth += 1
        if (text === "}" && depth-- === 0 && end === "}") {
          skip(1)
          return
        }
        found.push({ kind: name === undefined ? "mark" : "word", text, line })
        skip(text.length)
      }
    }
  }

  function readString(quote: string): void {
    const start = position + 1
    const from = line
    skip(1)
    while (position < source.length && source[position] !== quote) skip(source[position] === "\\" ? 2 : 1)
    found.push({ kind: "string", text: source.slice(start, position), line: from })
    skip(1)
  }

  function readTemplate(): void {
    skip(1)
    let start = position
    let from = line
    const close = () => found.push({ kind: "template", text: source.slice(start, position), line: from })
    while (position < source.length && source[position] !== "`") {
      if (source.startsWith("${", position)) {
        close()
        skip(2)
        scan("}")
        start = position
        from = line
      } else skip(source[position] === "\\" ? 2 : 1)
    }
    close()
    skip(1)
  }

  function expressionMayBegin(): boolean {
    const previous = found.at(-1)
    if (previous === undefined) return true
    if (previous.kind === "word") return beforeExpression.has(previous.text)
    return previous.kind === "mark" && previous.text !== ")" && previous.text !== "]" && previous.text !== "}"
  }

  function lengthUpTo(text: string): number {
    const at = source.indexOf(text, position)
    return (at === -1 ? source.length : at) - position
  }

  function skip(count: number): void {
    for (const character of source.slice(position, position + count)) if (character === "\n") line += 1
    position += count
  }
}
