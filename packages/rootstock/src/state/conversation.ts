/** What is kept under a key, as it stands at the moment of the reading. Frozen, its data in all their depth. */
export type Conversation<D = unknown> = {
  /** Name of the state; undefined where there is none, or its time is over. */
  readonly state: string | undefined
  /** As JSON carries them; undefined where there are none, or their time is over. */
  readonly data: D | undefined
  /** What `compareAndSet` compares: differs after every change, and is 0 where neither state nor data live. */
  readonly version: number
  /** There was a state, and its time is over. It can be told until the row is pruned. */
  readonly stateExpired: boolean
  /** There were data, and their time is over. */
  readonly dataExpired: boolean
}

/** A row as it is kept; ends are instants in milliseconds, null where there is nothing. */
export type KeptConversation = {
  readonly state: string | null
  readonly stateEnd: number | null
  readonly data: unknown
  readonly dataEnd: number | null
  readonly version: number
}

/** Whether an object has the form of a row as it is kept. */
export function isKeptConversation({ state, stateEnd, data, dataEnd, version }: Record<string, unknown>): boolean {
  const isEnd = (end: unknown) => end === null || Number.isSafeInteger(end)
  const hasState = state === null || typeof state === "string"
  return hasState && isEnd(stateEnd) && data !== undefined && isEnd(dataEnd) && Number.isSafeInteger(version)
}

/** What a row means at an instant, in milliseconds. */
export function conversationAt<D>(kept: KeptConversation | undefined, present: number): Conversation<D> {
  if (kept === undefined) return none as Conversation<D>
  const { state, stateEnd, data, dataEnd, version } = kept
  const stateLives = stateEnd !== null && stateEnd > present
  const dataLive = dataEnd !== null && dataEnd > present
  return Object.freeze({
    state: stateLives ? (state as string) : undefined,
    data: dataLive ? (data as D) : undefined,
    version: stateLives || dataLive ? version : 0,
    stateExpired: stateEnd !== null && !stateLives,
    dataExpired: dataEnd !== null && !dataLive,
  })
}

const none: Conversation = Object.freeze({
  state: undefined,
  data: undefined,
  version: 0,
  stateExpired: false,
  dataExpired: false,
})

/** Freezes a value of JSON in all its depth. */
export function freezeJson<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value
  for (const part of Object.values(value)) freezeJson(part)
  return Object.freeze(value)
}
