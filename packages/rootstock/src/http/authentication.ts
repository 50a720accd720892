import { type Actor, commonRules } from "../shared/index.ts"
import type { Access } from "./access.ts"
import type { Method } from "./route.ts"

/** Whether calls need credentials. */
export type AuthMode = "open" | "required"

/** A valid API key: whose it is and what it may do. */
export type KeyGrant = {
  /** Id of the key. */
  readonly id: string
  /** Scopes such as `shop:read`. */
  readonly scopes: readonly string[]
}

/** Finds the grant of a key as it was sent; `undefined` where it is unknown, expired or revoked. */
export type KeyLookup = (key: string) => Promise<KeyGrant | undefined>

const levels = ["read", "write", "admin"] as const

/** What a key needs for a method: `read` for GET, `write` otherwise. A higher scope includes the lower ones. */
export function allows(scopes: readonly string[], system: string, method: Method | string): boolean {
  const needed = method === "GET" || method === "HEAD" ? 0 : 1
  return levels.some((level, rank) => rank >= needed && scopes.includes(`${system}:${level}`))
}

/**
 * Lets those pass who may read any of the systems.
 *
 * @throws RuleError `UNAUTHENTICATED` or `FORBIDDEN`
 */
export async function authenticateReader(
  key: string | string[] | undefined,
  systems: readonly { readonly name: string }[],
  lookup: KeyLookup,
): Promise<void> {
  const grant = await grantOf(key, lookup)
  if (systems.some(({ name }) => allows(grant.scopes, name, "GET"))) return
  throw commonRules.broken("FORBIDDEN", "The API key may read none of the systems.")
}

async function grantOf(key: string | string[] | undefined, lookup: KeyLookup): Promise<KeyGrant> {
  if (key === undefined) throw commonRules.broken("UNAUTHENTICATED", "The call needs an API key.")
  const grant = typeof key === "string" && key.length <= 256 ? await lookup(key) : undefined
  return grant ?? failed(commonRules.broken("UNAUTHENTICATED", "The API key is not valid."))
}

function failed(error: Error): never {
  throw error
}

/** A caller with an API key. */
export type KeyHolder = Actor & { readonly kind: "api_key"; readonly id: string; readonly scopes: readonly string[] }

/** A caller without credentials, where none are needed. */
export const anyone: Actor = Object.freeze({ kind: "user" })

/**
 * Finds out who calls. A key that is given must be valid even where none is needed.
 *
 * @throws RuleError `UNAUTHENTICATED` or `FORBIDDEN`
 */
export async function authenticate(
  key: string | string[] | undefined,
  call: { system: string; method: string; mode: AuthMode },
  lookup: KeyLookup,
): Promise<Actor> {
  if (key === undefined && call.mode === "open") return anyone
  const grant = await grantOf(key, lookup)
  if (!allows(grant.scopes, call.system, call.method)) {
    throw commonRules.broken("FORBIDDEN", `The API key lacks the scope for this call of ${call.system}.`)
  }
  const holder: KeyHolder = { kind: "api_key", id: grant.id, scopes: grant.scopes }
  return holder
}

/** Access to the calls of a system, by the keys of `lookup`. */
export function keyAccess(system: string, mode: AuthMode, lookup: KeyLookup): Access {
  return {
    admit({ headers, method }, { options }) {
      if (options.access === "public") return anyone
      const key = headers["x-api-key"]
      return key === undefined && mode === "open" ? anyone : authenticate(key, { system, method, mode }, lookup)
    },
    carries: ({ headers }) => headers["x-api-key"] !== undefined,
    security: mode === "open" ? [{}, { apiKey: [] }] : [{ apiKey: [] }],
    schemes: { apiKey: { type: "apiKey", in: "header", name: "X-API-Key" } },
    refusals: commonRules.pick("UNAUTHENTICATED", "FORBIDDEN"),
  }
}
