import { randomUUID } from "node:crypto"
import { type KeyValueCache, openKeyValueCache } from "../../packages/rootstock/src/cache/index.ts"

/** Where the values of the suites lie; Redis only where `TEST_REDIS_URL` names a server. */
export const places: readonly { title: string; url: string }[] = [
  { title: "in memory", url: "memory:" },
  ...(process.env["TEST_REDIS_URL"] ? [{ title: "in Redis", url: process.env["TEST_REDIS_URL"] }] : []),
]

/** Opens values under keys that nobody else uses. The server may be busy, which is not what the suites are about. */
export function openValues(url: string, name = `conformance-${randomUUID()}`): Promise<KeyValueCache> {
  return openKeyValueCache({ url, name, deadlineMs: 10_000 })
}

/** The longest time that a value may live, in milliseconds: for what a suite sets without one. */
export const longestMs = 366 * 86_400_000
