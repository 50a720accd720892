import type { Link, Server } from "./ports.ts"
import type { Trust } from "./trust.ts"
import { entryStart, isOurs, readEntry, renewalPrefix, tagPrefix } from "./value.ts"

/** Keys that are looked at, or deleted, at a time. */
const portion = 500
/** Keys that are looked at in one go at most. */
const mostKeys = 1_000_000

/** What is in Redis, for people. */
export class Contents {
  readonly #server: Server
  readonly #trust: Trust

  constructor(server: Server, trust: Trust) {
    this.#server = server
    this.#trust = trust
  }

  /** The JSON text of an entry. Whether its tags are still there is not known here. */
  async inspect(key: string): Promise<{ text: string; ttlMs: number } | undefined> {
    const { link } = this.#server
    if (link === undefined) return undefined
    const [[text], ttlMs] = await Promise.all([link.getMany([key]), link.timeToLive(key)])
    const start = entryStart(this.#trust.epoch)
    const entry = typeof text === "string" && text.startsWith(start) ? readEntry(text, start) : undefined
    return entry === undefined || ttlMs === undefined ? undefined : { text: entry.payload, ttlMs }
  }

  async keys(pattern: string, limit: number): Promise<string[]> {
    const { link } = this.#server
    if (link === undefined) return []
    const start = entryStart(this.#trust.epoch)
    const found: string[] = []
    for await (const [key, beginning] of scanned(link, pattern)) {
      if (found.length === limit) break
      if (beginning.startsWith(start) && !isSpecial(key)) found.push(key)
    }
    return found
  }

  /** Deletes every key that a cache wrote, of whatever epoch. */
  async flush(): Promise<void> {
    const { link } = this.#server
    if (link === undefined) return
    let old: string[] = []
    for await (const [key, beginning] of scanned(link, "*")) {
      if (isSpecial(key) || isOurs(beginning)) old.push(key)
      if (old.length < portion) continue
      await link.remove(old)
      old = []
    }
    if (old.length > 0) await link.remove(old)
  }
}

const isSpecial = (key: string): boolean => key.startsWith(tagPrefix) || key.startsWith(renewalPrefix)

async function* scanned(link: Link, pattern: string): AsyncIterable<[key: string, beginning: string]> {
  const keys = await link.scan(pattern, mostKeys)
  for (let at = 0; at < keys.length; at += portion) {
    const some = keys.slice(at, at + portion)
    const beginnings = await link.beginnings(some)
    for (let index = 0; index < some.length; index++) yield [some[index] as string, beginnings[index] as string]
  }
}
