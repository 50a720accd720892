import { createHash } from "node:crypto"
import { existsSync } from "node:fs"
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import {
  type Ddl,
  ddlEngines,
  emptySchema,
  foldOperations,
  invertOperations,
  type Operation,
  type SchemaModel,
  stableJson,
} from "../engine/index.ts"
import { MigrationError } from "../errors/index.ts"
import { type FrozenSql, readFrozen, writeFrozen } from "./frozen.ts"
import type { Migration } from "./migration.ts"

/** A migration of a directory, with its frozen SQL. */
export type LoadedMigration = {
  /** Name of its files without their endings: time, then name. */
  readonly id: string
  readonly operations: readonly Operation[]
  /** Over operations and frozen SQL; what a database remembers. */
  readonly checksum: string
  readonly frozen: Readonly<Record<Ddl["name"], FrozenSql>>
  /** The schema before it, as the history has it. */
  readonly before: SchemaModel
  readonly after: SchemaModel
}

const idForm = /^\d{8}T\d{6}_[a-z0-9_]+$/

/**
 * The migrations of a directory in their order.
 *
 * @param directory that need not exist
 * @param options.freeze write the SQL of hand-written migrations that have none yet; else it is only made in memory
 * @throws MigrationError for a file that cannot be read, or operations that do not fit what is before them
 */
export async function loadMigrations(
  directory: string,
  options: { freeze?: boolean } = {},
): Promise<LoadedMigration[]> {
  const names = existsSync(directory) ? await readdir(directory) : []
  const ids = names
    .filter((name) => name.endsWith(".ts"))
    .map((name) => name.slice(0, -3))
    .sort()
  const wrong = ids.find((id) => !idForm.test(id))
  if (wrong !== undefined) {
    throw new MigrationError(`${join(directory, wrong)}.ts is not named as a migration.`, {
      cure: "Migrations are named like 20260131T090000_add_stock.ts; keep other files elsewhere.",
    })
  }
  const orphan = names.find((name) => name.endsWith(".sql") && !ids.includes(name.split(".")[0]!))
  if (orphan !== undefined) {
    throw new MigrationError(`${join(directory, orphan)} belongs to no migration.`, {
      cure: `Bring back ${orphan.split(".")[0]}.ts, or delete the file.`,
    })
  }
  const loaded: LoadedMigration[] = []
  let schema = emptySchema
  for (const id of ids) {
    const operations = await readOperations(directory, id)
    const before = schema
    try {
      schema = foldOperations(operations, schema)
    } catch (error) {
      throw new MigrationError(`${id}: ${error instanceof Error ? error.message : String(error)}.`, {
        cure: "Two branches may have changed the same thing: keep one of their migrations, or make the later one anew.",
        cause: error,
      })
    }
    const isFrozen = ddlEngines.some(({ name }) => existsSync(frozenPath(directory, id, name)))
    if (!isFrozen) requireSteps(id, operations)
    if (!isFrozen && options.freeze) await freeze(directory, id, operations, before)
    const texts =
      isFrozen || options.freeze ? await readFrozenFiles(directory, id) : frozenTexts(id, operations, before)
    const { frozen, checksum } = parseFrozen(directory, id, operations, texts)
    loaded.push({ id, operations, checksum, frozen, before, after: schema })
  }
  return loaded
}

async function readOperations(directory: string, id: string): Promise<readonly Operation[]> {
  const path = resolve(directory, `${id}.ts`)
  // The text is part of the address, so that a file that was edited is read anew within one process.
  const version = createHash("sha256")
    .update(await readFile(path))
    .digest("hex")
    .slice(0, 16)
  let loaded: { migration?: Migration }
  try {
    loaded = (await import(`${pathToFileURL(path).href}?${version}`)) as { migration?: Migration }
  } catch (error) {
    throw new MigrationError(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}.`, {
      cure: "Mend the file.",
      cause: error,
    })
  }
  if (!Array.isArray(loaded.migration?.operations)) {
    throw new MigrationError(`${path} exports no \`migration\` with operations.`, {
      cure: "Write `export const migration: Migration = { operations: [ … ] }`.",
    })
  }
  return loaded.migration.operations
}

/** The one place where a hand-written step can be forgotten: its file is made with an empty one. */
function requireSteps(id: string, operations: readonly Operation[]): void {
  const empty = operations.some(
    (one) => one.op === "sql" && one.up.sqlite.trim() === "" && one.up.postgres.trim() === "",
  )
  if (!empty && operations.length > 0) return
  throw new MigrationError(`${id}.ts has an empty step.`, { cure: "Write its SQL, or delete the file." })
}

type Texts = Readonly<Record<Ddl["name"], string>>

