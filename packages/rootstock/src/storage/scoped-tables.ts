import type { TableDefinition } from "../schema/index.ts"
import type { ScopeRule } from "./scope.ts"

/** The scopes in which the storages of a table are declared, of all programs' modules. */
const rules = new WeakMap<TableDefinition, ScopeRule[]>()

/** Keeps that a storage of the table is in a scope. @throws DeclarationError where that does not fit the table */
export function declareScope(table: TableDefinition, rule: ScopeRule): void {
  rule.check(table)
  const declared = rules.get(table)
  if (declared === undefined) rules.set(table, [rule])
  else declared.push(rule)
}

/** The scopes of a table; none where no storage of it is in one. */
export function scopesOf(table: TableDefinition): readonly ScopeRule[] {
  return rules.get(table) ?? none
}

const none: readonly ScopeRule[] = []
