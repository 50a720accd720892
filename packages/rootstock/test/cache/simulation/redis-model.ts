import type { Fill, LeaseAnswer, LeaseAsk } from "../../../src/cache/redis/index.ts"

type Held = { readonly text: string; readonly endsAt: number }

/** What the scripts and commands of the cache do to a Redis server, in plain JavaScript. */
export class RedisModel {
  readonly #held: Map<string, Held>
  readonly #now: () => number
  /** Told of each key that changed, or ended. */
  readonly #changed: (key: string) => void
  /** An ablation: a fill does not ask for its token. */
  readonly #tokenless: boolean

  constructor(
    now: () => number,
    changed: (key: string) => void = () => undefined,
    held: ReadonlyMap<string, Held> = new Map(),
    tokenless = false,
  ) {
    this.#held = new Map(held)
    this.#now = now
    this.#changed = changed
    this.#tokenless = tokenless
  }

  /** What is there, as a dump keeps it. */
  snapshot(): ReadonlyMap<string, Held> {
    return new Map(this.#held)
  }

  get keys(): string[] {
    return [...this.#held.keys()]
  }

  get(key: string): string | null {
    const held = this.#held.get(key)
    if (held === undefined) return null
    if (held.endsAt > this.#now()) return held.text
    this.delete(key)
    return null
  }

  /** Sets a text as another program might. */
  put(key: string, text: string, lifeMs: number): void {
    this.#set(key, text, lifeMs)
  }

  #set(key: string, text: string, lifeMs: number): void {
    this.#held.set(key, { text, endsAt: this.#now() + lifeMs })
    this.#changed(key)
  }

  delete(key: string): boolean {
    const there = this.#held.delete(key)
    if (there) this.#changed(key)
    return there
  }

  clear(): void {
    this.#held.clear()
  }

  timeToLive(key: string): number | undefined {
    return this.get(key) === null ? undefined : (this.#held.get(key) as Held).endsAt - this.#now()
  }

  lease({ key, tags, epoch, token, leaseMs, tagMs, seize }: LeaseAsk): LeaseAnswer {
    let whole = true
    const tokens = tags.map((tag) => {
      const present = this.get(tag)
      if (present !== null && /^[A-Za-z0-9.]+$/.test(present)) {
        if ((this.timeToLive(tag) as number) < tagMs) this.#set(tag, present, 2 * tagMs)
        return present
      }
      whole = false
      this.#set(tag, token, 2 * tagMs)
      return token
    })
    const text = seize ? null : this.get(key)
    if (text?.startsWith(`L${epoch}:`)) return { state: "taken" }
    if (whole && text?.startsWith(`V${epoch}:`) && text.split(":")[4] === tokens.join(",")) {
      return { state: "entry", text }
    }
    this.#set(key, `L${epoch}:${token}`, leaseMs)
    return { state: "mine", tags: tokens.join(",") }
  }

  fill({ key, tags, epoch, token, renews, tagTokens, lifeMs, payload }: Fill): boolean {
    const text = this.get(key)
    if (!this.#tokenless) {
      if (text === null) return false
      if (renews === undefined ? text !== `L${epoch}:${token}` : !text.startsWith(`V${epoch}:${renews}:`)) return false
      if (tags.map((tag) => this.get(tag) ?? "").join(",") !== tagTokens) {
        this.delete(key)
        return false
      }
    }
    if (lifeMs === 0) this.delete(key)
    else {
      const made = Math.floor(this.#now())
      this.#set(key, `V${epoch}:${token}:${made}:${lifeMs}:${tagTokens}:${payload}`, lifeMs)
    }
    return true
  }

  prolong(key: string, epoch: number, token: string, leaseMs: number): boolean {
    const text = `L${epoch}:${token}`
    if (this.get(key) !== text) return false
    this.#set(key, text, leaseMs)
    return true
  }

  reserve(key: string, token: string, milliseconds: number): boolean {
    if (this.get(key) !== null) return false
    this.#set(key, token, milliseconds)
    return true
  }

  discard(key: string, text: string): void {
    if (this.get(key) === text) this.delete(key)
  }
}