async function readFrozenFiles(directory: string, id: string): Promise<Texts> {
  const texts: Partial<Record<Ddl["name"], string>> = {}
  for (const { name } of ddlEngines) {
    const path = frozenPath(directory, id, name)
    try {
      texts[name] = (await readFile(path, "utf8")).replaceAll("\r\n", "\n")
    } catch (error) {
      throw unreadable(path, error)
    }
  }
  return texts as Texts
}

function unreadable(path: string, error: unknown): MigrationError {
  return new MigrationError(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}.`, {
    cure: "Bring it back from version control; or, where no database has the migration, delete its .sql files and they are made again.",
    cause: error,
  })
}

function parseFrozen(
  directory: string,
  id: string,
  operations: readonly Operation[],
  texts: Texts,
): Pick<LoadedMigration, "frozen" | "checksum"> {
  const expected = operationsChecksum(operations)
  const hash = createHash("sha256").update(expected)
  const frozen: Partial<Record<Ddl["name"], FrozenSql>> = {}
  for (const { name } of ddlEngines) {
    hash.update("\0").update(texts[name])
    let read: FrozenSql
    try {
      read = readFrozen(texts[name])
    } catch (error) {
      throw unreadable(frozenPath(directory, id, name), error)
    }
    if (read.operations !== expected) {
      throw new MigrationError(`${id}.ts was edited after its SQL was frozen.`, {
        cure: "Take the edit back and write another migration; or, where no database has this one, delete its .sql files and they are made again.",
      })
    }
    frozen[name] = read
  }
  return { frozen: frozen as Record<Ddl["name"], FrozenSql>, checksum: hash.digest("hex") }
}

/** Where the frozen SQL of a migration lies. */
export function frozenPath(directory: string, id: string, engine: Ddl["name"]): string {
  return join(directory, `${id}.${engine}.sql`)
}

function operationsChecksum(operations: readonly Operation[]): string {
  return createHash("sha256").update(stableJson(operations)).digest("hex")
}

/** Writes a migration: its operations, and the SQL of each engine frozen. */
export async function writeMigration(
  directory: string,
  id: string,
  operations: readonly Operation[],
  before: SchemaModel,
): Promise<void> {
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, `${id}.ts`), migrationSource(operations), { flag: "wx" })
  await freeze(directory, id, operations, before)
}

const handwritten = `import { type Migration, sql } from "rootstock/migrate"

export const migration: Migration = {
  operations: [
    // SQL for both engines, or { sqlite: "…", postgres: "…" }; an empty text does nothing.
    sql("", { down: "" }),
  ],
}
`

/** Writes a migration whose steps are to be filled in; its SQL is frozen when it is first read. */
export async function writeHandwritten(directory: string, id: string): Promise<void> {
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, `${id}.ts`), handwritten, { flag: "wx" })
}

async function freeze(
  directory: string,
  id: string,
  operations: readonly Operation[],
  before: SchemaModel,
): Promise<void> {
  const texts = frozenTexts(id, operations, before)
  for (const { name } of ddlEngines) await writeFile(frozenPath(directory, id, name), texts[name])
}

function frozenTexts(id: string, operations: readonly Operation[], before: SchemaModel): Texts {
  const checksum = operationsChecksum(operations)
  const after = foldOperations(operations, before)
  const texts = ddlEngines.map((engine) => {
    const up = engine.compile(before, operations)
    const down = engine.compile(after, invertOperations(operations))
    return [engine.name, writeFrozen(id, engine.name, { operations: checksum, up, down })] as const
  })
  return Object.fromEntries(texts) as Texts
}

function migrationSource(operations: readonly Operation[]): string {
  const list = operations.map((operation) => `    ${source(operation, "    ")},\n`).join("")
  return `import type { Migration } from "rootstock/migrate"\n\nexport const migration: Migration = {\n  operations: [\n${list}  ],\n}\n`
}

/** A plain value as TypeScript, on one line where it fits. */
function source(value: unknown, indent: string): string {
  const flat = flatSource(value)
  if (flat.length + indent.length <= 118) return flat
  const inner = `${indent}  `
  if (Array.isArray(value)) return `[\n${value.map((item) => `${inner}${source(item, inner)},\n`).join("")}${indent}]`
  if (typeof value !== "object" || value === null) return flat
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return `{\n${members.map(([key, member]) => `${inner}${keySource(key)}: ${source(member, inner)},\n`).join("")}${indent}}`
}

function flatSource(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flatSource).join(", ")}]`
  if (typeof value !== "object" || value === null) return JSON.stringify(value)
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  if (members.length === 0) return "{}"
  return `{ ${members.map(([key, member]) => `${keySource(key)}: ${flatSource(member)}`).join(", ")} }`
}

function keySource(key: string): string {
  if (key === "__proto__") return '["__proto__"]'
  return /^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key)
}
