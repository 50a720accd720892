import type pg from "pg"
import type { Catalog, CatalogColumn, CatalogIndex, CatalogReference, CatalogTable } from "../../ddl/catalog.ts"

type Columns = CatalogColumn & { table: string }
type Constraint = {
  table: string
  name: string
  kind: string
  columns: string[]
  definition: string
} & CatalogReference
type Index = {
  table: string
  name: string
  unique: boolean
  valid: boolean
  method: string
  terms: { sql: string; column: string | null; options: number }[]
  where: string | null
}

const actions = (column: string) =>
  `CASE ${column} WHEN 'a' THEN 'no action' WHEN 'r' THEN 'restrict' WHEN 'c' THEN 'cascade' WHEN 'n' THEN 'set null' WHEN 'd' THEN 'set default' END`

const tables = `SELECT c.oid, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND c.relname NOT LIKE 'rootstock\\_migration%'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')`

const columnsQuery = `WITH t AS (${tables})
  SELECT t.relname AS "table", a.attname AS name,
    format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attcollation <> y.typcollation THEN ' collate ' || l.collname ELSE '' END AS type,
    NOT a.attnotnull AS nullable, a.attidentity <> '' AS identity,
    CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid, true) END AS "default",
    CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid, true) || CASE a.attgenerated WHEN 'v' THEN ' virtual' ELSE '' END END AS generated
  FROM t JOIN pg_attribute a ON a.attrelid = t.oid JOIN pg_type y ON y.oid = a.atttypid
    LEFT JOIN pg_collation l ON l.oid = a.attcollation LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE a.attnum > 0 AND NOT a.attisdropped ORDER BY t.relname, a.attnum`

const constraintsQuery = `WITH t AS (${tables})
  SELECT t.relname AS "table", c.conname AS name, c.contype AS kind, c.convalidated AS valid,
    ARRAY(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY k(n, o) JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.n ORDER BY k.o) AS columns,
    ARRAY(SELECT a.attname::text FROM unnest(c.confkey) WITH ORDINALITY k(n, o) JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.n ORDER BY k.o) AS targets,
    (SELECT relname FROM pg_class WHERE oid = c.confrelid) AS target, c.condeferrable AND c.condeferred AS deferrable,
    ${actions("c.confdeltype")} AS "onDelete", ${actions("c.confupdtype")} AS "onUpdate",
    pg_get_constraintdef(c.oid, true) AS definition
  FROM t JOIN pg_constraint c ON c.conrelid = t.oid WHERE c.contype IN ('p', 'u', 'c', 'f') ORDER BY c.oid`

const indexesQuery = `WITH t AS (${tables})
  SELECT t.relname AS "table", i.relname AS name, x.indisunique AS unique, x.indisvalid AS valid, m.amname AS method,
    pg_get_expr(x.indpred, x.indrelid, true) AS "where",
    (SELECT json_agg(json_build_object('sql', pg_get_indexdef(x.indexrelid, k, true), 'options', x.indoption[k - 1],
        'column', (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = x.indrelid AND a.attnum = x.indkey[k - 1] AND a.attnum > 0)) ORDER BY k)
      FROM generate_series(1, x.indnkeyatts) k) AS terms
  FROM t JOIN pg_index x ON x.indrelid = t.oid JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_am m ON m.oid = i.relam
  WHERE NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = x.indexrelid AND c.contype IN ('p', 'u', 'x')) ORDER BY x.indexrelid`

const triggersQuery = `WITH t AS (${tables})
  SELECT t.relname AS "table", g.tgname AS name, pg_get_triggerdef(g.oid, true) || E'\\n' || p.prosrc AS sql
  FROM t JOIN pg_trigger g ON g.tgrelid = t.oid JOIN pg_proc p ON p.oid = g.tgfoid WHERE NOT g.tgisinternal ORDER BY g.tgname`

/** What PostgreSQL says of the tables in the current schema, all but those of the bookkeeping and of extensions. */
export async function readCatalog(client: pg.Client): Promise<Catalog> {
  const rows = async <T>(sql: string): Promise<T[]> => (await client.query(sql)).rows as T[]
  const names = (await rows<{ relname: string }>(`${tables} ORDER BY c.relname`)).map(({ relname }) => relname)
  const columns = await rows<Columns>(columnsQuery)
  const constraints = await rows<Constraint & { target: string }>(constraintsQuery)
  const indexes = await rows<Index>(indexesQuery)
  const triggers = await rows<{ table: string; name: string; sql: string }>(triggersQuery)
  return {
    tables: names.map((name): CatalogTable => {
      const own = <T extends { table: string }>(list: readonly T[]) => list.filter(({ table }) => table === name)
      const kind = (wanted: string) => own(constraints).filter((one) => one.kind === wanted)
      return {
        name,
        columns: own(columns).map(({ table: _, ...column }) => column),
        primaryKey: kind("p")[0]?.columns ?? [],
        uniques: kind("u").map((one) => ({ name: one.name, columns: one.columns })),
        checks: kind("c").map((one) => ({ name: one.name, sql: one.definition })),
        references: kind("f").map((one) => ({
          name: one.name,
          columns: one.columns,
          table: one.target,
          targets: one.targets,
          onDelete: one.onDelete,
          onUpdate: one.onUpdate,
          deferrable: one.deferrable,
          valid: one.valid,
        })),
        indexes: own(indexes).map(catalogIndex),
        triggers: own(triggers).map((one) => ({ name: one.name, sql: one.sql })),
        options: [],
      }
    }),
  }
}

function catalogIndex({ name, unique, valid, method, terms, where }: Index): CatalogIndex {
  return {
    name,
    unique,
    valid,
    where,
    method: method === "btree" ? "" : `using ${method}`,
    terms: terms.map(({ sql, column, options }) => {
      const direction = (options & 1) === 1 ? ("desc" as const) : ("asc" as const)
      const nulls = (options & 2) === 2 ? ("first" as const) : ("last" as const)
      const usual = nulls === (direction === "desc" ? "first" : "last")
      return { sql, ...(column === null ? {} : { column }), direction, ...(usual ? {} : { nulls }) }
    }),
  }
}
