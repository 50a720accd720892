/** `createdAt` → `created_at`; `line1Text` → `line1_text`; `HTTPStatus` → `http_status`. */
export function snakeCase(key: string): string {
  return key
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/([A-Z])([A-Z][a-z])/g, "$1_$2")
    .toLowerCase()
}

/** `created_at` → `createdAt`. */
export function camelCase(name: string): string {
  return name.replace(/_+([a-z0-9])/gi, (_, letter: string) => letter.toUpperCase())
}

/** PostgreSQL cuts longer names silently; here they are refused. */
export const longestName = 63

/** A name of at most 63 bytes made of `parts`; a longer one keeps its start and gets a hash of the whole. */
export function generatedName(parts: readonly string[], suffix: string): string {
  const name = [...parts, suffix].join("_")
  if (Buffer.byteLength(name) <= longestName) return name
  let hash = 0
  for (const character of name) hash = (Math.imul(hash, 31) + character.codePointAt(0)!) >>> 0
  const tail = `_${hash.toString(36)}_${suffix}`
  let head = parts.join("_")
  while (Buffer.byteLength(head) > longestName - tail.length) head = head.slice(0, -1)
  return head + tail
}
