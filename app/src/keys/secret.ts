import { createHash, randomBytes, timingSafeEqual } from "node:crypto"

/** How keys are recognised, by people and by tools that look for leaked secrets. */
const mark = "rsk_"
const prefixLength = 12

/** A key that was just made: what its owner gets once, and what is stored. */
export type NewSecret = { readonly key: string; readonly prefix: string; readonly keyHash: string }

/** Makes a key with 256 random bits. */
export function makeSecret(): NewSecret {
  const key = mark + randomBytes(32).toString("base64url")
  return { key, prefix: key.slice(0, prefixLength), keyHash: hashOf(key) }
}

/** The hash under which a key is stored. The key is random, so that a fast hash suffices. */
export function hashOf(key: string): string {
  return createHash("sha256").update(key).digest("hex")
}

/** Compares two hashes in a time that does not depend on where they differ. */
export function sameHash(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)]
  return a.length === b.length && timingSafeEqual(a, b)
}
