import { DeclarationError, ValidationError } from "../errors/index.ts"
import { shown } from "../schema/index.ts"

type Part = { readonly text: string } | { readonly placeholder: string }

/** A pattern of logical keys, e.g. `project:{id}:detail`: texts between colons, each with a placeholder in braces or none. */
export class KeyPattern {
  readonly text: string
  readonly placeholders: readonly string[]
  readonly #parts: readonly Part[]
  readonly #expression: RegExp

  /** @throws DeclarationError where the text is no pattern */
  constructor(text: string) {
    this.text = text
    if (!/^(?:[\w.-]|\{\w+\})+(?::(?:[\w.-]|\{\w+\})+)*$/.test(text) || /\}[^:]*\{/.test(text)) {
      throw wrong(
        text,
        "Write words with colons between them, and one placeholder at most between two colons, e.g. project:{id}:detail.",
      )
    }
    if (/^(?:tag|set|state|\{)/.test(text) && /^(?:(?:tag|set|state)(?::|$)|\{)/.test(text)) {
      throw wrong(text, "Begin it with a word of your own; tag:, set: and state: are the library's.")
    }
    this.#parts = text
      .split(/(\{\w+\})/)
      .filter((part) => part !== "")
      .map((part) => (part.startsWith("{") ? { placeholder: part.slice(1, -1) } : { text: part }))
    this.placeholders = this.#parts.flatMap((part) => ("placeholder" in part ? [part.placeholder] : []))
    this.#expression = new RegExp(
      `^${this.#parts.map((part) => ("text" in part ? RegExp.escape(part.text) : "[^:]+")).join("")}$`,
    )
    if (new Set(this.placeholders).size < this.placeholders.length) throw wrong(text, "Name each placeholder once.")
  }

  /** The key for these values, one for each placeholder in their order. @throws ValidationError */
  key(values: readonly unknown[]): string {
    let key = ""
    let index = 0
    for (const part of this.#parts)
      key += "text" in part ? part.text : keyPart(this.text, part.placeholder, values[index++])
    return key
  }

  /** Whether a key is one of this pattern. */
  matches(key: string): boolean {
    return this.#expression.test(key)
  }

  /** Whether some key fits both patterns. */
  collides(other: KeyPattern): boolean {
    const [own, others] = [this.text.split(":"), other.text.split(":")]
    return own.length === others.length && own.every((segment, index) => segmentsMeet(segment, others[index] as string))
  }
}

function wrong(text: string, cure: string): DeclarationError {
  return new DeclarationError(`The cache key ${shown(text)} is no pattern.`, { cure })
}

/** A value as part of a key: what would make it ambiguous is escaped. */
export function keyPart(pattern: string, name: string, value: unknown): string {
  switch (typeof value) {
    case "number":
      if (Number.isFinite(value)) return String(value)
      break
    case "bigint":
    case "boolean":
      return String(value)
    case "string":
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they have no place in a key
      return /[%:*?[\]\\\s\u0000-\u001f\p{Surrogate}]/u.test(value) || value === "" ? escaped(value) : value
    case "object":
      if (value instanceof Date && !Number.isNaN(value.getTime())) return escaped(value.toISOString())
  }
  throw new ValidationError(`${shown(value)} cannot stand for {${name}} in the cache key ${pattern}.`, {
    cure: "Give a text, a number, a boolean or an instant.",
  })
}

function escaped(text: string): string {
  if (text === "") return "%"
  const parts = text.match(/\p{Surrogate}|\P{Surrogate}+/gu) as string[]
  return parts
    .map((part) => (part.isWellFormed() ? encodeURIComponent(part) : halfPair(part)))
    .join("")
    .replaceAll("*", "%2A")
}

/** Half a surrogate pair, which UTF-8 cannot say. */
const halfPair = (unit: string): string => `%u${unit.charCodeAt(0).toString(16)}`

/** Whether two segments may be the same text: what stands before the first and behind the last placeholder must agree. */
function segmentsMeet(one: string, other: string): boolean {
  const [a, b] = [edges(one), edges(other)]
  if (a === undefined && b === undefined) return one === other
  if (a === undefined || b === undefined) {
    const { before, behind } = (a ?? b) as { before: string; behind: string }
    const text = a === undefined ? one : other
    return text.startsWith(before) && text.endsWith(behind) && text.length > before.length + behind.length
  }
  const prefixes = a.before.startsWith(b.before) || b.before.startsWith(a.before)
  return prefixes && (a.behind.endsWith(b.behind) || b.behind.endsWith(a.behind))
}

function edges(segment: string): { before: string; behind: string } | undefined {
  const start = segment.indexOf("{")
  if (start === -1) return undefined
  return { before: segment.slice(0, start), behind: segment.slice(segment.lastIndexOf("}") + 1) }
}
