import {
  AliasNode,
  type CollateNode,
  ColumnNode,
  type ColumnUpdateNode,
  type CommonTableExpressionNameNode,
  DeleteQueryNode,
  type GroupByItemNode,
  IdentifierNode as Identifier,
  type IdentifierNode,
  type KyselyPlugin,
  type OperationNode,
  OperationNodeTransformer,
  type OrderByItemNode,
  ParensNode,
  type QueryId,
  ReferenceNode,
  SelectAllNode,
  type SelectionNode,
  SelectQueryNode,
  TableNode,
} from "kysely"
import { type Registry, snakeCase } from "../schema/index.ts"
import {
  bareKey,
  type Found,
  hasName,
  isStatement,
  keyOf,
  type Names,
  type Scope,
  type Source,
  type Statement,
  selectionsOf,
  sourceNodes,
  theOne,
} from "./name-scopes.ts"

/** Writes the keys of tables and columns as their names in the database; a column by the table that it is of. */
export class NameTransformer extends OperationNodeTransformer {
  readonly #tables = new Map<string, { name: string; columns: ReadonlyMap<string, string> }>()
  /** Results of the statements that are written: Kysely may hand over a part that is written before the whole. */
  readonly #results = new WeakMap<OperationNode, { readonly names: Names }>()
  #scope: Scope | undefined

  constructor({ tables }: Registry) {
    super()
    for (const [key, { name, columns }] of tables) {
      this.#tables.set(key, { name, columns: new Map(columns.map((column) => [column.key, column.name])) })
    }
  }

  /** The same statement with names in place of keys. @throws ValidationError for a key that could mean several columns */
  write<T extends OperationNode>(statement: T, queryId: QueryId): T {
    try {
      return this.transformNode(statement, queryId)
    } finally {
      this.nodeStack.length = 0
    }
  }

  /** Names of the results of a written statement by their keys, where they are known. */
  resultsOf(statement: OperationNode): Names {
    return this.#results.get(statement)?.names
  }

