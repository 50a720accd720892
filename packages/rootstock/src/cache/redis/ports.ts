/** What is written when a filler begins to load an entry. */
export type LeaseAsk = {
  readonly key: string
  readonly tags: readonly string[]
  readonly epoch: number
  readonly token: string
  /** How long the token stays, in milliseconds. */
  readonly leaseMs: number
  /** Least time that the tags must have to live, in milliseconds: longer than the entry is going to. */
  readonly tagMs: number
  /** Takes the place of whatever is there, also of another's token: what a write that refreshes does. */
  readonly seize: boolean
}

export type LeaseAnswer =
  /** The token is written; `tags` are the tokens of the tags, as they go into the entry. */
  | { readonly state: "mine"; readonly tags: string }
  /** Another's token is there. */
  | { readonly state: "taken" }
  /** An entry that is good is there. */
  | { readonly state: "entry"; readonly text: string }

/** What a filler writes in place of its token, or of the entry that it renews. */
export type Fill = {
  readonly key: string
  readonly tags: readonly string[]
  readonly epoch: number
  /** The token of the lease; the entry is known by it from then on. */
  readonly token: string
  /** The entry that is renewed; undefined where the token itself must be there. */
  readonly renews: string | undefined
  /** Tokens of the tags, as the lease or the entry had them; they must still be there. */
  readonly tagTokens: string
  /** How long it lives, in milliseconds; 0 takes away the token, or the entry, and writes nothing. */
  readonly lifeMs: number
  /** JSON text; empty for a kept "there is none". */
  readonly payload: string
}

/**
 * One connection to Redis, from its opening to its end: that it still is the same one says that the server neither
 * restarted nor was replaced. Each call rejects where the connection ends before the answer, or the server refuses.
 * Calls take effect in their order.
 */
export interface Link {
  /** Which run of the server it leads to. */
  readonly runId: string
  readonly open: boolean
  /** The server's clock in milliseconds, as well as it is known here. */
  serverTime(): number
  /** The texts under logical keys; null where there is none. */
  getMany(keys: readonly string[]): Promise<readonly (string | null)[]>
  lease(ask: LeaseAsk): Promise<LeaseAnswer>
  /** Keeps an own token alive; false where it is gone. */
  prolong(key: string, epoch: number, token: string, leaseMs: number): Promise<boolean>
  /** Whether the token, or the entry, and the tags were there, so that the value was written. */
  fill(fill: Fill): Promise<boolean>
  /** Reserves the renewal of an entry; false where another does it. */
  reserve(key: string, token: string, milliseconds: number): Promise<boolean>
  /** Deletes what is under a key if it still is this text. */
  discard(key: string, text: string): Promise<void>
  /** Deletes keys, entries and tags alike. */
  remove(keys: readonly string[]): Promise<void>
  /** Answers after every push that the server sent before. */
  ping(): Promise<void>
  /** Milliseconds that a key has to live; undefined where it is not there. */
  timeToLive(key: string): Promise<number | undefined>
  /** The first characters of the texts under logical keys; empty where there is none. */
  beginnings(keys: readonly string[]): Promise<readonly string[]>
  /** Logical keys that match a pattern with `*` for any text, at most `limit`. */
  scan(pattern: string, limit: number): Promise<readonly string[]>
  /** Ends it; the server is connected anew. */
  drop(): void
}

/** Told of the connections to the server, one after the other. */
export type ServerListener = {
  connected(link: Link): void
  lost(link: Link): void
  /** A logical key that was read on the link changed; undefined where all did. */
  changed(link: Link, key: string | undefined): void
}

/** A Redis server that may be away. */
export interface Server {
  /** The connection that can be used at present. */
  readonly link: Link | undefined
  /** Resolves after the first attempt to connect, also where it failed. */
  start(listener: ServerListener): Promise<void>
  stop(): Promise<void>
}

/** Whether Redis is trusted: `warming` is the time between, in which writes invalidate and nothing is read. */
export type Mode = "on" | "off" | "warming"

/** What the database says about the cache. */
export type ControlRow = {
  readonly epoch: number
  readonly mode: Mode
  readonly runId: string | null
  /** How long after an invalidation a process may still give a value from its memory, in milliseconds. */
  readonly windowMs: number
}

/** The tables `cache_ctl` and `cache_outbox`. */
export interface ControlStore {
  read(): Promise<ControlRow | undefined>
  /** Writes the row where there is none; whether it did. */
  create(row: ControlRow): Promise<boolean>
  /** Writes the row where the epoch still is `epoch`; whether it did. */
  change(epoch: number, row: ControlRow): Promise<boolean>
  /** Makes the window at least so long, if the epoch still is `epoch`. */
  raiseWindow(epoch: number, windowMs: number): Promise<void>
  /** Records keys whose invalidation is to come, in the ambient transaction; their id. */
  record(keys: readonly string[]): Promise<number>
  /** Ids of what is recorded, the oldest first. */
  recorded(limit: number): Promise<readonly number[]>
  recordedKeys(ids: readonly number[]): Promise<readonly { readonly id: number; readonly keys: readonly string[] }[]>
  forget(ids: readonly number[]): Promise<void>
}

/** Time and chance. */
export interface Timers {
  /** Monotonic milliseconds. */
  now(): number
  /** Runs `work` after so many milliseconds; the result takes it back. */
  after(milliseconds: number, work: () => void): () => void
  /** Runs `work` when what runs at present, and all that it made ready, is done. */
  soon(work: () => void): void
  /** Between 0 and 1. */
  random(): number
}
