import { isIP, isIPv6 } from "node:net"

/** How one environment variable is read. Made by {@link textVariable} and its siblings. */
export type Variable<T> = {
  /** What the variable is for, as one sentence. */
  readonly sentence: string
  /** A value that would be accepted; shown when a wrong one was given. */
  readonly example: string
  /** The default in words a person can type, or `undefined` where there is none. */
  readonly shownDefault: string | undefined
  /** Whether the value may be shown in messages. */
  readonly secret: boolean
  /** Used where the variable is unset or empty. */
  readonly fallback: T
  /** Reads the text, or throws a {@link WrongValue}. */
  readonly read: (text: string) => T
}

/** The variables of a program by their names. */
export type Variables = Readonly<Record<string, Variable<unknown>>>

/** The values that a declaration of variables gives. */
export type Values<V extends Variables> = { readonly [K in keyof V]: V[K] extends Variable<infer T> ? T : never }

/** Says why a value is refused: a phrase that follows the variable's name, e.g. `must be a whole number`. */
export class WrongValue extends Error {}

type Options<T> = {
  /** What the variable is for. */
  sentence: string
  /** A value that would be accepted. */
  example: string
  /** The value where the variable is unset or empty. */
  default?: T
  /** Never shown in messages. */
  secret?: boolean
}

type Made<T, O> = O extends { default: T } ? Variable<T> : Variable<T | undefined>

function make<T, O extends Options<T>>(options: O, read: (text: string) => T): Made<T, O> {
  const secret = options.secret ?? false
  const variable: Variable<T | undefined> = {
    sentence: options.sentence,
    example: options.example,
    shownDefault: options.default === undefined || secret ? undefined : String(options.default),
    secret,
    fallback: options.default,
    read,
  }
  return Object.freeze(variable) as Made<T, O>
}

/**
 * A variable that holds any text.
 *
 * @param options.pattern what the whole text must match
 * @param options.patternName the pattern in words, e.g. `a lower-case name`
 */
export function textVariable<O extends Options<string> & { pattern?: RegExp; patternName?: string }>(
  options: O,
): Made<string, O> {
  return make<string, O>(options, (text) => {
    if (options.pattern && !options.pattern.test(text)) {
      throw new WrongValue(`must be ${options.patternName ?? `text that matches ${options.pattern.source}`}`)
    }
    return text
  })
}

/** A variable that holds a host name or an IP address without a port; the brackets of an IPv6 address are taken off. */
export function hostVariable<O extends Options<string>>(options: O): Made<string, O> {
  return make<string, O>(options, (text) => {
    const host = text.replace(/^\[(.*)\]$/, "$1")
    if (!isIPv6(host) && !/^[A-Za-z0-9._-]+$/.test(host)) {
      throw new WrongValue("must be a host name or address, without a port")
    }
    return host
  })
}

/** A variable that holds IP addresses and networks such as `10.0.0.0/8`, with commas between. */
export function addressesVariable<O extends Options<readonly string[]>>(options: O): Made<readonly string[], O> {
  return make<readonly string[], O>(options, (text) => {
    const addresses = text.split(",").map((one) => one.trim())
    for (const one of addresses) {
      const [, address = "", bits] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(one) ?? []
      const version = isIP(address)
      // A prefix of no bits is every address there is.
      const fits = bits === undefined || (Number(bits) >= 1 && Number(bits) <= (version === 4 ? 32 : 128))
      if (version === 0 || !fits) throw new WrongValue("must be IP addresses or networks, with commas between")
    }
    return addresses
  })
}

/** A variable that holds a whole number within `min` and `max`, both included. */
export function integerVariable<O extends Options<number> & { min: number; max: number }>(options: O): Made<number, O> {
  return make<number, O>(options, (text) => {
    const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (!(value >= options.min && value <= options.max)) {
      throw new WrongValue(`must be a whole number from ${options.min} to ${options.max}`)
    }
    return value
  })
}

