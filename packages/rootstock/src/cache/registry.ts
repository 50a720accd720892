import { DeclarationError } from "../errors/index.ts"
import type { KeyPattern } from "./pattern.ts"
import type { ResultDeclaration } from "./results.ts"
import { CachedRows } from "./rows.ts"

/** What is declared to be cached: rows of a table, or what a function gives. */
export type CacheDeclaration = CachedRows | { readonly declaration: ResultDeclaration }

/** One line of the registry of keys. */
export type RegisteredKey = {
  readonly pattern: string
  readonly ttlMs: number
  /** Who fills it: the table, or the function. */
  readonly owner: string
  /** Tables whose writes touch it. */
  readonly tables: readonly string[]
  readonly onWrite: "invalidate" | "refresh"
}

/** The declarations, parted by what they cache. @throws DeclarationError where keys of two may be the same */
export function registerKeys(declarations: readonly CacheDeclaration[]): {
  rows: readonly CachedRows[]
  results: readonly ResultDeclaration[]
  keys: readonly RegisteredKey[]
} {
  const rows: CachedRows[] = []
  const results: ResultDeclaration[] = []
  const keys: (RegisteredKey & { readonly key: KeyPattern })[] = []
  for (const one of new Set(declarations)) {
    if (one instanceof CachedRows) {
      rows.push(one)
      const { pattern, table, life, refreshes } = one
      const onWrite = refreshes ? "refresh" : "invalidate"
      keys.push({
        key: pattern,
        pattern: pattern.text,
        ttlMs: life.ttlMs,
        owner: table.name,
        tables: [table.name],
        onWrite,
      })
    } else {
      const { pattern, life, owner, exampleTags } = one.declaration
      results.push(one.declaration)
      const tables = [...new Set(exampleTags.map(({ table }) => table.name))]
      keys.push({ key: pattern, pattern: pattern.text, ttlMs: life.ttlMs, owner, tables, onWrite: "invalidate" })
    }
  }
  keys.forEach(({ key, owner }, index) => {
    const other = keys.slice(index + 1).find((later) => later.key.collides(key))
    if (other === undefined) return
    throw new DeclarationError(
      `The cache keys ${key.text} (of ${owner}) and ${other.pattern} (of ${other.owner}) may be the same key.`,
      { cure: "Give one of them another first word, or another number of parts." },
    )
  })
  return { rows, results, keys: keys.map(({ key: _key, ...line }) => Object.freeze(line)) }
}
