import { DatabaseSync, type SQLInputValue } from "node:sqlite"
import pg from "pg"
import { schemaStatements } from "../../../packages/rootstock/src/migrate/index.ts"
import { columnList, databaseName, type Kind, type TableName, tableColumns } from "../schema/columns.ts"
import { tables as declared } from "../schema/tables.ts"
import { chats, messages, orderItems, orders, products, sizes, users } from "./rows.ts"

type PlainRow = object

function* tables(messageCount: number): Generator<[TableName, Iterable<PlainRow>]> {
  yield ["users", users()]
  yield ["chats", chats()]
  yield ["messages", messages(messageCount)]
  yield ["products", products()]
  yield ["orders", orders()]
  yield ["orderItems", orderItems()]
}

/** Makes the SQLite file with all tables, indexes and rows, in WAL mode, and closes it. */
export function fillSqlite(path: string, messageCount: number = sizes.messages): void {
  const database = new DatabaseSync(path)
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF")
  for (const statement of schemaStatements("sqlite", declared)) database.exec(statement)
  for (const [table, rows] of tables(messageCount)) {
    const columns = tableColumns[table]
    const insert = database.prepare(
      `INSERT INTO ${databaseName(table)} (${columnList(table)}) VALUES (${columns.map(() => "?").join(", ")})`,
    )
    database.exec("BEGIN")
    for (const row of rows) {
      insert.run(...columns.map(({ property, kind }) => sqliteValue(kind, Reflect.get(row, property))))
    }
    database.exec("COMMIT")
  }
  database.exec("ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)")
  database.close()
}

/** Makes the tables, indexes and rows in an empty PostgreSQL database. */
export async function fillPostgres(url: string, messageCount: number = sizes.messages): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query("SET synchronous_commit = off")
    for (const statement of schemaStatements("postgres", declared)) await client.query(statement)
    for (const [table, rows] of tables(messageCount)) {
      let chunk: PlainRow[] = []
      for (const row of rows) {
        chunk.push(row)
        if (chunk.length === 10_000) {
          await insertChunk(client, table, chunk)
          chunk = []
        }
      }
      if (chunk.length > 0) await insertChunk(client, table, chunk)
      await client.query(
        `SELECT setval(pg_get_serial_sequence('${databaseName(table)}', 'id'), (SELECT max(id) FROM ${databaseName(table)}))`,
      )
    }
    await client.query("VACUUM ANALYZE")
    await client.query("CHECKPOINT")
  } finally {
    await client.end()
  }
}

const arrayTypes: Record<Kind, string> = {
  integer: "bigint[]",
  text: "text[]",
  boolean: "boolean[]",
  timestamp: "timestamptz[]",
  json: "jsonb[]",
}

async function insertChunk(client: pg.Client, table: TableName, rows: readonly PlainRow[]): Promise<void> {
  const columns = tableColumns[table]
  const arrays = columns.map(({ kind }, index) => `$${index + 1}::${arrayTypes[kind]}`)
  await client.query(
    `INSERT INTO ${databaseName(table)} (${columnList(table)}) SELECT * FROM unnest(${arrays.join(", ")})`,
    columns.map(({ property, kind }) =>
      rows.map((row) => {
        const value: unknown = Reflect.get(row, property)
        return kind === "json" && value !== null ? JSON.stringify(value) : value
      }),
    ),
  )
}

function sqliteValue(kind: Kind, value: unknown): SQLInputValue {
  if (value === null) return null
  if (kind === "boolean") return value === true ? 1 : 0
  if (kind === "timestamp") return (value as Date).toISOString()
  if (kind === "json") return JSON.stringify(value)
  return value as SQLInputValue
}
