import type { Target } from "../coherence.ts"
import type { Found } from "./batches.ts"
import type { Link } from "./ports.ts"

/** What is asked of one target; `found` is there once its batch was answered. */
export type Asked = { readonly target: Target; readonly answered: Promise<void>; found: Found }

/** Keys that one question asks for at most. */
const mostKeys = 400
/** Names are looked through one by one up to here. */
const fewTags = 4

const failed: Found = { state: "failed" }

/** One question to Redis: each key and each tag once. Many hold a single key, so nothing is made that one does not need. */
export class Batch {
  readonly link: Link
  readonly epoch: number
  readonly generation: number
  /** One promise for all: a promise for each of them would cost more than the rest. */
  readonly answered: Promise<void>
  readonly resolve: () => void
  readonly asked: Asked[] = []
  #byKey: Map<string, Asked> | undefined
  readonly #tags: string[] = []
  #placeOfTag: Map<string, number> | undefined
  /** Logical keys that changed since the question was asked. */
  #changed: Set<string> | undefined

  constructor(link: Link, epoch: number, generation: number) {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.link = link
    this.epoch = epoch
    this.generation = generation
    this.answered = promise
    this.resolve = resolve
  }

  get isFull(): boolean {
    return this.asked.length + this.#tags.length >= mostKeys
  }

  add(target: Target): Asked {
    const { key, tags } = target
    const [first] = this.asked
    if (first !== undefined) {
      if (first.target.key === key) return first
      this.#byKey ??= new Map([[first.target.key, first]])
      const known = this.#byKey.get(key)
      if (known !== undefined) return known
    }
    for (const tag of tags) if (this.#place(tag) === -1) this.#addTag(tag)
    const asked: Asked = { target, answered: this.answered, found: failed }
    this.asked.push(asked)
    this.#byKey?.set(key, asked)
    return asked
  }

  #place(tag: string): number {
    if (this.#placeOfTag === undefined) return this.#tags.indexOf(tag)
    return this.#placeOfTag.get(tag) ?? -1
  }

  #addTag(tag: string): void {
    this.#tags.push(tag)
    if (this.#placeOfTag !== undefined) this.#placeOfTag.set(tag, this.#tags.length - 1)
    else if (this.#tags.length > fewTags) this.#placeOfTag = new Map(this.#tags.map((name, place) => [name, place]))
  }

  /** The keys of the targets in their order, and then those of the tags. */
  get keys(): string[] {
    const keys: string[] = []
    for (const { target } of this.asked) keys.push(target.key)
    for (const tag of this.#tags) keys.push(tag)
    return keys
  }

  /** What the answer to `keys` says of one of the tags. */
  token(texts: readonly (string | null)[], tag: string): string | null | undefined {
    return texts[this.asked.length + this.#place(tag)]
  }

  /** A logical key changed; undefined where all did. */
  note(key: string | undefined): void {
    this.#changed ??= new Set()
    if (key !== undefined) this.#changed.add(key)
    else for (const { target } of this.asked) this.#changed.add(target.key)
  }

  /** Whether the target, or one of its tags, changed since the question was asked. */
  isChanged({ key, tags }: Target): boolean {
    const changed = this.#changed
    return changed !== undefined && (changed.has(key) || tags.some((tag) => changed.has(tag)))
  }
}
