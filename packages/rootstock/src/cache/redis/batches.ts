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

/** What Redis answered to a batch. */
type Answer = {
  readonly texts: readonly (string | null)[]
  /** What an entry of the batch's epoch begins with. */
  readonly start: string
  readonly serverTime: number
  readonly asOf: number
}

const missing: Found = { state: "missing" }
const failed: Found = { state: "failed" }

/** Keys that one command asks for at most. */
const mostKeys = 400

/** What is asked of one target; `found` is there once its batch was answered. */
export type Asked = { readonly target: Target; readonly answered: Promise<void>; found: Found }

type Batch = {
  /** One promise for all: a promise for each of them would cost more than the rest. */
  readonly answered: Promise<void>
  readonly resolve: () => void
  readonly link: Link
  readonly epoch: number
  readonly generation: number
  readonly targets: Map<string, Asked>
  /** Places of the tags behind those of the keys. */
  readonly tags: Map<string, number>
  /** Logical keys that changed since the question was asked; undefined where none did. */
  changed: Set<string> | undefined
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

  /** What Redis holds of a target. */
  async get(link: Link, target: Target): Promise<Found> {
    const asked = this.ask(link, target)
    await asked.answered
    return asked.found
  }

  /** The same without a promise of its own. */
  ask(link: Link, target: Target): Asked {
    let batch = this.#open
    if (batch === undefined || batch.link !== link || batch.epoch !== this.#trust.epoch || isFull(batch)) {
      batch = this.#begin(link)
    }
    const { key, tags } = target
    const known = batch.targets.get(key)
    if (known !== undefined) return known
    for (const tag of tags) if (!batch.tags.has(tag)) batch.tags.set(tag, batch.tags.size)
    const asked: Asked = { target, answered: batch.answered, found: failed }
    batch.targets.set(key, asked)
    return asked
  }

  #begin(link: Link): Batch {
    const { promise: answered, resolve } = Promise.withResolvers<void>()
    const batch: Batch = {
      answered,
      resolve,
      link,
      epoch: this.#trust.epoch,
      generation: this.#local?.generation ?? 0,
      targets: new Map(),
      tags: new Map(),
      changed: undefined,
    }
    this.#open = batch
    this.#pace.timers.soon(() => void this.#send(batch))
    return batch
  }

  async #send(batch: Batch): Promise<void> {
    if (this.#open === batch) this.#open = undefined
    const { link, targets, tags } = batch
    const askedAt = this.#pace.now()
    const asOf = this.#order.next()
    this.#asked.add(batch)
    let texts: readonly (string | null)[]
    try {
      texts = await link.getMany([...targets.keys(), ...tags.keys()])
    } catch {
      batch.resolve()
      return
    } finally {
      this.#asked.delete(batch)
    }
    this.#local?.answered(link, askedAt)
    const answer = { texts, start: entryStart(batch.epoch), serverTime: link.serverTime(), asOf }
    let at = 0
    for (const asked of targets.values()) {
      const text = texts[at++]
      asked.found = typeof text === "string" ? this.#read(batch, asked.target, text, answer) : missing
    }
    batch.resolve()
  }

  #read(batch: Batch, target: Target, text: string, { texts, start, serverTime, asOf }: Answer): Found {
    if (text.startsWith(start)) {
      const entry = readEntry(text, start)
      if (entry === undefined) return this.#corrupt(batch, target, text)
      if (!isTagged(batch, target, entry, texts)) return { state: "missing" }
      const found = this.#decode(target, entry, serverTime, asOf)
      if (found === undefined) return this.#corrupt(batch, target, text)
      this.#keep(batch, target, found)
      return found
    }
    if (text.startsWith(`L${batch.epoch}:`)) return { state: "leased" }
    return isOurs(text) ? { state: "missing" } : this.#corrupt(batch, target, text)
  }

  #decode(
    target: Target,
    entry: Entry,
    serverTime: number,
    asOf: number,
  ): Extract<Found, { state: "entry" }> | undefined {
    const { payload, madeAt } = entry
    try {
      const value = payload === "" ? undefined : target.kind.decode(payload)
      return { state: "entry", value, entry, age: Math.max(0, serverTime - madeAt), asOf }
    } catch {
      return undefined
    }
  }

  /** An entry that a lease found in place of nothing. */
  entryOf(link: Link, epoch: number, target: Target, text: string, asOf: number): Found {
    const entry = readEntry(text, entryStart(epoch))
    const found = entry === undefined ? undefined : this.#decode(target, entry, link.serverTime(), asOf)
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
    if (changed !== undefined && (changed.has(target.key) || target.tags.some((tag) => changed.has(tag)))) return
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
      batch.changed ??= new Set()
      if (key !== undefined) batch.changed.add(key)
      else for (const own of batch.targets.keys()) batch.changed.add(own)
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