const truths = new Map([
  ["true", true],
  ["1", true],
  ["yes", true],
  ["on", true],
  ["false", false],
  ["0", false],
  ["no", false],
  ["off", false],
])

/** A variable that holds `true` or `false`; `1`, `yes`, `on` and `0`, `no`, `off` are read as these. */
export function booleanVariable<O extends Options<boolean>>(options: O): Made<boolean, O> {
  return make<boolean, O>(options, (text) => {
    const value = truths.get(text.toLowerCase())
    if (value === undefined) throw new WrongValue("must be true or false")
    return value
  })
}

/** A variable that holds one of `values`. */
export function choiceVariable<const C extends readonly string[], O extends Options<C[number]>>(
  values: C,
  options: O,
): Made<C[number], O> {
  return make<C[number], O>(options, (text) => {
    const value = values.find((one) => one === text.toLowerCase())
    if (value === undefined) throw new WrongValue(`must be one of ${values.join(", ")}`)
    return value
  })
}

/**
 * A variable that holds a URL with one of `schemes`.
 *
 * @param options.schemes without the colon, e.g. `["http", "https"]`
 */
export function urlVariable<O extends Options<string> & { schemes: readonly string[] }>(options: O): Made<string, O> {
  return make<string, O>({ ...options, secret: options.secret ?? true }, (text) => {
    const scheme = URL.canParse(text) ? new URL(text).protocol.slice(0, -1) : undefined
    if (scheme === undefined || !options.schemes.includes(scheme)) {
      throw new WrongValue(`must be a URL that begins with ${options.schemes.map((one) => `${one}:`).join(" or ")}`)
    }
    return text
  })
}

/** A variable that holds the name of a time zone of the IANA database, e.g. `Europe/Moscow`. */
export function timeZoneVariable<O extends Options<string>>(options: O): Made<string, O> {
  return make<string, O>(options, (text) => {
    try {
      return new Intl.DateTimeFormat("en", { timeZone: text }).resolvedOptions().timeZone
    } catch {
      throw new WrongValue("must be the name of a time zone")
    }
  })
}

/** A variable that holds pairs as `name=value,name=value`; a value may have `=` in it, and neither a comma. */
export function pairsVariable<O extends Options<ReadonlyMap<string, string>>>(
  options: O,
): Made<ReadonlyMap<string, string>, O> {
  return make<ReadonlyMap<string, string>, O>(options, (text) => {
    const pairs = text.split(",").map((pair) => /^\s*([^=]*[^=\s])\s*=\s*(.*\S)\s*$/.exec(pair))
    const read = new Map(pairs.map((pair) => [pair?.[1] ?? "", pair?.[2] ?? ""]))
    if (pairs.includes(null)) throw new WrongValue("must be pairs such as name=value,other=value")
    if (read.size < pairs.length) throw new WrongValue("gives two values to one name")
    return read
  })
}

/** A key with the id under which values that were encrypted with it name it. */
export type NamedKey = {
  /** 1 to 16 lower-case letters, digits and hyphens. */
  readonly id: string
  /** 32 bytes. */
  readonly key: Uint8Array
}

/** A variable that holds keys with their ids, as `id:<32 bytes in base64>,id:…`, the newest first. */
export function keysVariable<O extends Options<readonly NamedKey[]>>(options: O): Made<readonly NamedKey[], O> {
  return make<readonly NamedKey[], O>({ ...options, secret: true }, (text) => {
    const keys = text.split(",").map((one) => {
      const [, id, key] = /^([a-z0-9-]{1,16}):([A-Za-z0-9+/_-]{43}=?)$/.exec(one.trim()) ?? []
      if (id === undefined || key === undefined) {
        throw new WrongValue("must be keys such as <id>:<32 bytes in base64>, the newest first, with commas between")
      }
      return { id, key: new Uint8Array(Buffer.from(key, "base64")) }
    })
    if (new Set(keys.map(({ id }) => id)).size < keys.length) throw new WrongValue("has two keys with one id")
    return keys
  })
}
