import { equalModels, type TypeModel } from "./model.ts"
import { literal } from "./text.ts"

/** How values of one type become values of another on one engine; both functions take an expression. */
export type Conversion = {
  readonly value: (expression: string) => string
  /** True for values that cannot be converted without a loss. */
  readonly refuse?: (expression: string) => string
}

/** Conversions of one engine, by `from to`, e.g. `integer text`. */
export type Conversions = Readonly<Record<string, (from: TypeModel, to: TypeModel) => Conversion>>

export const same: Conversion = { value: (expression) => expression }

const kindOf = ({ kind }: TypeModel) => (kind === "identity" ? "integer" : kind === "choice" ? "text" : kind)

/** The conversion between two types, or undefined. */
export function findConversion(conversions: Conversions, from: TypeModel, to: TypeModel): Conversion | undefined {
  if (from.kind === "list" && to.kind === "list") {
    return keepsItems(from.of!, to.of!) ? conversions["list list"]!(from, to) : undefined
  }
  const [source, target] = [kindOf(from), kindOf(to)]
  if (source === target && source !== "decimal") return same
  return conversions[`${source} ${target}`]?.(from, to)
}

/** Items of lists are not converted: both types must store them alike. */
function keepsItems(from: TypeModel, to: TypeModel): boolean {
  if (from.kind === "decimal") return equalModels(from, to)
  const whole = (type: TypeModel) => (kindOf(type) === "bigint" ? "integer" : kindOf(type))
  return whole(from) === whole(to)
}

/** Refuses lists with items that their type does not take; `search` looks for an item, named `item`, that fulfils a condition. */
export function itemRefusal(
  of: TypeModel,
  search: (list: string, condition: string) => string,
): Pick<Conversion, "refuse"> {
  const condition =
    of.max !== undefined
      ? `length(item) > ${of.max}`
      : of.values !== undefined
        ? `item NOT IN (${of.values.map(literal).join(", ")})`
        : of.kind === "integer"
          ? "item NOT BETWEEN -9007199254740991 AND 9007199254740991"
          : undefined
  return condition === undefined ? {} : { refuse: (list) => search(list, condition) }
}
