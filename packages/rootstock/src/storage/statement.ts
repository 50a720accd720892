import type { Registry, TableDefinition } from "../schema/index.ts"

/** Names in quotes, texts and comments, in which anything may stand. */
const quoted =
  /"(?:[^"]|"")*"|\b[eE]'(?:[^'\\]|\\[\s\S]|'')*'|'(?:[^']|'')*'|--[^\n]*|\/\*[\s\S]*?\*\/|\$(\w*)\$[\s\S]*?\$\1\$/g

/** The words and marks of SQL itself. */
const bare = (sql: string): string => sql.replace(quoted, " ")

const isSeveral = (text: string): boolean => /;\s*[^\s;]/.test(text)

const firstWord = (text: string): string | undefined => /^[\s(;]*([a-z]+)/i.exec(text)?.[1]?.toLowerCase()

/** Whether free SQL only reads; all other goes to the writer. What a function that it calls may write is not seen. */
export function isReading(sql: string): boolean {
  const text = bare(sql)
  if (isSeveral(text)) return false
  const word = firstWord(text)
  // An explained statement may be carried out for it.
  if (word === "with" || word === "explain") return !/\b(?:insert|update|delete|merge|replace)\b/i.test(text)
  if (word === "select") return !/\bfor\s+(?:no\s+key\s+)?(?:update|share|key\s+share)\b/i.test(text)
  return word === "values" || word === "table" || word === "show"
}

/** Statements that change no row of a declared table, some of which no transaction takes; a SELECT may lock rows. */
const rowless = new Set([
  "analyze",
  "checkpoint",
  "cluster",
  "comment",
  "create",
  "discard",
  "grant",
  "listen",
  "notify",
  "pragma",
  "reindex",
  "reset",
  "revoke",
  "select",
  "set",
  "unlisten",
  "vacuum",
])

/**
 * The declared tables that a statement may write: all that it names, in whatever place. A statement that names none may
 * write any (it calls a function, for instance), so then it is all tables; as with TRUNCATE, which may go on to any.
 */
export function tablesWritten(sql: string, registry: Registry): TableDefinition[] {
  const text = bare(sql)
  const first = firstWord(text)
  if (first !== undefined && rowless.has(first) && !isSeveral(text)) return []
  const all = [...registry.byName.values()]
  const words = new Set<string>()
  for (const [, name, plain] of sql.matchAll(/"((?:[^"]|"")+)"|([\p{L}_][\p{L}\p{N}_$]*)/gu)) {
    words.add((name?.replaceAll('""', '"') ?? (plain as string)).toLowerCase())
  }
  const named = all.filter(({ name }) => words.has(name.toLowerCase()))
  return named.length === 0 || words.has("truncate") ? all : named
}
