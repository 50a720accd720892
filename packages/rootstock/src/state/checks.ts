import { ValidationError } from "../errors/index.ts"
import { shown } from "../schema/index.ts"

/** Longest key, name of a set and member, in characters; as the tables have it. */
export const longestKey = 200

/**
 * Refuses what both engines and Redis could not keep alike, or people could not read.
 *
 * @param what what it is, for the error, e.g. `A key`
 * @throws ValidationError
 */
export function checkName(what: string, name: string, longest: number = longestKey): void {
  const problem = problemOf(name, longest)
  if (problem === undefined) return
  throw new ValidationError(`${what} is ${shown(name)}, which ${problem}.`, {
    cure: `Give 1 to ${longest} characters of text, none of them a control character.`,
  })
}

function problemOf(name: unknown, longest: number): string | undefined {
  if (typeof name !== "string") return "is no text"
  if (name === "") return "is empty"
  if (/\p{Cc}/u.test(name)) return "has a control character"
  if (!name.isWellFormed()) return "is no well-formed Unicode"
  return name.length > longest && [...name].length > longest ? `has more than ${longest} characters` : undefined
}

/** Longest time to live: ten years, in milliseconds. */
const longestLife = 3_653 * 86_400_000

/** Refuses what is no time to live in milliseconds. @throws ValidationError */
export function checkLife(what: string, milliseconds: number): number {
  if (Number.isSafeInteger(milliseconds) && milliseconds > 0 && milliseconds <= longestLife) return milliseconds
  throw new ValidationError(`${what} is ${shown(milliseconds)}, which is no time to live.`, {
    cure: "Give a whole number of milliseconds, from 1 to ten years.",
  })
}

/** Refuses what is no whole number within bounds. @throws ValidationError */
export function checkWhole(what: string, value: number, least: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value
  throw new ValidationError(`${what} is ${shown(value)}.`, { cure: `Give a whole number from ${least} to ${most}.` })
}
