import type {
  AnyTable,
  Changes,
  ColumnsOf,
  ColumnTypesOf,
  Key,
  NameOf,
  NewRow,
  NullsPosition,
  Row,
  SortDirection,
  Table,
  TableColumn,
  Tables,
} from "../schema/index.ts"

type Types<C> = ColumnTypesOf<C>
type ValueOf<C> = Types<C>["value"]
type ReferenceOf<C> = Types<C>["reference"]

type Ordered = string | number | bigint | Date

/** Conditions on one column of the kind `K`. Several in one object must all hold. */
export type Operators<V, K> = {
  /** Equal; `null` is equal to null. */
  eq?: V | null
  /** Different; a null is different from every value. A list means none of these. */
  not?: V | null | readonly V[]
  in?: readonly V[]
} & (V extends Ordered ? { gt?: V; gte?: V; lt?: V; lte?: V; between?: readonly [from: V, to: V] } : unknown) &
  (K extends "text" | "choice"
    ? {
        /** Case-sensitive pattern: `%` any text, `_` one character, `\` takes the next one as it is. */
        like?: string
        /** The text occurs in it, without regard to case, for all of Unicode. */
        contains?: string
      }
    : unknown) &
  (V extends readonly (infer I)[] ? { /** The list has this item. */ has?: I } : unknown)

type JsonOperators<V> = {
  eq?: V
  not?: null
  /** The document contains this structure, as `@>` of PostgreSQL's `jsonb` means it. */
  has?: unknown
}

type Scalar = string | number | bigint | boolean | Date | Uint8Array

type Condition<C, V = ValueOf<C>, N = Types<C>["nullable"], K = Types<C>["kind"]> =
  | (N extends true ? null : never)
  | ([V] extends [Scalar]
      ? V | readonly V[] | Operators<V, K>
      : [V] extends [readonly unknown[]]
        ? Operators<V, K>
        : JsonOperators<V>)

/** What rows are meant: equality, lists, null, operators, by column; all must hold. `or` needs one of its branches to hold. */
export type Where<T extends AnyTable, C = ColumnsOf<T>> = { readonly [K in keyof C & string]?: Condition<C[K]> } & {
  readonly or?: readonly Where<T>[]
  readonly and?: readonly Where<T>[]
}

/** A row to be made where the columns `F` are filled in: they may be left out. */
export type NewRowIn<T extends AnyTable, F extends string> = [F] extends [never]
  ? NewRow<T>
  : Omit<NewRow<T>, F> & Partial<Pick<NewRow<T>, F & keyof NewRow<T>>>

type NumberKind = "integer" | "bigint" | "real" | "decimal"

/** What can be added to the columns of numbers: a decimal as its text. */
export type Amounts<T extends AnyTable, C = ColumnsOf<T>> = {
  readonly [K in keyof Changes<T> & keyof C]?: Types<C[K]>["kind"] extends NumberKind ? ValueOf<C[K]> : never
}

type Order = SortDirection | { direction?: SortDirection; nulls?: NullsPosition }

/** An order by one or more columns; the primary key always comes last by itself, so that it is total. */
export type OrderBy<T extends AnyTable, C = ColumnsOf<T>> =
  | { readonly [K in keyof C & string]?: Order }
  | readonly { readonly [K in keyof C & string]?: Order }[]

type TargetOf<T extends AnyTable, G> =
  G extends TableColumn<infer N, infer C, infer _K> ? Table<N, C> : G extends string ? T : never

type OneName<K extends string, R> = R extends { as: infer A }
  ? A extends string
    ? A
    : K extends `${infer Stem}Id`
      ? Stem
      : never
  : never

/** Relations to the one row that this row references. */
type OneRelations<T extends AnyTable, C = ColumnsOf<T>> = {
  [K in keyof C & string as OneName<K, ReferenceOf<C[K]>>]: ReferenceOf<C[K]> extends { target: infer G }
    ? { kind: "one"; table: TargetOf<T, G>; nullable: Types<C[K]>["nullable"] }
    : never
}

type TargetName<X extends AnyTable, R> = R extends { target: infer G }
  ? G extends TableColumn<infer N, infer _C, infer _K>
    ? N
    : G extends string
      ? NameOf<X>
      : never
  : never

/** Keys of the columns that reference something. */
type ReferringKeys<C> = {
  [K in keyof C & string]: ReferenceOf<C[K]> extends { target: unknown } ? K : never
}[keyof C & string]

