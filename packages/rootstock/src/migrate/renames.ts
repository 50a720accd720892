import {
  applyOperation,
  type ColumnModel,
  type Declared,
  ddlEngines,
  type Operation,
  type SchemaModel,
  type TableModel,
} from "../engine/index.ts"
import { MigrationError } from "../errors/index.ts"

/** A question on a terminal: which of `candidates` is `added`, or none of them. */
export type RenameQuestion = {
  readonly kind: "table" | "column"
  /** `orders` or `orders.total`. */
  readonly added: string
  /** What would go otherwise, each as `added` is written. */
  readonly candidates: readonly string[]
}

export type RenameAnswers = {
  /** `old:new` for tables, `table.old:table.new` for columns in the present name of the table; `old:` says that it goes. */
  readonly renames?: readonly string[] | undefined
  /** Answers with one of the candidates, or `undefined` where the thing is not among them. Absent without a terminal. */
  readonly ask?: ((question: RenameQuestion) => Promise<string | undefined>) | undefined
}

/** The renames by `.was()`, by flags and by answers; nothing is guessed. */
export async function findRenames(from: SchemaModel, declared: Declared, answers: RenameAnswers): Promise<Operation[]> {
  const flags = readFlags(answers.renames ?? [])
  const operations = await renameTables(from, declared, answers, flags)
  const schema = operations.reduce(applyOperation, from)
  for (const table of declared.schema.tables) {
    const old = schema.tables.find(({ name }) => name === table.name)
    if (old !== undefined) operations.push(...(await renameColumns(old, table, declared, answers, flags)))
  }
  const unused = [...flags].find(([, flag]) => !flag.used)
  if (unused !== undefined) {
    throw new MigrationError(
      `--rename ${unused[0]}:${unused[1].to} names nothing that goes or comes in this migration.`,
      {
        cure: "Name what the history has and what is declared, e.g. --rename users.mail:users.email.",
      },
    )
  }
  return operations
}

type Flags = Map<string, { readonly to: string; used: boolean }>

function readFlags(renames: readonly string[]): Flags {
  return new Map(
    renames.map((text) => {
      const [from, to, rest] = text.split(":")
      if (!from || to === undefined || rest !== undefined) {
        throw new MigrationError(`--rename ${text} is not of the form old:new.`, {
          cure: "Write --rename orders:purchases, --rename users.mail:users.email, or --rename users.fax: for what goes.",
        })
      }
      return [from, { to, used: false }] as const
    }),
  )
}

async function renameTables(
  from: SchemaModel,
  declared: Declared,
  answers: RenameAnswers,
  flags: Flags,
): Promise<Operation[]> {
  const there = new Map(declared.schema.tables.map((table) => [table.name, table]))
  const gone = new Map(from.tables.filter(({ name }) => !there.has(name)).map((table) => [table.name, table]))
  const came = declared.schema.tables.filter(({ name }) => !from.tables.some((table) => table.name === name))
  const alike = (added: TableModel, old: TableModel) => {
    const shared = added.columns.filter(({ name }) => old.columns.some((column) => column.name === name)).length
    return shared * 2 >= Math.max(added.columns.length, old.columns.length)
  }
  const pairs = await match(gone, came, {
    kind: "table",
    prefix: "",
    was: (name) => declared.tableNames.get(name),
    alike,
    answers,
    flags,
  })
  return pairs.map(([old, name]) => ({ op: "renameTable", from: old, to: name }))
}

async function renameColumns(
  old: TableModel,
  table: TableModel,
  declared: Declared,
  answers: RenameAnswers,
  flags: Flags,
): Promise<Operation[]> {
  const gone = new Map(
    old.columns
      .filter(({ name }) => !table.columns.some((one) => one.name === name))
      .map((column) => [column.name, column]),
  )
  const came = table.columns.filter(({ name }) => !old.columns.some((one) => one.name === name))
  const alike = (added: ColumnModel, other: ColumnModel) =>
    added.generated === undefined &&
    other.generated === undefined &&
    ddlEngines.every((engine) => engine.converts(other.type, added.type))
  const pairs = await match(gone, came, {
    kind: "column",
    prefix: `${table.name}.`,
    was: (name) => declared.columnNames.get(`${table.name}.${name}`),
    alike,
    answers,
    flags,
  })
  return pairs.map(([from, to]) => ({ op: "renameColumn", table: table.name, from, to }))
}

type Matching<T> = {
  readonly kind: "table" | "column"
  readonly prefix: string
  readonly was: (name: string) => string | undefined
  readonly alike: (added: T, old: T) => boolean
  readonly answers: RenameAnswers
  readonly flags: Flags
}

async function match<T extends { name: string }>(
  gone: Map<string, T>,
  came: readonly T[],
  how: Matching<T>,
): Promise<[string, string][]> {
  const { prefix, flags } = how
  const pairs: [string, string][] = []
  const open: T[] = []
  const kept = new Set<string>()
  for (const name of gone.keys()) {
    const flag = flags.get(prefix + name)
    if (flag?.to !== "") continue
    flag.used = true
    kept.add(name)
  }
  for (const one of came) {
    const flag = [...flags].find(
      ([from, { to }]) => to === prefix + one.name && gone.has(from.slice(prefix.length)) && from.startsWith(prefix),
    )
    const old = flag === undefined ? how.was(one.name) : flag[0].slice(prefix.length)
    if (flag !== undefined) flag[1].used = true
    if (old !== undefined && gone.has(old)) {
      pairs.push([old, one.name])
      gone.delete(old)
    } else {
      open.push(one)
    }
  }
  for (const one of open) {
    const candidates = [...gone.values()]
      .filter((old) => !kept.has(old.name) && how.alike(one, old))
      .map(({ name }) => prefix + name)
    if (candidates.length === 0) continue
    const answer = await askRename({ kind: how.kind, added: prefix + one.name, candidates }, how.answers)
    if (answer === undefined) continue
    pairs.push([answer.slice(prefix.length), one.name])
    gone.delete(answer.slice(prefix.length))
  }
  return pairs
}

async function askRename(question: RenameQuestion, { ask }: RenameAnswers): Promise<string | undefined> {
  const { kind, added, candidates } = question
  if (ask === undefined) {
    throw new MigrationError(
      `The ${kind} ${added} comes and ${candidates.join(", ")} ${candidates.length > 1 ? "go" : "goes"}: is it renamed?`,
      {
        cure: `Say so with --rename ${candidates[0]}:${added}, with .was(), or say that ${candidates.length > 1 ? "they go" : "it goes"} with ${candidates.map((name) => `--rename ${name}:`).join(" ")}.`,
      },
    )
  }
  const answer = await ask(question)
  if (answer !== undefined && !candidates.includes(answer)) {
    throw new MigrationError(`${answer} is none of ${candidates.join(", ")}.`, {
      cure: "Answer with one of them, or none.",
    })
  }
  return answer
}