  protected override transformNodeImpl<T extends OperationNode>(node: T, queryId?: QueryId): T {
    if (!isStatement(node)) return super.transformNodeImpl(node, queryId)
    if (this.#results.has(node)) return node
    return this.#within(this.#scopeOf(node, this.#scope), (scope) => {
      const written = super.transformNodeImpl(node, queryId)
      this.#results.set(written, { names: this.#namesOf(selectionsOf(node), scope) })
      return written
    })
  }

  #within<R>(scope: Scope, work: (scope: Scope) => R): R {
    const outer = this.#scope
    this.#scope = scope
    try {
      return work(scope)
    } finally {
      this.#scope = outer
    }
  }

  #scopeOf(node: Statement, outer: Scope | undefined): Scope {
    const aliases = new Set<string>()
    for (const { selection } of selectionsOf(node)) {
      if (AliasNode.is(selection) && Identifier.is(selection.alias)) aliases.add(selection.alias.name)
    }
    const queries = new Map<string, Names>()
    const sources: Source[] = []
    const within: Scope = { outer, queries, sources, target: undefined, aliases }
    for (const { name, expression } of node.with?.expressions ?? []) {
      const key = keyOf(name.table)
      // A recursive one reads itself.
      queries.set(key, undefined)
      const given = name.columns?.map(({ column }) => [column.name, snakeCase(column.name)] as const)
      queries.set(key, given === undefined ? this.#givenBy(expression, within) : new Map(given))
    }
    for (const one of sourceNodes(node)) sources.push(this.#sourceOf(one, within))
    const writes = !SelectQueryNode.is(node) && !DeleteQueryNode.is(node)
    const named = "into" in node ? node.into !== undefined : "table" in node && node.table !== undefined
    // The parts of a MERGE name no table of their own.
    return writes ? { ...within, target: named ? sources[0] : outer?.target } : within
  }

  #sourceOf(node: OperationNode, scope: Scope): Source {
    if (AliasNode.is(node) && Identifier.is(node.alias)) {
      const key = node.alias.name
      return { key, name: snakeCase(key), columns: this.#givenBy(node.node, scope) }
    }
    if (!TableNode.is(node)) return { key: "", name: "", columns: undefined }
    const key = keyOf(node)
    return { key, name: this.#tableName(node, scope), columns: this.#givenBy(node, scope) }
  }

  /** The names of the columns that something in place of a table has. */
  #givenBy(node: OperationNode, scope: Scope): Names {
    if (ParensNode.is(node)) return this.#givenBy(node.node, scope)
    if (TableNode.is(node)) {
      if (node.table.schema !== undefined) return undefined
      for (let at: Scope | undefined = scope; at !== undefined; at = at.outer) {
        if (at.queries.has(keyOf(node))) return at.queries.get(keyOf(node))
      }
      return this.#tables.get(keyOf(node))?.columns
    }
    if (!isStatement(node)) return undefined
    const written = this.#results.get(node)
    return written === undefined ? this.#namesOf(selectionsOf(node), this.#scopeOf(node, scope)) : written.names
  }

  #namesOf(selections: readonly SelectionNode[], scope: Scope): Names {
    const names = new Map<string, string>()
    for (const { selection } of selections) {
      const key = bareKey(selection)
      if (key !== undefined) names.set(key, this.#find(key, scope).name)
      else if (AliasNode.is(selection)) {
        if (Identifier.is(selection.alias)) names.set(selection.alias.name, snakeCase(selection.alias.name))
      } else if (SelectAllNode.is(selection)) {
        for (const { columns } of scope.sources) {
          if (columns === undefined) return undefined
          for (const [one, name] of columns) names.set(one, name)
        }
      } else if (ReferenceNode.is(selection) && selection.table !== undefined) {
        const source = this.#sourceNamed(keyOf(selection.table), scope)
        if (ColumnNode.is(selection.column)) {
          const one = selection.column.column.name
          names.set(one, source?.columns?.get(one) ?? snakeCase(one))
        } else if (source?.columns === undefined) return undefined
        else for (const [one, name] of source.columns) names.set(one, name)
      }
    }
    return names
  }

  /** The source that is meant by the key before a column's. */
  #sourceNamed(key: string, scope: Scope | undefined): Source | undefined {
    for (let at = scope; at !== undefined; at = at.outer) {
      const source = at.sources.find((one) => one.key === key)
      if (source !== undefined) return source
      // The row that an insert could not make: https://www.sqlite.org/lang_upsert.html
      if (key === "excluded" && at.target !== undefined) return { key, name: key, columns: at.target.columns }
    }
    const table = this.#tables.get(key)
    return table === undefined ? undefined : { key, ...table }
  }

  /** The column that a key without a table means. @throws ValidationError where it could mean several */
  #find(key: string, scope: Scope | undefined): Found {
    if (scope === undefined) {
      const tables = [...this.#tables].map(([table, { name, columns }]) => ({ key: table, name, columns }))
      return { name: theOne(key, tables)?.columns?.get(key) ?? snakeCase(key) }
    }
    const passed: Source[] = []
    for (let at: Scope | undefined = scope; at !== undefined; at = at.outer) {
      passed.push(...at.sources)
      const source = theOne(key, at.sources)
      if (source !== undefined) {
        const name = source.columns?.get(key) as string
        const clashes = passed.some((other) => other !== source && hasName(other, name))
        return clashes ? { name, source, clashes } : { name, source }
      }
      if (at.sources.some(({ columns }) => columns === undefined)) break
    }
    return { name: snakeCase(key) }
  }

  #bareReference(key: string, scope: Scope | undefined, taken?: ReadonlySet<string>): ReferenceNode {
    const { name, source, clashes = false } = this.#find(key, scope)
    const qualified = source !== undefined && (clashes || taken?.has(name))
    return reference(name, qualified ? TableNode.create(source.name) : undefined)
  }

  #tableName(node: TableNode, scope: Scope | undefined): string {
    const key = keyOf(node)
    for (let at = scope; at !== undefined; at = at.outer) if (at.queries.has(key)) return snakeCase(key)
    return this.#tables.get(key)?.name ?? snakeCase(key)
  }

  protected override transformAlias(node: AliasNode, queryId?: QueryId): AliasNode {
    // Behind FROM the key is that of a table, though something else there may go by it.
    const named = TableNode.is(node.node)
      ? this.#writeTable(node.node, this.#tableName(node.node, this.#scope))
      : undefined
    const alias = Identifier.is(node.alias) ? plain(node.alias) : this.transformNode(node.alias, queryId)
    return { kind: "AliasNode", node: named ?? this.transformNode(node.node, queryId), alias }
  }

  protected override transformTable(node: TableNode): TableNode {
    const source = node.table.schema === undefined ? this.#sourceNamed(keyOf(node), this.#scope) : undefined
    return this.#writeTable(node, source?.name ?? this.#tableName(node, this.#scope))
  }

  #writeTable(node: TableNode, name: string): TableNode {
    const { schema } = node.table
    return schema === undefined ? TableNode.create(name) : TableNode.createWithSchema(schema.name, name)
  }

  protected override transformReference(node: ReferenceNode, queryId?: QueryId): ReferenceNode {
    if (!ColumnNode.is(node.column)) return super.transformReference(node, queryId)
    const key = node.column.column.name
    if (node.table === undefined) return this.#bareReference(key, this.#scope)
    const source = node.table.table.schema === undefined ? this.#sourceNamed(keyOf(node.table), this.#scope) : undefined
    const name =
      source === undefined && this.#scope === undefined ? this.#find(key, undefined).name : source?.columns?.get(key)
    return reference(name ?? snakeCase(key), this.transformNode(node.table, queryId))
  }

  /** A column that is written, or one of a constraint: it stands without its table by nature. */
  protected override transformColumn(node: ColumnNode): ColumnNode {
    const key = node.column.name
    const target = this.#scope?.target
    return ColumnNode.create(
      target === undefined ? this.#find(key, this.#scope).name : (target.columns?.get(key) ?? snakeCase(key)),
    )
  }

  protected override transformColumnUpdate(node: ColumnUpdateNode, queryId?: QueryId): ColumnUpdateNode {
    const key = bareKey(node.column)
    const column = key === undefined ? node.column : ColumnNode.create(key)
    return super.transformColumnUpdate({ ...node, column }, queryId)
  }

  protected override transformCommonTableExpressionName({
    kind,
    table,
    columns,
  }: CommonTableExpressionNameNode): CommonTableExpressionNameNode {
    return {
      kind,
      table: this.#writeTable(table, snakeCase(keyOf(table))),
      ...(columns === undefined
        ? {}
        : { columns: columns.map(({ column }) => ColumnNode.create(snakeCase(column.name))) }),
    }
  }

  protected override transformOrderByItem(node: OrderByItemNode, queryId?: QueryId): OrderByItemNode {
    const written = super.transformOrderByItem(node, queryId)
    const key = bareKey(node.orderBy)
    // In the order of a query, not in that of a window, results come before columns.
    if (key === undefined || this.nodeStack.at(-3)?.kind !== "SelectQueryNode") return written
    const aliases = this.#scope?.aliases ?? new Set()
    const taken = new Set([...aliases].map(snakeCase))
    const orderBy = aliases.has(key) ? reference(snakeCase(key)) : this.#bareReference(key, this.#scope, taken)
    return { ...written, orderBy }
  }

  protected override transformGroupByItem(node: GroupByItemNode, queryId?: QueryId): GroupByItemNode {
    const key = bareKey(node.groupBy)
    const scope = this.#scope
    const isColumn = scope?.sources.some(({ columns }) => columns?.has(key ?? ""))
    if (key === undefined || isColumn || !scope?.aliases.has(key)) return super.transformGroupByItem(node, queryId)
    return { ...node, groupBy: reference(snakeCase(key)) }
  }

  /** Names of collations are those of the database. */
  protected override transformCollate(node: CollateNode): CollateNode {
    return node
  }

  /** A name in SQL text, of a column or else of a table. */
  protected override transformIdentifier(node: IdentifierNode): IdentifierNode {
    const name = this.#find(node.name, this.#scope).name
    return Identifier.create(name === snakeCase(node.name) ? (this.#tables.get(node.name)?.name ?? name) : name)
  }
}

const plain = (node: IdentifierNode): IdentifierNode => Identifier.create(snakeCase(node.name))

const reference = (name: string, table?: TableNode): ReferenceNode =>
  ReferenceNode.create(ColumnNode.create(name), table)

/** Lets Kysely speak by the keys of tables and columns. */
export class NamePlugin implements KyselyPlugin {
  readonly #transformer: NameTransformer

  constructor(transformer: NameTransformer) {
    this.#transformer = transformer
  }

  transformQuery({ node, queryId }: Parameters<KyselyPlugin["transformQuery"]>[0]) {
    return this.#transformer.write(node, queryId)
  }

  async transformResult({ result }: Parameters<KyselyPlugin["transformResult"]>[0]) {
    return result
  }
}
