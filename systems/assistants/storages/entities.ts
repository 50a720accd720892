import { type ScopeRule, Storage } from "rootstock"
import type { AnyTable, Changes, ColumnsOf, Key, PrimaryKeys, Row } from "rootstock/schema"
import type { Where } from "rootstock/storage"
import { tables } from "../schema.ts"

/** A row's key with what is to change of the row; what is left out stays. */
export type Changed<T extends AnyTable> = Changes<T> & { readonly [K in PrimaryKeys<T>]: Key<T> }

type UpdateOptions<T extends AnyTable> = { version?: number | undefined; where?: Where<T> }

/**
 * The class of a table's storage in this system: with the library's calls, narrowed to the organisation of the running code,
 * and with `getById` and `update(row)`.
 */
export function Entities<T extends AnyTable, F extends string = never>(
  table: T,
  scope: ScopeRule<keyof ColumnsOf<T> & string, F>,
) {
  return class extends Storage(table, tables, { scope }) {
    getById(id: Key<T>): Promise<Row<T> | undefined> {
      return this.get(id)
    }

    /** Changes a row, given with its key or behind it. @throws NotFoundError, and what the constraints refuse */
    override update(row: Changed<T>): Promise<Row<T>>
    override update(key: Key<T>, changes: Changes<T>, options?: UpdateOptions<T>): Promise<Row<T>>
    override update(first: unknown, changes?: Changes<T>, options?: UpdateOptions<T>): Promise<Row<T>> {
      if (changes !== undefined) return super.update(first as Key<T>, changes, options)
      const { id, ...rest } = first as { id: Key<T> }
      return super.update(id, rest as Changes<T>)
    }
  }
}
