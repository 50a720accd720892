import { type AnyTable, type ColumnsOf, definitionOf, type Tables } from "../schema/index.ts"
import type { Backend } from "./backend.ts"
import type { ScopeRule } from "./scope.ts"
import { declareScope } from "./scoped-tables.ts"
import { TableStorage } from "./table-storage.ts"

/** A class of storages for one table. */
export type StorageClass<T extends AnyTable, S extends Tables = {}, I = TableStorage<T, S>> = {
  new (backend: Backend): I
  readonly table: T
}

/**
 * Makes the class of a table's storage, to be extended with a system's own calls.
 *
 * @param table the declared table
 * @param _tables all tables of the database: inside the class, `with` then knows the relations that lead from others to
 *   this table. Storages made by `db.storages` know them in any case.
 * @param options.scope which rows it sees and changes: those of the value of a `Scope` that is set when it is called. It
 *   holds for the table as a relation of other storages in a scope, too
 * @throws DeclarationError where the scope does not fit the table
 *
 * ### Examples
 *
 * ```ts
 * class MessageStorage extends Storage(messages) {
 *   latest(chatId: number, limit = 50) {
 *     return this.list({ where: { chatId }, orderBy: { createdAt: "desc" }, limit })
 *   }
 * }
 * ```
 */
export function Storage<T extends AnyTable, S extends Tables = {}, F extends string = never>(
  table: T,
  _tables?: S,
  options: { scope?: ScopeRule<keyof ColumnsOf<T> & string, F> } = {},
): StorageClass<T, S, TableStorage<T, S, F>> {
  const rule = options.scope as ScopeRule | undefined
  if (rule !== undefined) declareScope(definitionOf(table), rule)
  return class extends TableStorage<T, S, F> {
    static readonly table = table

    constructor(backend: Backend) {
      super(backend, table, rule)
    }
  }
}
