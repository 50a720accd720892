import type { ColumnTypesOf } from "./column.ts"
import type { AnyTable, ColumnsOf } from "./table.ts"

type Simplify<T> = { [K in keyof T]: T[K] } & {}

type ValueOf<C, T = ColumnTypesOf<C>> = T extends { value: infer V; nullable: infer N }
  ? N extends true
    ? V | null
    : V
  : never
type GivenOf<C, T = ColumnTypesOf<C>> = T extends { given: infer G } ? G : never
type IsKey<C, T = ColumnTypesOf<C>> = T extends { primaryKey: infer P } ? P : never

/** Keys of the columns that may be written. */
type KeysGiven<C, G> = { [K in keyof C]: GivenOf<C[K]> extends G ? K : never }[keyof C] & string

/** Keys of the primary key's columns. */
export type PrimaryKeys<T extends AnyTable, C = ColumnsOf<T>> = {
  [K in keyof C]: IsKey<C[K]> extends true ? K : never
}[keyof C] &
  string

/** A row as it is read. */
export type Row<T extends AnyTable, C = ColumnsOf<T>> = { -readonly [K in keyof C & string]: ValueOf<C[K]> }

/** What is given to make a row: columns that are nullable or have a default may be left out. */
export type NewRow<T extends AnyTable, C = ColumnsOf<T>> = Simplify<
  { [K in KeysGiven<C, "required">]: ValueOf<C[K]> } & { [K in KeysGiven<C, "optional">]?: ValueOf<C[K]> | undefined }
>

/** What can be changed of a row: any column that is neither key nor generated. A column left out or `undefined` stays. */
export type Changes<T extends AnyTable, C = ColumnsOf<T>> = {
  [K in Exclude<KeysGiven<C, "required" | "optional">, PrimaryKeys<T>>]?: ValueOf<C[K]> | undefined
}

/** The key of a row: the value of a single key column, or an object of all of them. */
export type Key<T extends AnyTable, C = ColumnsOf<T>, P extends string = PrimaryKeys<T>> =
  IsUnion<P> extends true
    ? { [K in P]: K extends keyof C ? ValueOf<C[K]> : never }
    : P extends keyof C
      ? ValueOf<C[P]>
      : never

export type IsUnion<T, U = T> = [T] extends [never]
  ? false
  : T extends unknown
    ? [U] extends [T]
      ? false
      : true
    : false
