import { DeclarationError } from "../errors/index.ts"
import { generatedName } from "./naming.ts"
import {
  type AnyTable,
  type ColumnDefinition,
  definitionOf,
  type ForeignKeyDefinition,
  isTable,
  type TableDefinition,
} from "./table.ts"

/** The tables of one database, by the keys under which the program knows them. */
export type Tables = { readonly [key: string]: AnyTable }

/** A way from a row to others. */
export type Relation = {
  readonly name: string
  /** `one`: this row holds the key. `many`: others hold its key. `across`: a link table holds both. */
  readonly kind: "one" | "many" | "across"
  readonly target: TableDefinition
  /** Column of this table whose value is looked for. */
  readonly from: ColumnDefinition
  /** Column of the target (for `across`: of the target, found by `link.to`) that has the value. */
  readonly to: ColumnDefinition
  readonly link?: { readonly table: TableDefinition; readonly from: ColumnDefinition; readonly to: ColumnDefinition }
}

export type ResolvedForeignKey = ForeignKeyDefinition & {
  readonly source: TableDefinition
  readonly targetTable: TableDefinition
  readonly targetColumn: ColumnDefinition
}

/** Tables that belong together, their references resolved. */
export type Registry = {
  readonly tables: ReadonlyMap<string, TableDefinition>
  /** By name in the database. */
  readonly byName: ReadonlyMap<string, TableDefinition>
  readonly relations: ReadonlyMap<TableDefinition, ReadonlyMap<string, Relation>>
  readonly foreignKeys: ReadonlyMap<TableDefinition, readonly ResolvedForeignKey[]>
  /** Foreign keys of other tables (and of its own) that point at the table. */
  readonly referencedBy: ReadonlyMap<TableDefinition, readonly ResolvedForeignKey[]>
}

/**
 * Resolves the references between tables and derives the relations.
 *
 * @throws DeclarationError for a reference to a table that is not among them, names that meet, or types that do not fit
 */
export function registerTables(tables: Tables): Registry {
  const keyed = new Map<string, TableDefinition>()
  const byName = new Map<string, TableDefinition>()
  for (const [key, table] of Object.entries(tables)) {
    if (!isTable(table)) {
      throw new DeclarationError(`tables.${key} is not a table.`, { cure: "Pass what `table(…)` returned." })
    }
    const definition = definitionOf(table)
    if (byName.has(definition.name)) {
      throw new DeclarationError(`Two tables are named ${definition.name} (the second is tables.${key}).`, {
        cure: "Rename one of them, or pass it once.",
      })
    }
    keyed.set(key, definition)
    byName.set(definition.name, definition)
  }
  checkNames(byName.values())
  const foreignKeys = new Map<TableDefinition, ResolvedForeignKey[]>()
  const referencedBy = new Map<TableDefinition, ResolvedForeignKey[]>([...byName.values()].map((one) => [one, []]))
  for (const definition of byName.values()) {
    const resolved = definition.foreignKeys.map((key) => resolve(definition, key, byName))
    foreignKeys.set(definition, resolved)
    for (const one of resolved) referencedBy.get(one.targetTable)?.push(one)
  }
  const relations = new Map<TableDefinition, Map<string, Relation>>([...byName.values()].map((one) => [one, new Map()]))
  const add = (table: TableDefinition, relation: Relation) => {
    const own = relations.get(table) as Map<string, Relation>
    if (own.has(relation.name) || table.column.has(relation.name)) {
      throw new DeclarationError(
        `${table.name} has two things named ${relation.name}: a relation meets a column or another relation.`,
        {
          cure: "Name the relation in the reference that makes it: `as`, `many` or `across`.",
        },
      )
    }
    own.set(relation.name, relation)
  }
  for (const [key, table] of keyed) {
    const own = foreignKeys.get(table) as ResolvedForeignKey[]
    for (const one of own) {
      const { column, targetTable, targetColumn } = one
      const as = one.as ?? (column.key.endsWith("Id") ? column.key.slice(0, -2) : undefined)
      if (as !== undefined && as !== "")
        add(table, { name: as, kind: "one", target: targetTable, from: column, to: targetColumn })
      const twins = own.filter((other) => other.targetTable === targetTable)
      const many = one.many ?? (twins.length === 1 && targetTable !== table ? key : undefined)
      if (many !== undefined)
        add(targetTable, { name: many, kind: "many", target: table, from: targetColumn, to: column })
      if (one.across === undefined) continue
      for (const other of own) {
        if (other === one) continue
        add(other.targetTable, {
          name: one.across,
          kind: "across",
          target: targetTable,
          from: other.targetColumn,
          to: targetColumn,
          link: { table, from: other.column, to: column },
        })
      }
    }
  }
  return { tables: keyed, byName, relations, foreignKeys, referencedBy }
}

