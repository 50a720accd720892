import { ValidationError } from "../errors/index.ts"
import { checkName } from "./checks.ts"

/** Where a member stands in its set: behind all with a higher score, or with the same score and a greater name. */
export type Place = { readonly score: number; readonly member: string }

/** Whether a member stands behind a place. */
export function isBehind({ score, member }: Place, place: Place): boolean {
  return score < place.score || (score === place.score && compareCodePoints(member, place.member) < 0)
}

/** By code point, as both engines compare; UTF-16 units have another order beyond U+FFFF. */
function compareCodePoints(left: string, right: string): number {
  return left === right ? 0 : Buffer.compare(Buffer.from(left), Buffer.from(right))
}

/** Where a page of a set ended. */
export type Cursor = Place & {
  /** How many members the pages up to here had; tells only where it is worth to look for the next one. */
  readonly seen: number
}

/** A cursor as text for a URL. */
export function cursorText({ score, member, seen }: Cursor): string {
  return Buffer.from(JSON.stringify([score, member, seen])).toString("base64url")
}

/** @throws ValidationError for what is no cursor */
export function readCursor(text: string): Cursor {
  try {
    const [score, member, seen] = JSON.parse(Buffer.from(text, "base64url").toString()) as [number, string, number]
    checkName("The member", member)
    if (Number.isFinite(score) && Number.isSafeInteger(seen)) return { score, member, seen }
  } catch (cause) {
    throw wrongCursor(cause)
  }
  throw wrongCursor()
}

function wrongCursor(cause?: unknown): ValidationError {
  return new ValidationError("The cursor is not one of an ordered set.", {
    cure: "Use one that a page of an ordered set gave.",
    cause,
  })
}
