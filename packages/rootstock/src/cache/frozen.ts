import { ValidationError } from "../errors/index.ts"
import { isoTime } from "../schema/index.ts"

const refuse = (): never => {
  throw new TypeError("A value from the cache is shared and cannot be changed: change a structuredClone() of it.")
}

/**
 * A date that cannot be changed, which freezing alone does not prevent. Its setters lie in its prototype and not in itself,
 * where they would cost ten times as much as the date; `constructor` is that of Date, so that it is equal to one.
 */
class FrozenDate extends Date {}

for (const name of Object.getOwnPropertyNames(Date.prototype)) {
  if (name.startsWith("set")) Object.defineProperty(FrozenDate.prototype, name, { value: refuse })
}
Reflect.deleteProperty(FrozenDate.prototype, "constructor")

/** Freezes a date, its setters included. */
export function freezeDate(date: Date): Date {
  return Object.isFrozen(date) ? date : Object.freeze(Object.setPrototypeOf(date, FrozenDate.prototype))
}

/** The instant of a text in ISO 8601, frozen. @throws TypeError where the text is none */
export function frozenInstant(text: string): Date {
  let time = isoTime(text)
  if (Number.isNaN(time)) time = Date.parse(text)
  if (Number.isNaN(time)) throw new TypeError("no instant")
  return Object.freeze(new FrozenDate(time))
}

/**
 * Freezes plain data deeply: objects, arrays, dates, and what JSON has.
 *
 * @param place what the value is, for the error
 * @throws ValidationError for what is no plain data: maps, class instances, functions, bytes
 */
export function freezeDeep(place: string, value: unknown): unknown {
  try {
    return freeze(place, value)
  } catch (error) {
    throw error instanceof RangeError ? notPlain(place, "what lies in itself, or too deep") : error
  }
}

/** Also what is frozen already: whoever froze it may have left out its depth. */
function freeze(place: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null) {
    if (typeof value === "function" || typeof value === "symbol") throw notPlain(place, `a ${typeof value}`)
    return value
  }
  if (value instanceof Date) return freezeDate(value)
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) freeze(place, value[index])
    return Object.freeze(value)
  }
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null)
    throw notPlain(place, `a ${prototype.constructor?.name ?? "object"}`)
  for (const key in value) freeze(place, (value as Record<string, unknown>)[key])
  return Object.freeze(value)
}

function notPlain(place: string, what: string): ValidationError {
  return new ValidationError(`${place} gives ${what}, which a cache cannot keep.`, {
    cure: "Give plain data: objects, arrays, texts, numbers, bigints, booleans, null, and dates.",
  })
}

/** Freezes deeply what JSON gave, which has nothing else in it than JSON has, and gives it back. */
export function freezeJson(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value
  if (Array.isArray(value)) for (let index = 0; index < value.length; index++) freezeJson(value[index])
  else for (const key in value) freezeJson((value as Record<string, unknown>)[key])
  return Object.freeze(value)
}

/** Whether plain data can never change: it is frozen in all its depth, its dates with their setters. */
export function isFrozenDeep(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true
  if (!Object.isFrozen(value)) return false
  if (value instanceof FrozenDate) return true
  if (Array.isArray(value)) return value.every(isFrozenDeep)
  const prototype = Object.getPrototypeOf(value)
  return (prototype === Object.prototype || prototype === null) && Object.values(value).every(isFrozenDeep)
}

/** Roughly how many bytes a value takes in memory. */
export function sizeOf(value: unknown): number {
  switch (typeof value) {
    case "string":
      return 24 + value.length
    case "object": {
      if (value === null) return 8
      if (value instanceof Date) return 96
      let size = 56
      if (Array.isArray(value)) for (const item of value) size += 8 + sizeOf(item)
      else if (value instanceof Uint8Array) size += value.byteLength
      else for (const key in value) size += 8 + sizeOf((value as Record<string, unknown>)[key])
      return size
    }
    default:
      return 16
  }
}
