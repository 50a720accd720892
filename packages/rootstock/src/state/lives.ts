import { checkLife } from "./checks.ts"

/** How long a state and its data live from a write on, in milliseconds. */
export type Lives = {
  /** Default: that of the store, 24 hours unless said there. */
  stateTtlMs?: number
  /** Default: that of the store, 24 hours unless said there. */
  dataTtlMs?: number
}

/** The lives that a call gives, and for the rest those of the store. @throws ValidationError */
export function livesOf(given: Lives, defaults: Required<Lives>): Required<Lives> {
  const { stateTtlMs = defaults.stateTtlMs, dataTtlMs = defaults.dataTtlMs } = given
  checkLife("stateTtlMs", stateTtlMs)
  checkLife("dataTtlMs", dataTtlMs)
  return { stateTtlMs, dataTtlMs }
}

/** A day, in milliseconds. */
export const day = 86_400_000