/** The name of the relation back; without one of its own, several references to one table (or to itself) have none. */
type ManyName<TK extends string, X extends AnyTable, C, R extends keyof C & string, K extends R> =
  ReferenceOf<C[K]> extends { many: infer M extends string }
    ? M
    : TargetName<X, ReferenceOf<C[K]>> extends
          | NameOf<X>
          | { [O in Exclude<R, K>]: TargetName<X, ReferenceOf<C[O]>> }[Exclude<R, K>]
      ? never
      : TK

type ManyEntriesOf<
  TK extends string,
  X extends AnyTable,
  C = ColumnsOf<X>,
  R extends keyof C & string = ReferringKeys<C>,
> = {
  [K in R]: { to: TargetName<X, ReferenceOf<C[K]>>; name: ManyName<TK, X, C, R, K>; table: X }
}[R]

/** The relations to many of all tables, so that they are derived once and not for each table again. */
type AllManyEntries<S extends Tables> = { [TK in keyof S & string]: ManyEntriesOf<TK, S[TK]> }[keyof S & string]

type AcrossEntriesOf<X extends AnyTable, C = ColumnsOf<X>, R extends keyof C & string = ReferringKeys<C>> = {
  [K in R]: ReferenceOf<C[K]> extends { across: infer A extends string; target: infer G }
    ? { [O in Exclude<R, K>]: { to: TargetName<X, ReferenceOf<C[O]>>; name: A; table: TargetOf<X, G> } }[Exclude<R, K>]
    : never
}[R]

type AllAcrossEntries<S extends Tables> = { [TK in keyof S & string]: AcrossEntriesOf<S[TK]> }[keyof S & string]

type ManyEntries<T extends AnyTable, S extends Tables> = Extract<AllManyEntries<S>, { to: NameOf<T> }>

type AcrossEntries<T extends AnyTable, S extends Tables> = Extract<AllAcrossEntries<S>, { to: NameOf<T> }>

type ManyRelations<T extends AnyTable, S extends Tables> = {
  [E in ManyEntries<T, S> | AcrossEntries<T, S> as E extends { name: infer N extends string } ? N : never]: {
    kind: "many"
    table: E extends { table: infer X } ? X : never
    nullable: false
  }
}

type AcrossRelations<T extends AnyTable, S extends Tables> = {
  [E in AcrossEntries<T, S> as E["name"]]: E["table"]
}

/** Names of the many-to-many relations of a table. */
export type AcrossName<T extends AnyTable, S extends Tables> = keyof AcrossRelations<T, S> & string

/** The key of a row at the other end of a many-to-many relation. */
export type AcrossKey<T extends AnyTable, S extends Tables, N extends AcrossName<T, S>> = AcrossRelations<
  T,
  S
>[N] extends infer X extends AnyTable
  ? Key<X>
  : never

/** All relations of a table among the tables `S`. */
export type Relations<T extends AnyTable, S extends Tables> = OneRelations<T> & ManyRelations<T, S>

type ManyOptions<X extends AnyTable, S extends Tables> = {
  readonly where?: Where<X>
  readonly orderBy?: OrderBy<X>
  /** The most rows for each parent. */
  readonly limit?: number
  readonly with?: With<X, S>
}

/** Relations to load: one more query for each relation and level, whatever the number of rows. */
export type With<T extends AnyTable, S extends Tables, L = Relations<T, S>> = {
  readonly [K in keyof L]?: L[K] extends { kind: "one"; table: infer X extends AnyTable }
    ? true | { readonly with?: With<X, S> }
    : L[K] extends { table: infer X extends AnyTable }
      ? true | ManyOptions<X, S>
      : never
}

type LoadedOne<X extends AnyTable, S extends Tables, W, N> =
  | Loaded<X, S, W extends { with: infer D } ? D : unknown>
  | (N extends true ? null : never)

/** A row with the relations that were asked for; others are not in the type. */
export type Loaded<T extends AnyTable, S extends Tables, W, L = Relations<T, S>> = unknown extends W
  ? Row<T>
  : keyof W & keyof L extends never
    ? Row<T>
    : Row<T> & {
        [K in keyof W & keyof L]: L[K] extends { kind: infer Kind; table: infer X extends AnyTable; nullable: infer N }
          ? Kind extends "one"
            ? LoadedOne<X, S, W[K], N>
            : Loaded<X, S, W[K] extends { with: infer D } ? D : unknown>[]
          : never
      }

/** Refuses relations that do not exist. */
export type Exactly<W, Allowed> = W & { readonly [K in Exclude<keyof W, keyof Allowed>]: never }
