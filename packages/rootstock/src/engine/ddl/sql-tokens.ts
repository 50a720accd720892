/** A piece of SQL. Spaces and comments are not kept; `text` is as written. */
export type SqlToken = {
  readonly kind: "word" | "quoted" | "string" | "number" | "symbol"
  readonly text: string
  /** For names: without quotes; for others as `text`. */
  readonly name: string
  /** Place in the SQL. */
  readonly start: number
  readonly end: number
}

const patterns =
  /(?<space>\s+|--[^\n]*|\/\*[\s\S]*?\*\/)|(?<string>[xX]?'(?:[^']|'')*')|(?<quoted>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\])|(?<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\d+)|(?<word>[\p{L}_][\p{L}\p{N}_$]*)|(?<symbol>\|\||<>|!=|<=|>=|==|->>|->|::|[\s\S])/uy

/** Takes SQL apart. */
export function tokenize(sql: string): SqlToken[] {
  const tokens: SqlToken[] = []
  patterns.lastIndex = 0
  while (patterns.lastIndex < sql.length) {
    const start = patterns.lastIndex
    const groups = patterns.exec(sql)!.groups!
    const end = patterns.lastIndex
    if (groups["space"] !== undefined) continue
    const text = sql.slice(start, end)
    const kind = (["string", "quoted", "number", "word", "symbol"] as const).find((one) => groups[one] !== undefined)!
    tokens.push({ kind, text, name: kind === "quoted" ? unquote(text) : text, start, end })
  }
  return tokens
}

function unquote(text: string): string {
  const inner = text.slice(1, -1)
  return text[0] === "[" ? inner : inner.replaceAll(text[0]! + text[0]!, text[0]!)
}

/** The SQL with the column `from` called `to`. Names of functions and texts stay as they are. */
export function renameColumnInSql(sql: string, from: string, to: string): string {
  let result = ""
  let copied = 0
  const tokens = tokenize(sql)
  for (const [at, token] of tokens.entries()) {
    const named =
      token.kind === "quoted" ? token.name === from : token.kind === "word" && token.name.toLowerCase() === from
    if (!named || tokens[at + 1]?.text === "(") continue
    result += sql.slice(copied, token.start) + (token.kind === "quoted" ? `"${to}"` : to)
    copied = token.end
  }
  return result + sql.slice(copied)
}

/** Words that name something only in quotes. https://www.sqlite.org/lang_keywords.html */
const reserved = new Set(
  "add all alter and as autoincrement between case check collate commit constraint create default deferrable delete distinct drop else escape except exists foreign from group having in index insert intersect into is isnull join limit not notnull null on or order primary references returning select set table then to transaction union unique update using values when where".split(
    " ",
  ),
)

const wordForm = /^[a-z_][a-z0-9_$]*$/

/**
 * SQL in one spelling, so that texts that differ in spaces, in the case of words, or in quotes that are not needed, are equal.
 * Parentheses around the whole are dropped.
 */
export function canonicalSql(sql: string): string {
  const parts = tokenize(sql).map(({ kind, text, name }) => {
    if (kind === "word") return text.toLowerCase()
    if (kind === "quoted") return wordForm.test(name) && !reserved.has(name) ? name : `"${name.replaceAll('"', '""')}"`
    return text === "==" ? "=" : text === "!=" ? "<>" : text
  })
  while (parts[0] === "(" && closes(parts) === parts.length - 1) parts.splice(0, parts.length, ...parts.slice(1, -1))
  return parts.join(" ")
}

function closes(parts: readonly string[]): number {
  let depth = 0
  for (const [at, part] of parts.entries()) {
    if (part === "(") depth++
    if (part === ")" && --depth === 0) return at
  }
  return -1
}
