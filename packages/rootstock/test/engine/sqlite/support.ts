import { spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { type Engine, openEngine, type Query } from "../../../src/engine/index.ts"
import { temporaryDatabase } from "../../support/index.ts"

type Row = readonly unknown[]

/** A reading statement whose rows come as they are. */
export function reading(sql: string, options: { wide?: boolean } = {}): Query<Row> {
  return { sql, decode: (row) => row, wide: options.wide ?? false, writes: false, returns: true, label: "test.read" }
}

/** A writing statement; with `RETURNING` in it, it gives rows. */
export function writing(sql: string): Query<Row> {
  return { ...reading(sql), writes: true, returns: / RETURNING /.test(sql), label: "test.write" }
}

export const insertItem: Query<Row> = writing("INSERT INTO items (name) VALUES (?) RETURNING id, name")

/** A database file of one test, with the table `items` and what else is asked for. */
export type TestFile = AsyncDisposable & {
  readonly engine: Engine
  readonly url: string
  readonly path: string
  /** Opens the same file once more. */
  open(options?: { writerWaitMs?: number }): Promise<Engine>
  /** Names of the items, in the order in which they were stored. */
  names(): Promise<unknown[]>
}

export async function testFile(
  sql: readonly string[] = [],
  options: { writerWaitMs?: number } = {},
): Promise<TestFile> {
  const database = await temporaryDatabase("sqlite")
  const opened: Engine[] = []
  const open = async (own: { writerWaitMs?: number } = {}) => {
    const engine = await openEngine(database.url, { sqlite: own })
    opened.push(engine)
    return engine
  }
  const engine = await open(options)
  await engine.run(writing("CREATE TABLE items (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE) STRICT"), [])
  for (const statement of sql) await engine.run(writing(statement), [])
  return {
    engine,
    url: database.url,
    path: database.url.slice("sqlite:".length),
    open,
    names: async () => (await engine.all(reading("SELECT name FROM items ORDER BY id"), [])).map(([name]) => name),
    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map((one) => one.close()))
      await database.dispose()
    },
  }
}

/**
 * How many transactions stand in the write-ahead log: frames that end one say how large the database is after it.
 * https://www.sqlite.org/fileformat2.html#the_write_ahead_log
 */
export function commitsInLog(path: string): number {
  const log = readFileSync(`${path}-wal`)
  const pageSize = log.readUInt32BE(8)
  const salt = log.subarray(16, 24)
  let commits = 0
  for (let at = 32; at + 24 + pageSize <= log.length; at += 24 + pageSize) {
    if (!log.subarray(at + 8, at + 16).equals(salt)) break
    if (log.readUInt32BE(at + 4) !== 0) commits++
  }
  return commits
}

/** A program of `children/` in a process of its own. */
export type Child = AsyncDisposable & {
  /** The next line that it writes; undefined where it ended. */
  line(): Promise<string | undefined>
  send(line: string): void
  kill(): Promise<void>
  /** Its exit code, once it ended. */
  readonly ended: Promise<number | null>
}

export function startChild(program: string, values: readonly string[], options: { uid?: number } = {}): Child {
  const path = fileURLToPath(new URL(`children/${program}`, import.meta.url))
  const child = spawn(process.execPath, [path, ...values], { stdio: ["pipe", "pipe", "inherit"], ...options })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ended = once(child, "close").then(([code]) => code as number | null)
  const kill = async () => {
    child.kill("SIGKILL")
    await ended
  }
  return {
    line: async () => {
      const next = await lines.next()
      return next.done === true ? undefined : next.value
    },
    send: (line) => child.stdin.write(`${line}\n`),
    kill,
    ended,
    [Symbol.asyncDispose]: kill,
  }
}
