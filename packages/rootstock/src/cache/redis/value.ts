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
export type Entry = {
  readonly id: string
  readonly madeAt: number
  readonly lifeMs: number
  readonly tagTokens: string
  readonly payload: string
}

/** Beginning of the logical keys under which renewals are reserved. */
export const renewalPrefix = "renew:"
/** Beginning of the logical keys of tags. */
export const tagPrefix = "tag:"

/** What an entry of this epoch begins with. */
export const entryStart = (epoch: number): string => `V${epoch}:`

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
  const madeAt = +text.slice(id + 1, made)
  const lifeMs = +text.slice(made + 1, life)
  if (!(madeAt > 0) || !(lifeMs > 0)) return undefined
  return {
    id: text.slice(start.length, id),
    madeAt,
    lifeMs,
    tagTokens: text.slice(life + 1, tags),
    payload: text.slice(tags + 1),
  }
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
