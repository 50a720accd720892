import { DeclarationError } from "../errors/index.ts"
import { type Duration, milliseconds } from "./duration.ts"

/** How long what is cached lives. */
export type LifeOptions = {
  /** How long a value lives. */
  ttl: Duration
  /** How long "there is none" (undefined) lives; by default that is not kept. */
  negativeTtl?: Duration
  /** Age from which a hit is renewed in the background; by default a value is used until its end. */
  softTtl?: Duration
  /** Part of the time to live that is taken off at random, 0 to 0.5 (default 0.02), so that not all end together. */
  jitter?: number
}

export type Life = {
  readonly ttlMs: number
  readonly negativeTtlMs: number
  readonly softTtlMs: number | undefined
  readonly jitter: number
}

/** @throws DeclarationError */
export function lifeOf(place: string, { ttl, negativeTtl, softTtl, jitter = 0.02 }: LifeOptions): Life {
  const ttlMs = milliseconds(`${place}: ttl`, ttl)
  const softTtlMs = softTtl === undefined ? undefined : milliseconds(`${place}: softTtl`, softTtl)
  if (softTtlMs !== undefined && softTtlMs >= ttlMs) {
    throw new DeclarationError(`${place}: softTtl is not shorter than ttl.`, {
      cure: "Give a shorter one, or leave it out.",
    })
  }
  if (!(jitter >= 0 && jitter <= 0.5)) {
    throw new DeclarationError(`${place}: jitter is ${jitter}.`, { cure: "Give a number from 0 to 0.5." })
  }
  const negativeTtlMs = negativeTtl === undefined ? 0 : milliseconds(`${place}: negativeTtl`, negativeTtl)
  return { ttlMs, negativeTtlMs, softTtlMs, jitter }
}
