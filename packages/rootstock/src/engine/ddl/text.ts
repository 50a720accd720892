/** A name as both engines take it in SQL. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A string literal of SQL. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** Names in parentheses, e.g. `("a", "b")`. */
export function columnList(names: readonly string[]): string {
  return `(${names.map(identifier).join(", ")})`
}
