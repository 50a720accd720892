import { absent, type Coherence, type Load, type Target } from "./coherence.ts"

const nothing = (): Promise<void> => Promise.resolve()

/** No cache: every read is one of the database. */
export const off: Coherence = {
  state: "off",
  memory: undefined,
  recordsWrites: false,
  peek: () => absent,
  read(target: Target, load: Load): Promise<unknown> {
    target.kind.counters.bypassed++
    return load().then((value) => target.kind.freeze(value))
  },
  prepare: nothing,
  committed: nothing,
  inspect: async () => undefined,
  keys: async () => [],
  flush: nothing,
  start: nothing,
  stop: nothing,
}
