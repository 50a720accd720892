import type { Registry, TableDefinition } from "../schema/index.ts"
import type { RowKind } from "./rows.ts"
import type { Tag } from "./tags.ts"

/** Columns by which results depend on rows of a table. */
type Combination = {
  readonly columns: readonly string[]
  /** Whether an update changes these columns only where it names them. */
  readonly settled: boolean
}

/** What is cached of a table, or because of it. */
type Dependants = { readonly rows: RowKind[]; readonly combinations: Combination[] }

/** What is cached, by the tables that it depends on. */
export class Dependencies {
  readonly #byTable = new Map<TableDefinition, Dependants>()
  readonly #cascades = new Map<TableDefinition, readonly TableDefinition[]>()

  addRows(kind: RowKind): void {
    this.#dependants(kind.rows.table).rows.push(kind)
  }

  addTag({ table, columns }: Tag): void {
    const { combinations } = this.#dependants(table)
    const name = columns.join()
    if (combinations.some((one) => one.columns.join() === name)) return
    const settled = columns.every((key) => {
      const column = table.column.get(key)
      return column?.onUpdate === undefined && column?.generated === undefined && table.version !== key
    })
    combinations.push({ columns, settled })
  }

  of(table: TableDefinition): Dependants | undefined {
    return this.#byTable.get(table)
  }

  /** Tables with something cached whose rows a deletion of rows of `table` may delete or change. */
  cascade(table: TableDefinition, registry: Registry): readonly TableDefinition[] {
    let reached = this.#cascades.get(table)
    if (reached === undefined) {
      reached = this.#reach(table, registry)
      this.#cascades.set(table, reached)
    }
    return reached
  }

  #reach(start: TableDefinition, { referencedBy }: Registry): readonly TableDefinition[] {
    const changed = new Set<TableDefinition>()
    const deleted = new Set<TableDefinition>([start])
    for (const table of deleted) {
      for (const { source, onDelete } of referencedBy.get(table) ?? []) {
        if (onDelete === "restrict" || onDelete === "no action") continue
        changed.add(source)
        // Only what is deleted takes others along.
        if (onDelete === "cascade") deleted.add(source)
      }
    }
    return [...changed].filter((table) => this.#byTable.has(table))
  }

  #dependants(table: TableDefinition): Dependants {
    let dependants = this.#byTable.get(table)
    if (dependants === undefined) {
      dependants = { rows: [], combinations: [] }
      this.#byTable.set(table, dependants)
    }
    return dependants
  }
}
