import { snakeCase } from "rootstock/schema"

/** The same value with the keys of its objects as JSON has them: `expiresAt` becomes `expires_at`. */
export function inJsonKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inJsonKeys)
  if (typeof value !== "object" || value === null || value instanceof Date) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [snakeCase(key), inJsonKeys(item)]))
}
