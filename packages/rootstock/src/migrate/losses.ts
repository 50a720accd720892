import type { Operation } from "../engine/index.ts"

/** Rows or values that go for good. */
export type Loss = {
  readonly table: string
  /** Absent where all rows of the table go. */
  readonly column?: string
}

/** What goes for good when the operations are run. Values that are computed do not count. */
export function lossesOf(operations: readonly Operation[]): Loss[] {
  return operations.flatMap((operation): Loss[] => {
    if (operation.op === "dropTable") return [{ table: operation.table.name }]
    if (operation.op === "dropColumn" && operation.column.generated === undefined) {
      return [{ table: operation.table, column: operation.column.name }]
    }
    return []
  })
}
