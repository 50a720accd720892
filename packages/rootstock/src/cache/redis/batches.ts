import type { Target } from "../coherence.ts"
import type { LocalTier } from "./local.ts"
import type { Order } from "./order.ts"
import type { Pace } from "./pace.ts"
import type { Link } from "./ports.ts"
import type { Trust } from "./trust.ts"
import { type Entry, entryStart, isOurs, readEntry } from "./value.ts"

/** What Redis held of a target. */
export type Found =
  | {
      readonly state: "entry"
      readonly value: unknown
      readonly entry: Entry
      /** Milliseconds since it was written. */
      readonly age: number
      /** When it was asked for; whoever began before may have it. */
      readonly asOf: number
    }
  /** A filler is at work. */
  | { readonly state: "leased" }
  /** Nothing, or nothing that is good. */
  | { readonly state: "missing" }
  /** It did not answer. */
  | { readonly state: "failed" }

/** Keys that one command asks for at most. */
const mostKeys = 400

type Batch = {
  readonly link: Link
  readonly epoch: number
  readonly generation: number
  readonly targets: Map<string, { target: Target; resolve: (found: Found) => void; promise: Promise<Found> }>
  /** Places of the tags behind those of the keys. */
  readonly tags: Map<string, number>
  /** Logical keys that changed since the question was asked. */
  readonly changed: Set<string>
}

/** Reads that begin together, as one question to Redis: each key and each tag once. */
export class Batches {
  readonly #local: LocalTier | undefined
  readonly #trust: Trust
  readonly #pace: Pace
  readonly #order: Order
  readonly #asked = new Set<Batch>()
  #open: Batch | undefined

  constructor(local: LocalTier | undefined, trust: Trust, pace: Pace, order: Order) {
    this.#local = local
    this.#trust = trust
    this.#pace = pace
    this.#order = order
  }

  get(link: Link, target: Target): Promise<Found> {
    let batch = this.#open
    if (batch === undefined || batch.link !== link || batch.epoch !== this.#trust.epoch || isFull(batch)) {
      batch = this.#begin(link)
    }
    const { key, tags } = target
    const known = batch.targets.get(key)
    if (known !== undefined) return known.promise
    for (const tag of tags) if (!batch.tags.has(tag)) batch.tags.set(tag, batch.tags.size)
    const { promise, resolve } = Promise.withResolvers<Found>()
    batch.targets.set(key, { target, resolve, promise })
    return promise
  }

  #begin(link: Link): Batch {
    const batch: Batch = {
      link,
      epoch: this.#trust.epoch,
      generation: this.#local?.generation ?? 0,
      targets: new Map(),
      tags: new Map(),
      changed: new Set(),
    }
    this.#open = batch
    this.#pace.timers.soon(() => void this.#ask(batch))
    return batch
  }

  async #ask(batch: Batch): Promise<void> {
    if (this.#open === batch) this.#open = undefined
    const { link, targets, tags } = batch
    const askedAt = this.#pace.now()
    const asOf = this.#order.next()
    this.#asked.add(batch)
    let texts: readonly (string | null)[]
    try {
      texts = await link.getMany([...targets.keys(), ...tags.keys()])
    } catch {
      for (const { resolve } of targets.values()) resolve({ state: "failed" })
      return
    } finally {
      this.#asked.delete(batch)
    }
    this.#local?.answered(link, askedAt)
    const start = entryStart(batch.epoch)
    let at = 0
    for (const { target, resolve } of targets.values()) {
      const text = texts[at++]
      resolve(typeof text === "string" ? this.#read(batch, target, text, texts, start, asOf) : { state: "missing" })
    }
  }

  #read(
    batch: Batch,
    target: Target,
    text: string,
    texts: readonly (string | null)[],
    start: string,
    asOf: number,
  ): Found {
    if (text.startsWith(start)) {
      const entry = readEntry(text, start)
      if (entry === undefined) return this.#corrupt(batch, target, text)
      if (!isTagged(batch, target, entry, texts)) return { state: "missing" }
      const found = this.#decode(target, entry, batch.link, asOf)
      if (found === undefined) return this.#corrupt(batch, target, text)
      this.#keep(batch, target, found)
      return found
    }
    if (text.startsWith(`L${batch.epoch}:`)) return { state: "leased" }
    return isOurs(text) ? { state: "missing" } : this.#corrupt(batch, target, text)
  }

  #decode(target: Target, entry: Entry, link: Link, asOf: number): Extract<Found, { state: "entry" }> | undefined {
    const { payload, madeAt } = entry
    try {
      const value = payload === "" ? undefined : target.kind.decode(payload)
      return { state: "entry", value, entry, age: Math.max(0, link.serverTime() - madeAt), asOf }
    } catch {
      return undefined
    }
  }

  /** An entry that a lease found in place of nothing. */
  entryOf(link: Link, epoch: number, target: Target, text: string, asOf: number): Found {
    const entry = readEntry(text, entryStart(epoch))
    const found = entry === undefined ? undefined : this.#decode(target, entry, link, asOf)
    if (found === undefined) this.#discard(link, target, text)
    return found ?? { state: "missing" }
  }

  #corrupt(batch: Batch, target: Target, text: string): Found {
    this.#discard(batch.link, target, text)
    return { state: "missing" }
  }

  #discard(link: Link, target: Target, text: string): void {
    target.kind.counters.corrupt++
    // What follows on this link comes after it; a link that ends takes the reader's next step along.
    link.discard(target.key, text).catch(() => undefined)
  }

  #keep(batch: Batch, target: Target, { value, entry, age }: Extract<Found, { state: "entry" }>): void {
    const local = this.#local
    if (local === undefined || local.generation !== batch.generation) return
    const { changed } = batch
    if (changed.size > 0 && (changed.has(target.key) || target.tags.some((tag) => changed.has(tag)))) return
    const present = this.#pace.now()
    const { softTtlMs } = target.kind
    const endsAt = present + entry.lifeMs - age
    const softAt = softTtlMs === undefined || value === undefined ? endsAt : present + softTtlMs - age
    if (endsAt > present) local.keep(target, value, endsAt, Math.min(softAt, endsAt))
  }

  /** A logical key changed; undefined where all did. */
  changed(link: Link, key: string | undefined): void {
    for (const batch of this.#asked) {
      if (batch.link !== link) continue
      if (key !== undefined) batch.changed.add(key)
      else {
        for (const [own, { target }] of batch.targets) {
          batch.changed.add(own)
          for (const tag of target.tags) batch.changed.add(tag)
        }
      }
    }
  }
}

const isFull = ({ targets, tags }: Batch): boolean => targets.size + tags.size >= mostKeys

/** Whether the entry was loaded under the tags that are there. */
function isTagged({ targets, tags }: Batch, target: Target, entry: Entry, texts: readonly (string | null)[]): boolean {
  const own = target.tags
  if (own.length === 0) return entry.tagTokens === ""
  const present = (tag: string) => texts[targets.size + (tags.get(tag) as number)]
  if (own.length === 1) return present(own[0] as string) === entry.tagTokens
  const tokens = entry.tagTokens.split(",")
  return tokens.length === own.length && own.every((tag, index) => present(tag) === tokens[index])
}
