import type { Registry, TableDefinition } from "../schema/index.ts"
import type { Participant } from "../session/index.ts"
import type { Writes } from "../storage/index.ts"
import type { Changes, Coherence, Kind, Load, Target } from "./coherence.ts"
import type { Dependants, Dependencies } from "./dependencies.ts"
import { columnsTag, keyValues, tableTag, tagKey } from "./tags.ts"

type Row = Readonly<Record<string, unknown>>
type Renewal = { readonly target: Target; readonly load: Load }

/** More keys than these of one table are forgotten by its tag, in one step. */
const mostKeys = 1_000
/** More rows than these of one transaction are not loaded again: that would be a burst of reads that nobody may want. */
const mostRenewed = 100

/** What one unit of work wrote, as keys to forget and entries to renew. */
export class CollectedWrites implements Writes {
  readonly #dependencies: Dependencies
  readonly #coherence: Coherence
  readonly #registry: Registry
  readonly #dropped = new Set<string>()
  readonly #renewed = new Map<string, Renewal>()
  /** Entries to count after the commit, by key. */
  readonly #invalidated = new Map<string, Kind>()
  /** How many keys were collected for a table. */
  readonly #counts = new Map<TableDefinition, number>()

  constructor(dependencies: Dependencies, coherence: Coherence, registry: Registry) {
    this.#dependencies = dependencies
    this.#coherence = coherence
    this.#registry = registry
  }

  row(table: TableDefinition, key: unknown, row: Row | undefined, changed: readonly string[] | undefined): void {
    if (changed !== undefined) this.#follow(table, changed)
    const on = this.#dependencies.of(table)
    if (on === undefined || this.#isAll(table) || !this.#counted(table)) return
    for (const kind of on.rows) {
      // A row that was not there before can only be known as "there is none".
      if (changed === undefined && kind.negativeTtlMs === 0) continue
      const target = kind.target(key)
      this.#dropped.add(target.key)
      this.#invalidated.set(target.key, kind)
      if (kind.rows.refreshes && changed !== undefined) {
        this.#renew(target.key, { target, load: kind.load(key) })
      }
    }
    this.#dropTags(table, on, row ?? keyValues(table, key), changed)
  }

  #renew(key: string, renewal: Renewal): void {
    if (this.#renewed.size < mostRenewed) this.#renewed.set(key, renewal)
  }

  /** What goes by the values of a row; where it is not known which it had before, what goes by these columns at all. */
  #dropTags(table: TableDefinition, { combinations }: Dependants, values: Row, changed: readonly string[] = []): void {
    for (const { columns, settled } of combinations) {
      const moved =
        changed.length > 0 &&
        (!settled || columns.some((name) => changed.includes(name) && !table.primaryKey.includes(name)))
      const unknown = moved || columns.some((name) => values[name] === undefined)
      this.#dropped.add(unknown ? columnsTag(table, columns) : tagKey(table, columns, values))
    }
  }

  gone(table: TableDefinition, key: unknown): void {
    const on = this.#dependencies.of(table)
    if (on !== undefined && !this.#isAll(table) && this.#counted(table)) {
      for (const kind of on.rows) {
        const { key: text } = kind.target(key)
        this.#dropped.add(text)
        this.#renewed.delete(text)
        this.#invalidated.set(text, kind)
      }
      this.#dropTags(table, on, keyValues(table, key))
    }
    this.#cascade(table)
  }

  some(table: TableDefinition, removed: boolean): void {
    if (this.#dependencies.of(table) !== undefined) this.#dropped.add(tableTag(table))
    this.#cascade(table, removed)
  }

  /** Forgets one key by its name; the kind, where it is of one, counts it. */
  drop(key: string, kind: Kind | undefined): void {
    this.#dropped.add(key)
    if (kind !== undefined) this.#invalidated.set(key, kind)
  }

  #cascade(table: TableDefinition, removed = true): void {
    this.#follow(
      table,
      table.columns.map(({ key }) => key),
    )
    if (!removed) return
    for (const reached of this.#dependencies.cascade(table, this.#registry)) this.#dropped.add(tableTag(reached))
  }

  /** References to a column that was changed may take their rows along. */
  #follow(table: TableDefinition, changed: readonly string[]): void {
    for (const { column, settled, tables } of this.#dependencies.followers(table, this.#registry)) {
      if (settled && !changed.includes(column)) continue
      for (const reached of tables) this.#dropped.add(tableTag(reached))
    }
  }

  #isAll(table: TableDefinition): boolean {
    return this.#dropped.has(tableTag(table))
  }

  #counted(table: TableDefinition): boolean {
    const count = (this.#counts.get(table) ?? 0) + 1
    this.#counts.set(table, count)
    if (count <= mostKeys) return true
    this.#dropped.add(tableTag(table))
    return false
  }

  async prepare(): Promise<void> {
    if (this.#dropped.size > 0) await this.#coherence.prepare(this.#changes)
  }

  async committed(): Promise<void> {
    for (const [key, { counters, trace }] of this.#invalidated) {
      counters.invalidations++
      trace?.("invalidate", key)
    }
    if (this.#dropped.size > 0) await this.#coherence.committed(this.#changes)
  }

  join(child: Participant): void {
    const own = child as CollectedWrites
    const { dropped, renewed } = own.#changes
    for (const [key, kind] of own.#invalidated) this.#invalidated.set(key, kind)
    for (const key of dropped) this.#dropped.add(key)
    for (const [key, renewal] of renewed) this.#renew(key, renewal)
  }

  get #changes(): Changes {
    return { dropped: this.#dropped, renewed: this.#renewed }
  }
}
