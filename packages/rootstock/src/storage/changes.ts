import type { Clock } from "../clock/index.ts"
import type { ColumnDefinition, DefaultValue, SqlValue } from "../schema/index.ts"
import { encodeStored, encodeValue } from "./encode.ts"
import type { Plans } from "./plans.ts"
import { columnOf } from "./where.ts"

/** What a call gives: values by column. */
export type Given = Record<string, unknown>

/** The driver's value of a default, or of what a column changes to with every update. */
export function defaultOf(plans: Plans, column: ColumnDefinition, value: DefaultValue, clock: Clock): SqlValue {
  const made = value.kind === "now" ? clock.now() : value.kind === "call" ? value.call() : value.value
  return made === null
    ? encodeStored(plans.table, column, plans.dialect, null)
    : encodeValue(plans.table, column, plans.dialect, made)
}

/** Columns that change with every update. */
export function touched(plans: Plans): readonly ColumnDefinition[] {
  return plans.shape("touched", () => plans.table.columns.filter(({ onUpdate }) => onUpdate !== undefined))
}

/** `"version" = "t"."version" + 1`, unless the version is among the columns that are set; or that the table counts none. */
export function versionStep(plans: Plans, isSet: (key: string) => boolean): string | undefined {
  const { table, dialect } = plans
  if (table.version === undefined || isSet(table.version)) return undefined
  const name = dialect.identifier(columnOf(table, table.version).name)
  return `${name} = ${plans.name}.${name} + 1`
}

/** The items in portions, each of as many as `next` takes of those that are left. */
export function chunks<T>(items: readonly T[], next: (count: number) => number): (readonly T[])[] {
  const result: (readonly T[])[] = []
  for (let index = 0; index < items.length; ) {
    const size = next(items.length - index)
    result.push(index === 0 && size === items.length ? items : items.slice(index, index + size))
    index += size
  }
  return result
}
