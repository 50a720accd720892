import { UsageError } from "../command/index.ts"

/**
 * Reads scopes such as `shop:read,shop:write`.
 *
 * @throws UsageError for a scope that no system knows
 */
export function readScopes(text: string, systems: readonly string[]): string[] {
  const known = systems.flatMap((system) => ["read", "write", "admin"].map((level) => `${system}:${level}`))
  const scopes = [...new Set(text.split(",").map((scope) => scope.trim()))]
  for (const scope of scopes) {
    if (!known.includes(scope))
      throw new UsageError(`${JSON.stringify(scope)} is no scope; there are ${known.join(", ")}.`)
  }
  return scopes
}
