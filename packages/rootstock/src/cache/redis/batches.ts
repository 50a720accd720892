import type { Target } from "../coherence.ts"
import { type Asked, Batch } from "./batch.ts"
import type { LocalTier } from "./local.ts"
import type { Order } from "./order.ts"
import type { Pace } from "./pace.ts"
import type { Link } from "./ports.ts"
import type { Trust } from "./trust.ts"
import { type Entry, entryStart, isOurs, leaseStart, readEntry } from "./value.ts"

/** What Redis held of a target. */
export type Found =
  | {
      readonly state: "entry"
      readonly value: unknown
      readonly entry: Entry
      /** When it was asked for; whoever began before may have it. */
      readonly asOf: number
    }
  /** A filler is at work. */
  | { readonly state: "leased" }
  /** Nothing, or nothing that is good. */
  | { readonly state: "missing" }
  /** It did not answer. */
  | { readonly state: "failed" }

export type FoundEntry = Extract<Found, { state: "entry" }>

const missing: Found = { state: "missing" }
const leased: Found = { state: "leased" }

/** Reads that begin together, as one question to Redis. */
export class Batches {
  readonly #local: LocalTier | undefined
  readonly #trust: Trust
  readonly #pace: Pace
  readonly #order: Order
  readonly #underWay = new Set<Batch>()
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
    if (batch === undefined || batch.link !== link || batch.epoch !== this.#trust.epoch || batch.isFull) {
      batch = this.#begin(link)
    }
    return batch.add(target)
  }

  #begin(link: Link): Batch {
    const batch = new Batch(link, this.#trust.epoch, this.#local?.generation ?? 0)
    this.#open = batch
    this.#pace.timers.soon(() => this.#send(batch))
    return batch
  }

  #send(batch: Batch): void {
    if (this.#open === batch) this.#open = undefined
    const askedAt = this.#local === undefined ? 0 : this.#pace.now()
    const asOf = this.#order.next()
    this.#underWay.add(batch)
    batch.link.getMany(batch.keys).then(
      (texts) => {
        this.#underWay.delete(batch)
        this.#local?.answered(batch.link, askedAt)
        this.#answer(batch, texts, asOf)
        batch.resolve()
      },
      () => {
        this.#underWay.delete(batch)
        batch.resolve()
      },
    )
  }

  #answer(batch: Batch, texts: readonly (string | null)[], asOf: number): void {
    const start = entryStart(batch.epoch)
    let place = 0
    for (const asked of batch.asked) {
      const text = texts[place++]
      asked.found = typeof text === "string" ? this.#read(batch, asked.target, text, texts, start, asOf) : missing
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
      if (entry !== undefined && !isTagged(batch, target, entry, texts)) return missing
      const found = entry === undefined ? undefined : decoded(target, entry, asOf)
      if (found === undefined) return this.#corrupt(batch.link, target, text)
      if (this.#local !== undefined) this.#keep(this.#local, batch, target, found)
      return found
    }
    if (text.startsWith(leaseStart(batch.epoch))) return leased
    return isOurs(text) ? missing : this.#corrupt(batch.link, target, text)
  }

  /** An entry that a lease found in place of nothing. */
  entryOf(link: Link, epoch: number, target: Target, text: string, asOf: number): Found {
    const entry = readEntry(text, entryStart(epoch))
    const found = entry === undefined ? undefined : decoded(target, entry, asOf)
    return found ?? this.#corrupt(link, target, text)
  }

  #corrupt(link: Link, target: Target, text: string): Found {
    target.kind.counters.corrupt++
    // What follows on this link comes after it; a link that ends takes the reader's next step along.
    link.discard(target.key, text).catch(() => undefined)
    return missing
  }

  #keep(local: LocalTier, batch: Batch, target: Target, { value, entry }: FoundEntry): void {
    if (local.generation !== batch.generation || batch.isChanged(target)) return
    const present = this.#pace.now()
    const madeAt = present - ageOf(entry, batch.link)
    const { softTtlMs } = target.kind
    const endsAt = madeAt + entry.lifeMs
    const softAt = softTtlMs === undefined || value === undefined ? endsAt : madeAt + softTtlMs
    if (endsAt > present) local.keep(target, value, endsAt, Math.min(softAt, endsAt))
  }

  /** A logical key changed; undefined where all did. */
  changed(link: Link, key: string | undefined): void {
    for (const batch of this.#underWay) if (batch.link === link) batch.note(key)
  }
}

/** Milliseconds since an entry was written. */
export function ageOf({ madeAt }: Entry, link: Link): number {
  return Math.max(0, link.serverTime() - madeAt)
}

/** Undefined where the payload is none of this kind's. */
function decoded({ kind }: Target, entry: Entry, asOf: number): FoundEntry | undefined {
  const { payload } = entry
  try {
    return { state: "entry", value: payload === "" ? undefined : kind.decode(payload), entry, asOf }
  } catch {
    return undefined
  }
}

/** Whether the entry was loaded under the tags that are there. */
function isTagged(batch: Batch, { tags }: Target, entry: Entry, texts: readonly (string | null)[]): boolean {
  if (tags.length === 0) return entry.hasTags("")
  if (tags.length === 1) {
    const token = batch.token(texts, tags[0] as string)
    return typeof token === "string" && entry.hasTags(token)
  }
  const tokens = entry.tagTokens.split(",")
  return tokens.length === tags.length && tags.every((tag, place) => batch.token(texts, tag) === tokens[place])
}
