import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto"
import type { NamedKey } from "../config/index.ts"
import { ConfigError, ValidationError } from "../errors/index.ts"

/** Where an encrypted value stands; it can be read nowhere else. */
export type ValuePlace = {
  /** Name of the table in the database. */
  readonly table: string
  /** Name of the column in the database. */
  readonly column: string
  /** Key of the row. */
  readonly row: string | number
}

const version = "v1"
const algorithm = "aes-256-gcm"
/** Bytes of a nonce and of a tag. https://doi.org/10.6028/NIST.SP.800-38D */
const nonceLength = 12
const tagLength = 16

/**
 * Encrypts values of columns with AES-256-GCM. A value is text: `v1.<id of the key>.<nonce>.<ciphertext and tag>`, the
 * last two in base64url. It is bound to its table, column and row, so that it is worth nothing in another place.
 *
 * ### Examples
 *
 * ```ts
 * const encryption = new Encryption(context.secrets.encryption)
 * const place = { table: "notification_channels", column: "config", row: channel.id }
 * const stored = encryption.encrypt("the secret", place)
 * encryption.decrypt(stored, place) // "the secret"
 * ```
 */
export class Encryption {
  readonly #keys: ReadonlyMap<string, Uint8Array>
  readonly #newest: NamedKey

  /**
   * @param keys the newest first: it encrypts, all decrypt
   * @throws ConfigError where there is none, or one has not 32 bytes
   */
  constructor(keys: readonly NamedKey[]) {
    const [newest] = keys
    if (newest === undefined || keys.some(({ key }) => key.length !== 32)) {
      throw new ConfigError("Encryption needs keys of 32 bytes each.", { cure: "Set ENCRYPTION_KEY." })
    }
    this.#newest = newest
    this.#keys = new Map(keys.map(({ id, key }) => [id, key]))
  }

  /** Encrypts a text; equal texts give different values. */
  encrypt(text: string, place: ValuePlace): string {
    const { id, key } = this.#newest
    const nonce = randomBytes(nonceLength)
    const cipher = createCipheriv(algorithm, key, nonce).setAAD(placeOf(place))
    const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()])
    return [version, id, nonce.toString("base64url"), sealed.toString("base64url")].join(".")
  }

  /**
   * The text that was encrypted.
   *
   * @throws ValidationError where the value is none of ours, was changed, or stood in another place
   * @throws ConfigError where its key is not among the keys
   */
  decrypt(value: string, place: ValuePlace): string {
    const { id, nonce, sealed } = partsOf(value, place)
    const key = this.#keys.get(id)
    if (key === undefined) {
      throw new ConfigError(
        `A value of ${place.table}.${place.column} is encrypted with the key ${id}, which is missing.`,
        {
          cure: "Put it behind the others in ENCRYPTION_KEY.",
        },
      )
    }
    const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagLength }).setAAD(placeOf(place))
    decipher.setAuthTag(sealed.subarray(sealed.length - tagLength))
    try {
      return decipher.update(sealed.subarray(0, -tagLength), undefined, "utf8") + decipher.final("utf8")
    } catch (error) {
      throw unreadable(place, error)
    }
  }

  /** Whether a value is encrypted with the newest key; else it is to be encrypted anew before its key goes. */
  isCurrent(value: string): boolean {
    return value.startsWith(`${version}.${this.#newest.id}.`)
  }
}

const form = /^v1\.([a-z0-9-]{1,16})\.([\w-]{16})\.([\w-]{22,})$/

function partsOf(value: string, place: ValuePlace): { id: string; nonce: Buffer; sealed: Buffer } {
  const [, id = "", nonce = "", sealed = ""] = form.exec(value) ?? []
  if (id === "") throw unreadable(place)
  return { id, nonce: Buffer.from(nonce, "base64url"), sealed: Buffer.from(sealed, "base64url") }
}

/** Names of tables and columns have neither a dot nor a colon. */
function placeOf({ table, column, row }: ValuePlace): Buffer {
  return Buffer.from(`${table}.${column}:${row}`)
}

function unreadable({ table, column }: ValuePlace, cause?: unknown): ValidationError {
  return new ValidationError(`A value of ${table}.${column} cannot be decrypted.`, {
    cure: "It was changed, stood in another row, or was encrypted with another key of the same id; restore it.",
    cause,
  })
}
