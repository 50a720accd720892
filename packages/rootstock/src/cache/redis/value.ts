/**
 * What stands under a logical key in Redis.
 *
 * ```
 * L<epoch>:<token>                                        a filler is at work, or a write has seized the key
 * V<epoch>:<id>:<made>:<life>:<tag tokens>:<payload>      an entry
 * ```
 *
 * - `epoch` is that of `cache_ctl` when it was written; an entry of another epoch is none.
 * - `token` and `id` are letters, digits and dots, and never used twice. The id of an entry is the token of its filler.
 * - `made` is when it was written, in milliseconds of the server's clock, and `life` how many it lives from then.
 * - `tag tokens` are what stood under the entry's tags when it was loaded, in their order, with commas between. A tag
 *   is a key of its own (`tag:…`) that holds such a token; the entry is good only while each of its tags does.
 * - `payload` is JSON, or nothing for a kept "there is none".
 */
export class Entry {
  readonly #text: string
  readonly #id: number
  /** Where the colons behind the parts are. */
  readonly #afterId: number
  readonly #afterMade: number
  readonly #afterLife: number
  readonly #afterTags: number

  constructor(text: string, id: number, afterId: number, afterMade: number, afterLife: number, afterTags: number) {
    this.#text = text
    this.#id = id
    this.#afterId = afterId
    this.#afterMade = afterMade
    this.#afterLife = afterLife
    this.#afterTags = afterTags
  }

  get id(): string {
    return this.#text.slice(this.#id, this.#afterId)
  }

  get madeAt(): number {
    return +this.#text.slice(this.#afterId + 1, this.#afterMade)
  }

  get lifeMs(): number {
    return +this.#text.slice(this.#afterMade + 1, this.#afterLife)
  }

  get tagTokens(): string {
    return this.#text.slice(this.#afterLife + 1, this.#afterTags)
  }

  get payload(): string {
    return this.#text.slice(this.#afterTags + 1)
  }

  /** Whether these are all of its tag tokens. */
  hasTags(tagTokens: string): boolean {
    const begin = this.#afterLife + 1
    return tagTokens.length === this.#afterTags - begin && this.#text.startsWith(tagTokens, begin)
  }
}

/** Beginning of the logical keys under which renewals are reserved. */
export const renewalPrefix = "renew:"
/** Beginning of the logical keys of tags. */
export const tagPrefix = "tag:"

/** What an entry of this epoch begins with. */
export const entryStart = (epoch: number): string => `V${epoch}:`
/** What a lease of this epoch begins with. */
export const leaseStart = (epoch: number): string => `L${epoch}:`

/**
 * Reads an entry that begins with `start`; undefined where its parts are not there.
 *
 * @param start as `entryStart` gives it
 */
export function readEntry(text: string, start: string): Entry | undefined {
  const id = text.indexOf(":", start.length)
  const made = text.indexOf(":", id + 1)
  const life = text.indexOf(":", made + 1)
  const tags = text.indexOf(":", life + 1)
  if (id === -1 || made === -1 || life === -1 || tags === -1) return undefined
  if (!isNumberAt(text, id + 1) || !isNumberAt(text, made + 1)) return undefined
  return new Entry(text, start.length, id, made, life, tags)
}

/** Whether a number from 1 on may begin there. */
function isNumberAt(text: string, place: number): boolean {
  const code = text.charCodeAt(place)
  return code > 48 && code <= 57
}

/** Whether a text has the form of a lease, an entry, or (`L…`) is left over from another epoch. */
const form = /^(?:L\d+:[\w.]+$|V\d+:[\w.]+:\d+:\d+:[\w.,]*:)/

/** Whether the text, or the beginning of it, is one that this cache writes. */
export const isOurs = (text: string): boolean => form.test(text)

/** What a text in Redis means, for people. */
export type DescribedValue =
  | { readonly kind: "lease"; readonly epoch: number; readonly token: string }
  | {
      readonly kind: "entry"
      readonly epoch: number
      readonly id: string
      /** When it was written, by the clock of Redis. */
      readonly madeAt: Date
      readonly lifeMs: number
      readonly tagTokens: readonly string[]
      /** JSON text; undefined for a kept "there is none". */
      readonly json: string | undefined
    }
  | { readonly kind: "foreign" }

/**
 * Says what stands under a key, for people.
 *
 * ### Examples
 *
 * ```ts
 * describeValue('V7:1f.2:1769850000000:3600000::{"id":1}') // { kind: "entry", epoch: 7, json: '{"id":1}', … }
 * ```
 */
export function describeValue(text: string): DescribedValue {
  if (!isOurs(text)) return { kind: "foreign" }
  const colon = text.indexOf(":")
  const epoch = Number(text.slice(1, colon))
  if (text[0] === "L") return { kind: "lease", epoch, token: text.slice(colon + 1) }
  const entry = readEntry(text, text.slice(0, colon + 1))
  if (entry === undefined) return { kind: "foreign" }
  const { id, madeAt, lifeMs, tagTokens, payload } = entry
  return {
    kind: "entry",
    epoch,
    id,
    madeAt: new Date(madeAt),
    lifeMs,
    tagTokens: tagTokens === "" ? [] : tagTokens.split(","),
    json: payload === "" ? undefined : payload,
  }
}
