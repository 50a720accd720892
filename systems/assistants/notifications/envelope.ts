import type { Notice } from "./notice.ts"

/** A notice on its way over one channel. */
export type Envelope = Pick<Notice, "dedupeKey" | "type" | "title" | "content" | "reference"> & {
  /** That of its row in the log: the same at each attempt. */
  readonly id: string
}

/** The beginning of a text, in UTF-16 units; half of a character at its end would be no text for PostgreSQL. */
export function cut(text: string, most: number): string {
  return text.slice(0, most).toWellFormed()
}
