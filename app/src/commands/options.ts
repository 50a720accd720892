import { readInstant } from "rootstock/fields"
import { type Call, UsageError } from "../command/index.ts"

/** The text of an option; undefined where it is left out. */
export function textOption({ options }: Call, name: string): string | undefined {
  const value = options[name]
  return typeof value === "string" ? value : undefined
}

/** The whole number of an option; undefined where it is left out. @throws UsageError */
export function numberOption(call: Call, name: string, least: number, most: number): number | undefined {
  const text = textOption(call, name)
  if (text === undefined) return undefined
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  throw new UsageError(`--${name} ${text} is no whole number from ${least} to ${most}.`)
}

/** The instant of an option; undefined where it is left out. @throws UsageError */
export function instantOption(call: Call, name: string): Date | undefined {
  const text = textOption(call, name)
  if (text === undefined) return undefined
  const instant = readInstant(text)
  if (instant !== undefined) return instant
  throw new UsageError(`--${name} ${text} is no instant.`, "Write it as 2027-01-31T00:00:00Z.")
}

/** One of the values that an option may have; undefined where it is left out. @throws UsageError */
export function choiceOption<const V extends readonly string[]>(
  call: Call,
  name: string,
  values: V,
): V[number] | undefined {
  const text = textOption(call, name)
  if (text === undefined || values.includes(text)) return text
  throw new UsageError(`--${name} ${text} is not known; there are ${values.join(", ")}.`)
}

/** The JSON of an option; undefined where it is left out. @throws UsageError */
export function jsonOption(call: Call, name: string): unknown {
  const text = textOption(call, name)
  if (text === undefined) return undefined
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UsageError(
      `--${name} is no JSON: ${(error as Error).message}.`,
      `Write it as --${name} '{"name": "value"}'.`,
    )
  }
}
