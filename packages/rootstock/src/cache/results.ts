import { DeclarationError, ValidationError } from "../errors/index.ts"
import { shown } from "../schema/index.ts"
import { currentSession, transaction } from "../session/index.ts"
import { outsideScopes } from "../storage/index.ts"
import { absent, type Coherence, type Kind, type Load, type Target, type Trace } from "./coherence.ts"
import { type Counters, newCounters } from "./counters.ts"
import { freezeDeep, sizeOf } from "./frozen.ts"
import { cacheOf, openedCaches } from "./opened.ts"
import { type Life, type LifeOptions, lifeOf } from "./options.ts"
import { KeyPattern } from "./pattern.ts"
import { areOfKey, columnsTag, type Tag, tableTag } from "./tags.ts"
import { decodeValue, encodeValue } from "./value-json.ts"

export type ResultOptions<A extends readonly unknown[]> = LifeOptions & {
  /**
   * The rows that the result depends on. It may only pass its arguments on: it is called once at start with placeholders,
   * to learn the tables and columns.
   */
  tags?: (...values: A) => readonly Tag[]
}

type KeyValue = string | number | bigint | boolean | Date

/** What a function gives, cached by its arguments: call it like the function. Made by `cacheResult`. */
export type CachedResult<A extends readonly KeyValue[], R> = {
  /** The result: from the cache, or from the function. Inside a transaction always from the function. */
  (...values: A): Promise<R>
  readonly declaration: ResultDeclaration
  /** The logical key of a result. */
  key(...values: A): string
  /** Forgets a result; in a transaction after its commit. */
  forget(...values: A): Promise<void>
}

/** What was declared of cached results. */
export class ResultDeclaration {
  readonly pattern: KeyPattern
  readonly life: Life
  /** The name of the function, for people. */
  readonly owner: string
  readonly load: (...values: never[]) => unknown
  readonly #tags: ((...values: never[]) => readonly Tag[]) | undefined

  constructor(key: string, options: ResultOptions<never[]>, load: (...values: never[]) => unknown) {
    this.pattern = new KeyPattern(key)
    this.life = lifeOf(key, options)
    this.owner = load.name === "" ? "(a function)" : load.name
    // What is kept for all scopes is made in none: a function that asks a storage in a scope takes its value as argument.
    this.load = (...values) => outsideScopes(() => load(...values))
    this.#tags = options.tags
    this.#refuseMore(load.length, (counts) => new DeclarationError(`The function of ${key} takes ${counts}.`, moreCure))
  }

  /** Two calls that differ in an argument without a place would share a key. */
  #refuseMore(count: number, error: (counts: string) => Error): void {
    const places = this.pattern.placeholders.length
    if (count > places) throw error(`${count} arguments, but the key has places for ${places} of them`)
  }

  /** @throws ValidationError for more arguments than the key has places */
  checkCount(values: readonly unknown[]): void {
    this.#refuseMore(
      values.length,
      (counts) => new ValidationError(`${this.pattern.text} was given ${counts}.`, moreCure),
    )
  }

  /** The tags, asked for with placeholders. @throws DeclarationError */
  get exampleTags(): readonly Tag[] {
    try {
      return this.tags(this.pattern.placeholders)
    } catch (cause) {
      throw new DeclarationError(`The tags of ${this.pattern.text} cannot be found out.`, {
        cure: "Let `tags` only pass its arguments on, e.g. (id) => [projects.row(id)].",
        cause,
      })
    }
  }

  tags(values: readonly unknown[]): readonly Tag[] {
    return this.#tags?.(...(values as never[])) ?? []
  }
}

const moreCure = { cure: "Put a placeholder for each argument into the key." }

/**
 * Caches what a function gives, by its arguments, which stand for the placeholders of the key in their order.
 * Arguments that read alike, such as 7 and "7", are the same key.
 *
 * What it depends on is said by `tags`; a write through storages or raw SQL that touches such rows makes it forget.
 * The function runs outside of every `Scope`, since its result is given in all of them: what it needs of one it takes as an
 * argument, and sets it itself (`(orgId, id) => organisation.run(orgId, () => …)`).
 *
 * The result is plain data: objects, arrays, texts, numbers, bigints, booleans, dates; it comes frozen.
 *
 * @throws DeclarationError
 *
 * ### Examples
 *
 * ```ts
 * export const projectDetail = cacheResult(
 *   "project:{id}:detail",
 *   { ttl: "1h", tags: (id) => [projects.row(id), participants.where({ projectId: id })] },
 *   async (id: number) => buildDetail(id),
 * )
 * await projectDetail(7)
 * ```
 */
export function cacheResult<A extends readonly KeyValue[], R>(
  key: string,
  options: ResultOptions<NoInfer<A>>,
  load: (...values: A) => R | Promise<R>,
): CachedResult<A, R> {
  const declaration = new ResultDeclaration(key, options as never, load as never)
  const read = async (...values: A): Promise<R> => {
    declaration.checkCount(values)
    const cache = currentSession() === undefined ? cacheHaving(declaration) : undefined
    if (cache === undefined) return declaration.load(...(values as readonly unknown[] as never[])) as R
    return cache.kindOf(declaration).get(values) as Promise<R>
  }
  return Object.freeze(
    Object.assign(read, {
      declaration,
      key: (...values: A) => declaration.pattern.key(values),
      forget: async (...values: A) => cacheHaving(declaration)?.forget([declaration.pattern.key(values)]),
    }),
  )
}

