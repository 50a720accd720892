import type { Ddl, SchemaStatement as Statement, SchemaStep as Step } from "../engine/index.ts"

/** The steps of a migration on one engine, as they were when it was made. */
export type FrozenSql = {
  /** Checksum of the operations that they were made of. */
  readonly operations: string
  readonly up: readonly Step[]
  readonly down: readonly Step[]
}

const engineTitles = { sqlite: "SQLite", postgres: "PostgreSQL" } as const

/**
 * Writes steps as SQL with marks in comments: `--@ step` begins what takes effect together, `--@ statement` another
 * statement of it, `--@ undo` what takes it back when a later one fails. Marks carry JSON.
 */
export function writeFrozen(id: string, engine: Ddl["name"], frozen: FrozenSql): string {
  const lines = [
    `-- ${id} on ${engineTitles[engine]}, frozen when it was made; made by "rootstock migrate new", not to be edited.`,
    `--@ operations ${frozen.operations}`,
  ]
  for (const direction of ["up", "down"] as const) {
    lines.push("", `--@ ${direction}`)
    for (const step of frozen[direction]) writeStep(lines, step)
  }
  return `${lines.join("\n")}\n`
}

function writeStep(lines: string[], { statements, undo, ...marks }: Step): void {
  lines.push("", mark("step", { ...marks, ...(undo === undefined ? {} : { undo: undo.length > 0 }) }))
  for (const { sql, ...marks } of statements) lines.push(mark("statement", marks), sql.trim().replace(/;?$/, ";"))
  for (const sql of undo ?? []) lines.push("--@ undo", sql.trim().replace(/;?$/, ";"))
}

function mark(word: string, values: object): string {
  const json = JSON.stringify(values)
  return json === "{}" ? `--@ ${word}` : `--@ ${word} ${json}`
}

type Draft = { -readonly [K in keyof Step]: Step[K] } & { statements: Statement[]; undo?: string[] }

/** Reads what `writeFrozen` wrote. */
export function readFrozen(text: string): FrozenSql {
  const frozen = { operations: "", up: [] as Draft[], down: [] as Draft[] }
  let steps = frozen.up
  const [, ...blocks] = text.replaceAll("\r\n", "\n").split(/^--@ /m)
  for (const block of blocks) {
    const end = block.indexOf("\n")
    const [, word, rest = ""] = /^(\w+) ?(.*)$/.exec(block.slice(0, end))!
    const sql = block
      .slice(end + 1)
      .trim()
      .replace(/;$/, "")
    const step = steps.at(-1)
    if (word === "operations") frozen.operations = rest
    else if (word === "up" || word === "down") steps = frozen[word]
    else if (word === "step") {
      const { undo, ...marks } = (rest === "" ? {} : JSON.parse(rest)) as Omit<Step, "undo"> & { undo?: boolean }
      steps.push({ ...marks, statements: [], ...(undo === undefined ? {} : { undo: [] }) })
    } else if (word === "statement" && step !== undefined) {
      step.statements.push({ sql, ...(rest === "" ? {} : (JSON.parse(rest) as object)) })
    } else if (word === "undo" && step?.undo !== undefined) step.undo.push(sql)
    else throw new SyntaxError(`the mark --@ ${word} stands at a place where it means nothing`)
  }
  return frozen
}
