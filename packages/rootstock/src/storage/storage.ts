import type { AnyTable, Tables } from "../schema/index.ts"
import type { Backend } from "./backend.ts"
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
export function Storage<T extends AnyTable, S extends Tables = {}>(table: T, _tables?: S): StorageClass<T, S> {
  return class extends TableStorage<T, S> {
    static readonly table = table

    constructor(backend: Backend) {
      super(backend, table)
    }
  }
}
