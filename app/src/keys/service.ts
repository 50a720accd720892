import type { Clock } from "rootstock/clock"
import type { KeyGrant } from "rootstock/http"
import type { ApiKey } from "../schema.ts"
import { hashOf, makeSecret, sameHash } from "./secret.ts"
import type { ApiKeyStorage } from "./storage.ts"

/** How often the time of the last use is written for a key that is in use, in milliseconds. */
const useInterval = 60_000

/** A key as it may be shown. */
export type ShownKey = Omit<ApiKey, "keyHash">

/** Makes, finds and revokes API keys. */
export class KeyService {
  readonly #keys: ApiKeyStorage
  readonly #clock: Clock

  constructor(keys: ApiKeyStorage, clock: Clock) {
    this.#keys = keys
    this.#clock = clock
  }

  /** Makes a key. It is in the answer and can never be read again. */
  async create(input: { name: string; scopes: string[]; expiresAt?: Date }): Promise<ShownKey & { key: string }> {
    const { key, prefix, keyHash } = makeSecret()
    return { ...shown(await this.#keys.create({ ...input, prefix, keyHash })), key }
  }

  /** All keys, the oldest first. */
  async list(): Promise<ShownKey[]> {
    return (await this.#keys.list({ orderBy: { createdAt: "asc" } })).map(shown)
  }

  /**
   * Makes the key with this id useless from here on.
   *
   * @returns the key, or undefined where there is none
   */
  async revoke(id: string): Promise<ShownKey | undefined> {
    const key = await this.#keys.get(id)
    if (key === undefined) return undefined
    return shown(key.revokedAt === null ? await this.#keys.update(id, { revokedAt: this.#clock.now() }) : key)
  }

  /** What a key as it was sent may do; undefined where it is unknown, expired or revoked. */
  readonly lookup = async (sent: string): Promise<KeyGrant | undefined> => {
    const hash = hashOf(sent)
    const key = await this.#keys.find({ keyHash: hash })
    if (key === undefined || !sameHash(key.keyHash, hash) || key.revokedAt !== null) return undefined
    const now = this.#clock.now()
    if (key.expiresAt !== null && key.expiresAt <= now) return undefined
    if (key.lastUsedAt === null || now.getTime() - key.lastUsedAt.getTime() >= useInterval) {
      await this.#keys.update(key.id, { lastUsedAt: now })
    }
    return { id: key.id, scopes: key.scopes }
  }
}

function shown({ keyHash: _, ...key }: ApiKey): ShownKey {
  return key
}