/** Tables and indexes of one database share one space of names, on both engines; SQLite does not tell capitals apart in it. */
function checkNames(tables: Iterable<TableDefinition>): void {
  const owners = new Map<string, TableDefinition>()
  for (const table of tables) {
    const names = [table.name, generatedName([table.name], "pkey")]
    for (const { name } of [...table.uniques, ...table.indexes]) names.push(name)
    for (const name of names) {
      const owner = owners.get(name.toLowerCase())
      if (owner !== undefined) {
        throw new DeclarationError(
          `There are two things named ${name}: one of ${owner.name}, the other of ${table.name}.`,
          {
            cure: "Name one of the indexes or constraints with `.named()`, or rename a table.",
          },
        )
      }
      owners.set(name.toLowerCase(), table)
    }
  }
}

function targetOf(place: string, key: ForeignKeyDefinition): { readonly table: string; readonly key: string } {
  let target: { readonly table: string; readonly key: string } | undefined
  let cause: unknown
  try {
    target = key.target()
  } catch (error) {
    cause = error
  }
  if (typeof target?.table === "string" && typeof target.key === "string") return target
  throw new DeclarationError(
    `${place} references what is no column of a table${cause === undefined ? "" : `: ${cause}`}.`,
    {
      cure: "Return a column of a table, e.g. () => users.id; of modules that import each other, import the tables before they are opened.",
      cause,
    },
  )
}

function resolve(
  source: TableDefinition,
  key: ForeignKeyDefinition,
  tables: ReadonlyMap<string, TableDefinition>,
): ResolvedForeignKey {
  const place = `${source.name}.${key.column.key}`
  const target = targetOf(place, key)
  const targetTable = tables.get(target.table)
  if (targetTable === undefined) {
    throw new DeclarationError(`${place} references ${target.table}, which is not among the tables.`, {
      cure: `Add the table ${target.table} to \`tables\`.`,
    })
  }
  const targetColumn = targetTable.column.get(target.key)
  if (targetColumn === undefined) {
    throw new DeclarationError(`${place} references ${target.table}.${target.key}, which does not exist.`, {
      cure: `Use one of: ${[...targetTable.column.keys()].join(", ")}.`,
    })
  }
  const alone = targetTable.primaryKey.length === 1 && targetTable.primaryKey[0] === target.key
  if (!alone && !targetTable.uniques.some(({ columns }) => columns.length === 1 && columns[0] === target.key)) {
    throw new DeclarationError(`${place} references ${target.table}.${target.key}, which is not unique.`, {
      cure: "Reference the primary key, or a column with `.unique()`.",
    })
  }
  const kind = ({ type }: ColumnDefinition) => {
    if (type.kind === "identity") return "integer"
    // Decimals of another scale are another text on SQLite.
    return type.kind === "decimal" ? `decimal(…, ${type.options.scale})` : type.kind
  }
  if (kind(key.column) !== kind(targetColumn)) {
    throw new DeclarationError(
      `${place} is ${kind(key.column)}, but ${target.table}.${target.key} is ${kind(targetColumn)}.`,
      {
        cure: "Give both the same type.",
      },
    )
  }
  return { ...key, source, targetTable, targetColumn }
}
