import { generatedName } from "../../schema/index.ts"

/** The side table of a `.contains()` index: what it holds is said in `ddl/create.ts`. */
export function itemsName(table: string, column: string): string {
  return generatedName([table, column], "items")
}

/** Triggers of the side table of a `.contains()` index. */
export function itemsTriggers(table: string, column: string): string[] {
  return ["insert", "update", "delete"].map((suffix) => `${itemsName(table, column)}_${suffix}`)
}

/** The query for the different items of a list, which stands in the JSON text `document`. */
export function listItems(document: string): string {
  return `SELECT each.value FROM json_each(${document}) AS each WHERE ${document} IS NOT NULL AND each.value IS NOT NULL`
}

/** Whether a node of `json_tree` is a scalar. */
export const isLeaf = "leaf.type NOT IN ('object', 'array')"
/** A scalar as the side table holds it. */
export const leafValue =
  "CASE leaf.type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' WHEN 'null' THEN 'null' ELSE leaf.atom END"

/** Object keys of the leaf and of the nodes above it; a WITH clause is not allowed in triggers, so no recursion. */
export function leafPath(document: string): string {
  const above = `(node.fullkey = leaf.fullkey OR substr(leaf.fullkey, 1, length(node.fullkey) + 1) IN (node.fullkey || '.', node.fullkey || '['))`
  return `(SELECT json_group_array(node.key ORDER BY node.id) FROM json_tree(${document}) AS node WHERE typeof(node.key) = 'text' AND ${above})`
}

/** The query for path and value of each scalar in the JSON text `document`. */
export function jsonLeaves(document: string): string {
  return `SELECT ${leafPath(document)}, ${leafValue} FROM json_tree(${document}) AS leaf WHERE ${document} IS NOT NULL AND ${isLeaf}`
}
