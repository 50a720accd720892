/** What went wrong. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === "") return error.errors.map(messageOf).join("; ")
  return error instanceof Error ? error.message : String(error)
}

/** What went wrong, and how to mend it where the error knows. */
export function sentenceOf(error: unknown): string {
  const cure = error instanceof Error && "cure" in error ? ` ${error.cure}` : ""
  return `${messageOf(error)}${cure}`
}
