/** Texts of bodies in which a number may have more digits than its value keeps. */
const texts = new WeakMap<object, string>()

/** A number that is rounded has sixteen digits or an exponent. */
const longNumber = /[\d.]{16}|\d[eE]/

/** Remembers the text that a body was parsed from where the numbers in it may have been rounded. */
export function keepNumbers(body: unknown, text: string): void {
  if (typeof body === "object" && body !== null && longNumber.test(text)) texts.set(body, text)
}

/** Stands where the text of a body has a number that was rounded. */
class RoundedNumber {}

// Not yet among TypeScript's own declarations: https://tc39.es/proposal-json-parse-with-source/
type Reviver = (key: string, value: unknown) => unknown

/** The body once more, with something else than a number wherever a number was rounded; undefined where none was. */
export function withoutRounded(body: unknown): unknown {
  const text = texts.get(body as object)
  if (text === undefined) return undefined
  let rounded = false
  const again = JSON.parse(text.replace(/^\uFEFF/, ""), ((
    _key: string,
    value: unknown,
    context: { source?: string },
  ) => {
    if (typeof value !== "number" || isExact(context.source as string)) return value
    rounded = true
    return new RoundedNumber()
  }) as Reviver)
  return rounded ? again : undefined
}

/**
 * Whether a number in JSON is the one that its value prints as, so that no digit is lost.
 *
 * ### Examples
 *
 * ```ts
 * isExact("19.990") // true
 * isExact("19.990000000000000001") // false: its value prints as 19.99
 * ```
 */
export function isExact(text: string): boolean {
  return normalized(text) === normalized(String(Number(text)))
}

/** Digits without zeros at their ends, and the power of ten of the last one. */
function normalized(text: string): string {
  const parts = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text)
  if (parts === null) return text
  const [, sign, whole, fraction = "", power = "0"] = parts as unknown as [string, string, string, string?, string?]
  const digits = whole + fraction
  let [first, end] = [0, digits.length]
  while (digits[first] === "0") first++
  if (first === end) return "0"
  while (digits[end - 1] === "0") end--
  return `${sign}${digits.slice(first, end)}e${Number(power) - fraction.length + digits.length - end}`
}
