import { type Field, listOf, objectOf, optional, orNull, refined, wholeNumber, withDefault, words } from "./fields.ts"

/** Which page of a list: at most `limit` rows behind `cursor`. */
export const cursorQuery = {
  cursor: optional(refined(words(2_000), { description: "`next_cursor` of the page before." })),
  limit: withDefault(wholeNumber(1, 100), 50),
}

/** A page of a list, with the cursor of the one behind it, null at the end. */
export function cursorPage<T>(name: string, item: Field<T>) {
  return objectOf(name, { items: listOf(item), nextCursor: orNull(words(2_000)) })
}

/** The rows of a page, with the cursor of the one behind it, as `cursorPage` answers them. */
export function pageOf<R>({ rows, next }: { rows: R[]; next?: string | undefined }): {
  items: R[]
  nextCursor: string | null
} {
  return { items: rows, nextCursor: next ?? null }
}