/**
 * Makes a function forget results after it: keys are patterns whose placeholders stand for its arguments in their order, or
 * a function of its arguments. It runs in a transaction, and they are forgotten after its commit.
 *
 * @throws DeclarationError where a key is of no pattern that the database's cache knows
 *
 * ### Examples
 *
 * ```ts
 * export const setTitle = invalidates(["project:{id}:detail"], async (id: number, title: string) => { … })
 * ```
 */
export function invalidates<A extends unknown[], R>(
  keys: readonly string[] | ((...values: A) => readonly string[]),
  work: (...values: A) => R | Promise<R>,
): (...values: A) => Promise<R> {
  const patterns = typeof keys === "function" ? undefined : keys.map((key) => new KeyPattern(key))
  for (const pattern of patterns ?? []) {
    if (pattern.placeholders.length > work.length && work.length > 0) {
      throw new DeclarationError(
        `The key ${shown(pattern.text)} has more placeholders than the function has arguments.`,
        {
          cure: "Give a function that makes the keys from the arguments.",
        },
      )
    }
  }
  const keysOf = (values: A): readonly string[] =>
    typeof keys === "function" ? keys(...values) : (patterns as KeyPattern[]).map((pattern) => pattern.key(values))
  return (...values) =>
    transaction(
      async () => {
        const forgotten = keysOf(values)
        const result = await work(...values)
        for (const key of forgotten) await forgetKey(key)
        return result
      },
      work.name === "" ? {} : { name: work.name },
    )
}

/** Forgets a key with the transaction. @throws DeclarationError where its database has a cache that knows no such key */
async function forgetKey(key: string): Promise<void> {
  const cache = cacheOf(key, (one) => one.owns(key))
  if (cache !== undefined) return cache.forget([key])
  const host = currentSession()?.host
  if (![...openedCaches].some((one) => one.host === host)) return
  throw new DeclarationError(`The cache key ${shown(key)} is of no pattern that is cached.`, {
    cure: "Correct it, or give openCache what it is a key of.",
  })
}

function cacheHaving(declaration: ResultDeclaration) {
  return cacheOf(declaration.pattern.text, (cache) => cache.has(declaration))
}

/** Cached results of an opened cache. */
export class ResultKind implements Kind {
  readonly declaration: ResultDeclaration
  readonly pattern: string
  readonly ttlMs: number
  readonly negativeTtlMs: number
  readonly softTtlMs: number | undefined
  readonly jitter: number
  readonly counters: Counters = newCounters()
  readonly trace: Trace | undefined
  readonly #coherence: Coherence
  /** Tables and columns of the tags that writes know of. */
  readonly #known: ReadonlySet<string>

  constructor(declaration: ResultDeclaration, coherence: Coherence, trace: Trace | undefined) {
    this.declaration = declaration
    this.trace = trace
    this.pattern = declaration.pattern.text
    this.ttlMs = declaration.life.ttlMs
    this.negativeTtlMs = declaration.life.negativeTtlMs
    this.softTtlMs = declaration.life.softTtlMs
    this.jitter = declaration.life.jitter
    this.#coherence = coherence
    this.#known = new Set(declaration.exampleTags.map(goesBy))
  }

  async get(values: readonly unknown[]): Promise<unknown> {
    const target = this.#target(values)
    if (target.slot !== undefined) {
      const value = this.#coherence.peek(target)
      if (value !== absent) return value
    }
    const load: Load = async () => this.declaration.load(...(values as readonly unknown[] as never[]))
    return this.#coherence.read(target, load)
  }

  #target(values: readonly unknown[]): Target {
    const key = this.declaration.pattern.key(values)
    const kept = this.#coherence.memory?.find(key)
    if (kept !== undefined) return kept
    const tags = new Set<string>()
    for (const tag of this.declaration.tags(values)) {
      if (!this.#known.has(goesBy(tag))) throw this.#unknown(tag)
      tags.add(tag.key)
      if (!areOfKey(tag.table, tag.columns)) tags.add(columnsTag(tag.table, tag.columns))
      tags.add(tableTag(tag.table))
    }
    return { kind: this, key, tags: [...tags], slot: undefined }
  }

  #unknown(tag: Tag): DeclarationError {
    return new DeclarationError(`A tag of ${this.pattern} goes by ${goesBy(tag)}, which was not known at the start.`, {
      cure: "Let `tags` give the same tags whatever its arguments are, e.g. (id) => [projects.row(id)].",
    })
  }

  encode(value: unknown): string {
    return encodeValue(value)
  }

  decode(text: string): unknown {
    return freezeDeep(this.pattern, decodeValue(text))
  }

  freeze(value: unknown): unknown {
    return freezeDeep(this.pattern, value)
  }

  sizeOf(value: unknown): number {
    return sizeOf(value) + 200
  }

  readonly kept = nothing
  readonly left = nothing
}

/** What of a table a tag goes by, e.g. `people by id`. */
function goesBy({ table, columns }: Tag): string {
  return columns.length === 0 ? `all ${table.name}` : `${table.name} by ${columns.join(", ")}`
}

/** Results are found by their keys: nothing is to be remembered of them. */
const nothing = (): void => undefined
