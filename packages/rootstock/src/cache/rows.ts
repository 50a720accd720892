import { DeclarationError } from "../errors/index.ts"
import { type AnyTable, type ColumnDefinition, definitionOf, type TableDefinition } from "../schema/index.ts"
import type { RowReader, RowSource, StorageClass } from "../storage/index.ts"
import { absent, type Coherence, type Kind, type Load, type Target, type Trace } from "./coherence.ts"
import { type Counters, newCounters } from "./counters.ts"
import { sizeOf } from "./frozen.ts"
import { type Life, type LifeOptions, lifeOf } from "./options.ts"
import { KeyPattern } from "./pattern.ts"
import { RowJson } from "./row-json.ts"
import { checkKeyColumns, keyValues, tableTag } from "./tags.ts"

export type RowsOptions = LifeOptions & {
  /** Pattern of the keys, with a placeholder for each column of the primary key, e.g. `user:{id}`. */
  key: string
  /**
   * What a write does to the rows that it changes: `invalidate` (default) forgets them, `refresh` loads them after the commit
   * in the background, whether they were kept or not, so that who reads them next need not. Of the rows that one
   * transaction changes the first 100 are loaded, and the others forgotten.
   */
  onWrite?: "invalidate" | "refresh"
}

/** Rows of a table that are cached by their key. Made by `cacheRows`, opened by `openCache`. */
export class CachedRows {
  readonly table: TableDefinition
  readonly pattern: KeyPattern
  readonly life: Life
  readonly refreshes: boolean

  constructor(table: TableDefinition, options: RowsOptions) {
    const pattern = new KeyPattern(options.key)
    const missing = table.primaryKey.filter((name) => !pattern.placeholders.includes(name))
    if (missing.length > 0 || pattern.placeholders.length !== table.primaryKey.length) {
      throw new DeclarationError(`The cache key ${options.key} does not fit the key of ${table.name}.`, {
        cure: `Give it a placeholder for each column of the key and no other: ${table.primaryKey.map((name) => `{${name}}`).join(", ")}.`,
      })
    }
    checkKeyColumns(`The cache key ${options.key}`, table, table.primaryKey)
    this.table = table
    this.pattern = pattern
    this.life = lifeOf(options.key, options)
    const { onWrite = "invalidate" } = options
    if (onWrite !== "invalidate" && onWrite !== "refresh") {
      throw new DeclarationError(`${options.key}: onWrite is ${JSON.stringify(onWrite)}.`, {
        cure: 'Give "invalidate" or "refresh".',
      })
    }
    this.refreshes = onWrite === "refresh"
  }

  /** The logical key of a row. */
  key(key: unknown): string {
    const values = keyValues(this.table, key)
    return this.pattern.key(this.pattern.placeholders.map((name) => values[name]))
  }
}

/**
 * Caches rows of a table by their key: `storage.get(key)` outside of transactions is served from the cache, and writes of
 * any kind make it forget or load again what they change, after their commit.
 *
 * @throws DeclarationError
 *
 * ### Examples
 *
 * ```ts
 * export const userCache = cacheRows(UserStorage, { key: "user:{id}", ttl: "1h", onWrite: "invalidate" })
 * const cache = await openCache(db, { caches: [userCache] })
 * await store.users.get(42) // from the database
 * await store.users.get(42) // from the cache
 * ```
 */
export function cacheRows(Class: Pick<StorageClass<AnyTable>, "table">, options: RowsOptions): CachedRows {
  return new CachedRows(definitionOf(Class.table), options)
}

/** A row, with its key in the form that the database keeps, and what loads it. */
type RowTarget = Target & { readonly rowKey: unknown; readonly load: Load }

/** Most targets that are remembered where there is no memory that bounds them. */
const mostTargets = 10_000

