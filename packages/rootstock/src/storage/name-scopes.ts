import {
  ColumnNode,
  DeleteQueryNode,
  InsertQueryNode,
  ListNode,
  MergeQueryNode,
  type OperationNode,
  ReferenceNode,
  type SelectionNode,
  SelectQueryNode,
  type TableNode,
  UpdateQueryNode,
  UsingNode,
} from "kysely"
import { ValidationError } from "../errors/index.ts"

/** Names in the database by the keys of columns; undefined where only the database knows them, as of SQL text. */
export type Names = ReadonlyMap<string, string> | undefined

/** What a statement reads or writes: its key in the statement, its name in the SQL, its columns. */
export type Source = { readonly key: string; readonly name: string; readonly columns: Names }

export type Statement = SelectQueryNode | InsertQueryNode | UpdateQueryNode | DeleteQueryNode | MergeQueryNode

/** What keys mean within one statement, or within a query that is part of one. */
export type Scope = {
  readonly outer: Scope | undefined
  /** The queries of its WITH. */
  readonly queries: Map<string, Names>
  readonly sources: Source[]
  /** What is written to. */
  readonly target: Source | undefined
  /** Names that it gives to its own results. */
  readonly aliases: ReadonlySet<string>
}

/** What a key means; `clashes` where something else in reach has its name, so that it needs its table before it. */
export type Found = { readonly name: string; readonly source?: Source; readonly clashes?: boolean }

export const hasName = ({ columns }: Source, name: string): boolean =>
  columns?.values().some((one) => one === name) ?? false

/** The source that has the column. @throws ValidationError where several have it under different names */
export function theOne(key: string, sources: readonly Source[]): Source | undefined {
  const having = sources.filter(({ columns }) => columns?.has(key))
  if (new Set(having.map(({ columns }) => columns?.get(key))).size <= 1) return having[0]
  const choices = having.map((source) => `${source.key}.${key}`).join(" or ")
  throw new ValidationError(`${key} could be ${choices}, which have different names in the database.`, {
    cure: "Write it with its table before it.",
  })
}

export function isStatement(node: OperationNode): node is Statement {
  return [SelectQueryNode, InsertQueryNode, UpdateQueryNode, DeleteQueryNode, MergeQueryNode].some((kind) =>
    kind.is(node),
  )
}

export const keyOf = (table: TableNode): string => table.table.identifier.name

/** The key of a column that stands without its table. */
export function bareKey(node: OperationNode): string | undefined {
  if (ColumnNode.is(node)) return node.column.name
  return ReferenceNode.is(node) && node.table === undefined && ColumnNode.is(node.column)
    ? node.column.column.name
    : undefined
}

/** The tables, joins and subqueries that a statement names. */
export function sourceNodes(node: Statement): OperationNode[] {
  const found: (OperationNode | undefined)[] = []
  if ("into" in node) found.push(node.into)
  if ("table" in node) found.push(node.table)
  if ("from" in node) found.push(...(node.from?.froms ?? []))
  if ("using" in node) found.push(node.using !== undefined && "table" in node.using ? node.using.table : node.using)
  if ("joins" in node) found.push(...(node.joins ?? []).map(({ table }) => table))
  return found.flatMap((one) => {
    if (one === undefined) return []
    if (ListNode.is(one)) return one.items
    return UsingNode.is(one) ? one.tables : [one]
  })
}

/** What a statement gives: the columns of a query, or what a change returns. */
export function selectionsOf(node: Statement): readonly SelectionNode[] {
  return SelectQueryNode.is(node) ? (node.selections ?? []) : (node.returning?.selections ?? [])
}
