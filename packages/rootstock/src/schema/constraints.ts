import type { EngineSql } from "./column.ts"

export type SortDirection = "asc" | "desc"
export type NullsPosition = "first" | "last"

/** A column, or an expression in SQL, as part of an index. */
export type IndexTerm = {
  readonly column?: string
  readonly expression?: EngineSql
  readonly direction: SortDirection
  readonly nulls?: NullsPosition
}

export type IndexDefinition = {
  readonly kind: "index"
  readonly name?: string
  readonly terms: readonly IndexTerm[]
  readonly unique: boolean
  readonly where?: EngineSql
  /** Looks into lists and JSON: which rows have this item. */
  readonly method: "ordered" | "contains"
}

export type UniqueDefinition = {
  readonly kind: "unique"
  readonly name?: string
  readonly columns: readonly string[]
}

export type CheckDefinition = {
  readonly kind: "check"
  readonly name: string
  readonly sql: EngineSql
}

/** What can stand in the third argument of `table`. */
export type TableExtra = Index | Unique | Check

/** An index under declaration. */
export class Index {
  readonly definition: IndexDefinition

  constructor(definition: IndexDefinition) {
    this.definition = Object.freeze(definition)
    Object.freeze(this)
  }

  /** Only rows for which the condition holds are in the index. Names in it are those of the database. */
  where(sql: EngineSql): Index {
    return new Index({ ...this.definition, where: sql })
  }

  /** Name in the database, at most 63 bytes. */
  named(name: string): Index {
    return new Index({ ...this.definition, name })
  }

  /**
   * The index answers which rows have an item in a list, or a value in a JSON document: GIN on PostgreSQL, a side table
   * kept by triggers on SQLite.
   */
  contains(): Index {
    return new Index({ ...this.definition, method: "contains" })
  }
}

/** A unique constraint under declaration; with `where` it becomes a partial unique index. */
export class Unique {
  readonly definition: UniqueDefinition

  constructor(definition: UniqueDefinition) {
    this.definition = Object.freeze(definition)
    Object.freeze(this)
  }

  /** Only rows for which the condition holds are compared. */
  where(sql: EngineSql): Index {
    const { columns, name } = this.definition
    return new Index({
      kind: "index",
      ...(name === undefined ? {} : { name }),
      terms: columns.map((column) => ({ column, direction: "asc" })),
      unique: true,
      where: sql,
      method: "ordered",
    })
  }

  /** Name in the database, at most 63 bytes. */
  named(name: string): Unique {
    return new Unique({ ...this.definition, name })
  }
}

/** A check of a whole row under declaration. */
export class Check {
  readonly definition: CheckDefinition

  constructor(definition: CheckDefinition) {
    this.definition = Object.freeze(definition)
    Object.freeze(this)
  }
}

/** A term of an index before it is placed: `t.createdAt`, `t.createdAt.desc()`, `expression("lower(email)")`. */
export class SortTerm {
  readonly term: IndexTerm

  constructor(term: IndexTerm) {
    this.term = Object.freeze(term)
    if (new.target === SortTerm) Object.freeze(this)
  }

  asc(): SortTerm {
    return new SortTerm({ ...this.term, direction: "asc" })
  }

  desc(): SortTerm {
    return new SortTerm({ ...this.term, direction: "desc" })
  }

  nullsFirst(): SortTerm {
    return new SortTerm({ ...this.term, nulls: "first" })
  }

  nullsLast(): SortTerm {
    return new SortTerm({ ...this.term, nulls: "last" })
  }
}

/** An expression in SQL as a term of an index. */
export function expression(sql: EngineSql): SortTerm {
  return new SortTerm({ expression: sql, direction: "asc" })
}

type Indexable = { readonly key: string; readonly term: IndexTerm } | SortTerm

/**
 * An index over columns and expressions, in this order.
 *
 * ### Examples
 *
 * ```ts
 * (t) => [index(t.chatId, t.createdAt.desc()), index(t.dueAt).where("done_at IS NULL"), index(t.tags).contains()]
 * ```
 */
export function index(...terms: readonly [Indexable, ...Indexable[]]): Index {
  return new Index({ kind: "index", terms: terms.map(({ term }) => term), unique: false, method: "ordered" })
}

/** A unique index over columns and expressions. */
export function uniqueIndex(...terms: readonly [Indexable, ...Indexable[]]): Index {
  return new Index({ kind: "index", terms: terms.map(({ term }) => term), unique: true, method: "ordered" })
}

/** No two rows have the same values in all of these columns. */
export function unique(...columns: readonly [{ readonly key: string }, ...{ readonly key: string }[]]): Unique {
  return new Unique({ kind: "unique", columns: columns.map(({ key }) => key) })
}

/** A condition over several columns that every row fulfils. */
export function check(name: string, sql: EngineSql): Check {
  return new Check({ kind: "check", name, sql })
}