/** Cached rows of an opened cache: reads by key. */
export class RowKind implements Kind, RowReader {
  readonly rows: CachedRows
  readonly pattern: string
  readonly ttlMs: number
  readonly negativeTtlMs: number
  readonly softTtlMs: number | undefined
  readonly jitter: number
  readonly counters: Counters = newCounters()
  readonly trace: Trace | undefined
  readonly #json: RowJson
  readonly #tags: readonly string[]
  readonly #coherence: Coherence
  /** The rows past the cache; given by the storages. */
  source: RowSource | undefined
  /** Targets by the row's key, so that a hit needs no text of a key: those in memory, or where there is none, any. */
  readonly #targets = new Map<unknown, RowTarget>()
  readonly #single: boolean

  constructor(rows: CachedRows, coherence: Coherence, trace: Trace | undefined) {
    this.rows = rows
    this.trace = trace
    this.pattern = rows.pattern.text
    this.ttlMs = rows.life.ttlMs
    this.negativeTtlMs = rows.life.negativeTtlMs
    this.softTtlMs = rows.life.softTtlMs
    this.jitter = rows.life.jitter
    this.#json = new RowJson(rows.table)
    this.#tags = [tableTag(rows.table)]
    this.#coherence = coherence
    this.#single = rows.table.primaryKey.length === 1 && hasPlainKey(rows.table)
  }

  get(key: unknown): Promise<unknown> {
    const known = this.#targets.get(key)
    if (known !== undefined) {
      const value = this.#coherence.peek(known)
      if (value !== absent) return this.#promised(known, value)
    }
    return this.#read(key, known)
  }

  /** A promise for each reader would cost more than all else that a hit does. */
  #promised({ slot }: Target, value: unknown): Promise<unknown> {
    if (slot === undefined || this.#json.copies) return Promise.resolve(this.#handed(value))
    slot.given ??= Promise.resolve(value)
    return slot.given
  }

  #read(key: unknown, known: RowTarget | undefined): Promise<unknown> {
    const target = known ?? this.#asked(key)
    if (target.slot === undefined) (this.source as RowSource).count()
    else if (!this.#single) {
      const value = this.#coherence.peek(target)
      if (value !== absent) return this.#promised(target, value)
    }
    const value = this.#coherence.read(target, target.load)
    return this.#json.copies ? value.then((row) => this.#handed(row)) : value
  }

  #asked(key: unknown): RowTarget {
    // "42" is no key of a row that is kept under 42.
    ;(this.source as RowSource).check(key)
    const target = this.target(key)
    if (this.#single && this.#coherence.memory === undefined && target.rowKey === key) {
      if (this.#targets.size >= mostTargets) this.#targets.clear()
      this.#targets.set(key, target)
    }
    return target
  }

  /** The target of a row; the one in memory where there is one. */
  target(key: unknown): RowTarget {
    const text = this.rows.key(key)
    const kept = this.#coherence.memory?.find(text)
    if (kept !== undefined) return kept as RowTarget
    const { table } = this.rows
    const rowKey = this.#single ? keyValues(table, key)[table.primaryKey[0] as string] : undefined
    return { kind: this, key: text, tags: this.#tags, slot: undefined, rowKey, load: this.load(key) }
  }

  load(key: unknown): Load {
    return () => (this.source as RowSource).load(key)
  }

  #handed(value: unknown): unknown {
    return this.#json.copies && value !== undefined ? this.#json.copy(value as Record<string, unknown>) : value
  }

  encode(value: unknown): string {
    return this.#json.encode(value as Record<string, unknown>)
  }

  decode(text: string): unknown {
    return this.#json.decode(text)
  }

  freeze(value: unknown): unknown {
    return value === undefined ? undefined : this.#json.freeze(value as Record<string, unknown>)
  }

  sizeOf(value: unknown): number {
    return sizeOf(value) + 200
  }

  kept(target: Target): void {
    if (this.#single) this.#targets.set((target as RowTarget).rowKey, target as RowTarget)
  }

  left(target: Target): void {
    if (this.#single) this.#targets.delete((target as RowTarget).rowKey)
  }
}

/** Whether equal keys are identical: texts and numbers, not dates. */
function hasPlainKey({ column, primaryKey }: TableDefinition): boolean {
  const { type } = column.get(primaryKey[0] as string) as ColumnDefinition
  return type.kind !== "timestamp"
}
