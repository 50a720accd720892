import type { ReferenceAction, Registry, TableDefinition } from "../schema/index.ts"
import type { RowKind } from "./rows.ts"
import type { Tag } from "./tags.ts"

/** Columns by which results depend on rows of a table. */
type Combination = {
  readonly columns: readonly string[]
  /** Whether an update changes these columns only where it names them. */
  readonly settled: boolean
}

/** Tables whose rows change where a column of another table does, because they reference it. */
type Followers = {
  readonly column: string
  /** Whether an update changes the column only where it names it. */
  readonly settled: boolean
  readonly tables: readonly TableDefinition[]
}

/** What is cached of a table, or because of it. */
export type Dependants = { readonly rows: RowKind[]; readonly combinations: Combination[] }

/** What is cached, by the tables that it depends on. */
export class Dependencies {
  readonly #byTable = new Map<TableDefinition, Dependants>()
  readonly #cascades = new Map<TableDefinition, readonly TableDefinition[]>()
  readonly #followers = new Map<TableDefinition, readonly Followers[]>()

  addRows(kind: RowKind): void {
    this.#dependants(kind.rows.table).rows.push(kind)
  }

  addTag({ table, columns }: Tag): void {
    const { combinations } = this.#dependants(table)
    const name = columns.join()
    if (combinations.some((one) => one.columns.join() === name)) return
    combinations.push({ columns, settled: columns.every((key) => isSettled(table, key)) })
  }

  of(table: TableDefinition): Dependants | undefined {
    return this.#byTable.get(table)
  }

  /** Tables with something cached whose rows a deletion of rows of `table` may delete or change. */
  cascade(table: TableDefinition, registry: Registry): readonly TableDefinition[] {
    let reached = this.#cascades.get(table)
    if (reached === undefined) {
      const reach = new Reach(registry)
      reach.deleted(table)
      reached = this.#cached(reach)
      this.#cascades.set(table, reached)
    }
    return reached
  }

  /** Tables with something cached whose rows change with columns of `table`, by the column. */
  followers(table: TableDefinition, registry: Registry): readonly Followers[] {
    let followers = this.#followers.get(table)
    if (followers === undefined) {
      const found = table.columns.map(({ key }) => {
        const reach = new Reach(registry)
        reach.changed(table, key)
        return { column: key, settled: isSettled(table, key), tables: this.#cached(reach) }
      })
      followers = found.filter(({ tables }) => tables.length > 0)
      this.#followers.set(table, followers)
    }
    return followers
  }

  #cached({ tables }: Reach): readonly TableDefinition[] {
    return [...tables].filter((table) => this.#byTable.has(table))
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

/** Whether an update changes the column only where it names it. */
function isSettled(table: TableDefinition, key: string): boolean {
  const column = table.column.get(key)
  return column?.onUpdate === undefined && column?.generated === undefined && table.version !== key
}

/** How far a write reaches by the references between tables. */
class Reach {
  /** Tables whose rows may be deleted or changed. */
  readonly tables = new Set<TableDefinition>()
  readonly #referencedBy: Registry["referencedBy"]
  readonly #deleted = new Set<TableDefinition>()
  readonly #changed = new Map<TableDefinition, Set<string>>()

  constructor({ referencedBy }: Registry) {
    this.#referencedBy = referencedBy
  }

  deleted(table: TableDefinition): void {
    if (this.#deleted.has(table)) return
    this.#deleted.add(table)
    for (const { source, column, onDelete } of this.#referencedBy.get(table) ?? []) {
      if (!acts(onDelete)) continue
      this.tables.add(source)
      if (onDelete === "cascade") this.deleted(source)
      else this.changed(source, column.key)
    }
  }

  changed(table: TableDefinition, key: string): void {
    let changed = this.#changed.get(table)
    if (changed === undefined) {
      // Columns that the database computes may change with any other.
      changed = new Set()
      this.#changed.set(table, changed)
      for (const { key: computed, generated } of table.columns) {
        if (generated !== undefined) this.changed(table, computed)
      }
    }
    if (changed.has(key)) return
    changed.add(key)
    for (const { source, column, targetColumn, onUpdate } of this.#referencedBy.get(table) ?? []) {
      if (targetColumn.key !== key || !acts(onUpdate)) continue
      this.tables.add(source)
      this.changed(source, column.key)
    }
  }
}

const acts = (action: ReferenceAction): boolean => action !== "restrict" && action !== "no action"
