import type { Conversation, StateChanges } from "../../src/state/index.ts"

type Row = {
  state: string | null
  stateEnd: number | null
  data: unknown
  dataEnd: number | null
  version: number
  end: number
}

/** What a state store is to do, in the plainest way. Times are milliseconds. */
export class StateModel {
  rows = new Map<string, Row>()
  now = 0
  readonly #keptFor: number

  constructor(keptFor: number) {
    this.#keptFor = keptFor
  }

  get(key: string): Conversation {
    const row = this.rows.get(key)
    const stateLives = this.#lives(row?.stateEnd)
    const dataLive = this.#lives(row?.dataEnd)
    return {
      state: stateLives ? (row?.state as string) : undefined,
      data: dataLive ? row?.data : undefined,
      version: stateLives || dataLive ? (row as Row).version : 0,
      stateExpired: row !== undefined && row.stateEnd !== null && !stateLives,
      dataExpired: row !== undefined && row.dataEnd !== null && !dataLive,
    }
  }

  #lives(end: number | null | undefined): boolean {
    return end !== null && end !== undefined && end > this.now
  }

  /** @param version the one that the store told */
  set(key: string, { state, data }: StateChanges<unknown>, stateTtlMs: number, dataTtlMs: number, version: number) {
    const row = this.rows.get(key) ?? { state: null, stateEnd: null, data: null, dataEnd: null, version, end: 0 }
    const next = { ...row, version }
    let end = this.now
    if (state !== undefined) {
      next.state = state
      next.stateEnd = state === null ? null : this.now + stateTtlMs
      end = Math.max(end, next.stateEnd ?? 0)
    }
    if (data !== undefined) {
      next.data = data
      next.dataEnd = data === null ? null : this.now + dataTtlMs
      end = Math.max(end, next.dataEnd ?? 0)
    }
    next.end = state !== undefined && data !== undefined ? end : Math.max(end, row.end)
    this.rows.set(key, next)
  }

  touch(key: string, stateTtlMs: number, dataTtlMs: number): boolean {
    const row = this.rows.get(key)
    if (row === undefined || this.get(key).version === 0) return false
    const next = { ...row, end: Math.max(row.end, this.now + stateTtlMs, this.now + dataTtlMs) }
    if (this.#lives(row.stateEnd)) next.stateEnd = this.now + stateTtlMs
    if (this.#lives(row.dataEnd)) next.dataEnd = this.now + dataTtlMs
    this.rows.set(key, next)
    return true
  }

  delete(key: string): boolean {
    const lived = this.get(key).version !== 0
    this.rows.delete(key)
    return lived
  }

  prune(): number {
    const old = [...this.rows].filter(([, { end }]) => end <= this.now - this.#keptFor)
    for (const [key] of old) this.rows.delete(key)
    return old.length
  }
}
