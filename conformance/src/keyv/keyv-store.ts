import { EventEmitter } from "node:events"
import type { KeyvStoreAdapter, StoredData } from "keyv"
import type { KeyValueCache } from "../../../packages/rootstock/src/cache/index.ts"
import { longestMs } from "../places.ts"

/** Values under keys as a store of Keyv, which gives and takes texts. */
export class KeyvStore extends EventEmitter implements KeyvStoreAdapter {
  /** Keyv walks through the keys of stores that it knows, by this name. */
  readonly opts = { dialect: "redis", url: "" }
  namespace?: string
  readonly #values: KeyValueCache

  constructor(values: KeyValueCache) {
    super()
    this.#values = values
  }

  async get<Value>(key: string): Promise<StoredData<Value> | undefined> {
    return (await this.#values.get(key)) as StoredData<Value> | undefined
  }

  async getMany<Value>(keys: string[]): Promise<StoredData<Value | undefined>[]> {
    return (await this.#values.getMany(keys)) as StoredData<Value | undefined>[]
  }

  async set(key: string, value: unknown, ttl?: number): Promise<boolean> {
    await this.#values.set(key, value, ttl === undefined ? longestMs : Math.ceil(ttl))
    return true
  }

  has(key: string): Promise<boolean> {
    return this.#values.has(key)
  }

  async delete(key: string): Promise<boolean> {
    return (await this.#values.delete(key)) === 1
  }

  async deleteMany(keys: string[]): Promise<boolean> {
    return (await this.#values.delete(...keys)) > 0
  }

  async clear(): Promise<void> {
    await (this.namespace === undefined ? this.#values : this.#values.namespace(this.namespace)).clear()
  }

  async *iterator<Value>(namespace?: string): AsyncGenerator<[string, Value], void> {
    const beginning = namespace === undefined ? "" : `${namespace}:`
    const keys = (await this.#values.keys()).filter((key) => key.startsWith(beginning))
    const values = await this.#values.getMany(keys)
    for (const [index, key] of keys.entries()) {
      const value = values[index]
      if (value !== undefined) yield [key, value as Value]
    }
  }

  disconnect(): Promise<void> {
    return this.#values.close()
  }
}
