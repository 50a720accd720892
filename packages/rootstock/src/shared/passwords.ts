import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from "node:crypto"
import { promisify } from "node:util"

/** What a hash costs: `2^logN` blocks of `128·r` bytes of memory, `p` times. */
export type PasswordCost = { readonly logN: number; readonly r: number; readonly p: number }

/** 128 MiB and some tenths of a second. */
export const usualCost: PasswordCost = Object.freeze({ logN: 17, r: 8, p: 1 })

/** Least length of a password, in characters. */
export const shortestPassword = 8

const derive = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt)
const saltBytes = 16
const hashBytes = 32
const versionBytes = 9

type Parsed = PasswordCost & { readonly version: string; readonly salt: Buffer; readonly hash: Buffer }

const form =
  /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3}),ver=([A-Za-z0-9_-]{12})\$([A-Za-z0-9_-]+)\$([A-Za-z0-9_-]{43})$/

function parse(stored: string): Parsed {
  const [, logN, r, p, version, salt, hash] = form.exec(stored) ?? []
  if (hash === undefined) throw new TypeError("What is stored is no hash of a password.")
  return {
    logN: Number(logN),
    r: Number(r),
    p: Number(p),
    version: version as string,
    salt: Buffer.from(salt as string, "base64url"),
    hash: Buffer.from(hash, "base64url"),
  }
}

function print({ logN, r, p, version, salt, hash }: Parsed): string {
  return `$scrypt$ln=${logN},r=${r},p=${p},ver=${version}$${salt.toString("base64url")}$${hash.toString("base64url")}`
}

function drawVersion(): string {
  return randomBytes(versionBytes).toString("base64url")
}

/**
 * Hashes passwords with scrypt. A stored hash is text that says what it cost, in the manner of the PHC string format, with
 * a version beside: it is another one for every new password and after each `renewVersion`, and stays when the same password
 * is hashed anew. What was given out for one version, such as a token, is void when the version is another.
 *
 * ### Examples
 *
 * ```ts
 * const passwords = new Passwords()
 * const stored = await passwords.hash("correct horse")       // "$scrypt$ln=17,r=8,p=1,ver=…$…$…"
 * await passwords.verify("correct horse", stored)            // true
 * ```
 */
export class Passwords {
  readonly #cost: PasswordCost
  readonly #atOnce: number
  readonly #waiting: (() => void)[] = []
  #running = 0
  readonly #nobody: Parsed

  /**
   * @param cost what new hashes cost
   * @param options.atOnce most hashes that are computed at a time: each holds its memory and a thread
   */
  constructor(cost: PasswordCost = usualCost, { atOnce = 2 }: { atOnce?: number } = {}) {
    this.#cost = cost
    this.#atOnce = atOnce
    this.#nobody = { ...cost, version: drawVersion(), salt: randomBytes(saltBytes), hash: randomBytes(hashBytes) }
  }

  /** The text to be stored for a password. */
  hash(password: string): Promise<string> {
    return this.#hash(password, drawVersion())
  }

  /** Whether it is the password of what is stored. Without anything stored it takes as long and is false. */
  async verify(password: string, stored: string | null | undefined): Promise<boolean> {
    const known = typeof stored === "string"
    const expected = known ? parse(stored) : this.#nobody
    const hash = await this.#derive(password, expected)
    return timingSafeEqual(hash, expected.hash) && known
  }

  /** Another hash of the same password where it is to cost more by now; `undefined` where it need not be. */
  async raised(password: string, stored: string): Promise<string | undefined> {
    const { logN, r, p, version } = parse(stored)
    const cost = this.#cost
    return logN >= cost.logN && r >= cost.r && p >= cost.p ? undefined : this.#hash(password, version)
  }

  async #hash(password: string, version: string): Promise<string> {
    const salt = randomBytes(saltBytes)
    const hash = await this.#derive(password, { ...this.#cost, salt })
    return print({ ...this.#cost, version, salt, hash })
  }

  async #derive(password: string, { logN, r, p, salt }: PasswordCost & { readonly salt: Buffer }): Promise<Buffer> {
    if (this.#running >= this.#atOnce) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#running += 1
    try {
      const N = 2 ** logN
      // The same characters may come composed or not, as the keyboard has it (NIST SP 800-63B, 3.1.1.2).
      return await derive(password.normalize("NFKC"), salt, hashBytes, { N, r, p, maxmem: 2 * 128 * N * r })
    } finally {
      // Who waits takes this place over.
      const next = this.#waiting.shift()
      if (next === undefined) this.#running -= 1
      else next()
    }
  }
}

/** The version of a stored hash. */
export function passwordVersion(stored: string): string {
  return parse(stored).version
}

/** The same hash with another version: what was given out for the one before is void. */
export function renewVersion(stored: string): string {
  return print({ ...parse(stored), version: drawVersion() })
}
