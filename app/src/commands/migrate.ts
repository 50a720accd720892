import {
  adoptDrift,
  type CountedLoss,
  checkDrift,
  describeDifference,
  type MigrationRun,
  migrateDown,
  migrateUp,
  migrationStatus,
  newMigration,
  type RenameQuestion,
  stampMigrations,
} from "rootstock/migrate"
import {
  type Answer,
  type Call,
  type Command,
  inJsonKeys,
  type Option,
  type Surroundings,
  UsageError,
} from "../command/index.ts"
import { appUnit, type Unit, unitsOf, urlOf } from "../databases.ts"
import { folderOf } from "../migrations.ts"
import { systemNames, systemsNamed } from "../systems.ts"
import { workplaceOf } from "./surroundings.ts"

const unitNames = [appUnit.name, ...systemNames]

const system: Option = { type: "string", value: "name", sentence: `Whose migrations: ${unitNames.join(" or ")}.` }
const toOption: Option = {
  type: "string",
  value: "id",
  sentence: "The last one: the start of its id, or its place from 1.",
}
const sqlOption: Option = { type: "boolean", sentence: "Prints the SQL and runs nothing." }

/** The units that a call means; `fallback` where it does not say. */
function chosen({ options }: Call, fallback: readonly string[]): Unit[] {
  const name = options["system"]
  if (name !== undefined && !unitNames.includes(String(name))) {
    throw new UsageError(`--system ${String(name)} is not known; there are ${unitNames.join(", ")}.`)
  }
  const names = name === undefined ? fallback : [String(name)]
  return unitsOf(systemsNamed(systemNames)).filter((unit) => names.includes(unit.name))
}

/** The one unit that a call means: the only system where it does not say. */
function chosenOne(call: Call): Unit {
  const [unit, ...more] = chosen(call, systemNames)
  if (unit === undefined || more.length > 0)
    throw new UsageError(`--system is missing; there are ${unitNames.join(", ")}.`)
  return unit
}

function urlsOf(call: Call, surroundings: Surroundings): (unit: Unit) => string {
  const { settings } = workplaceOf(surroundings)
  const alone = chosen(call, systemNames).length === 1
  return (unit) => urlOf(unit, settings, alone)
}

/** Does the same for several units and puts the answers together. */
async function forEachUnit<T>(
  units: readonly Unit[],
  work: (unit: Unit) => Promise<T>,
  show: (unit: Unit, result: T) => string[],
): Promise<Answer> {
  const lines: string[] = []
  const data: Record<string, unknown> = {}
  for (const unit of units) {
    const result = await work(unit)
    data[unit.name] = inJsonKeys(result)
    lines.push(...show(unit, result))
  }
  return { lines, data }
}

function showRuns(verb: string, nothing: string, sql: boolean) {
  return ({ name }: Unit, runs: readonly MigrationRun[]): string[] => {
    if (sql) return runs.flatMap((run) => [`-- ${name}: ${run.id}`, ...run.sql.map((statement) => `${statement};`), ""])
    return runs.length === 0 ? [`${name}: ${nothing}.`] : runs.map(({ id }) => `${name}: ${verb} ${id}.`)
  }
}

const create: Command = {
  name: "new",
  summary: "Compares the declared tables with the history and writes a migration of what differs.",
  examples: [
    'migrate new "add stock"',
    'migrate new "rename mail" --rename users.mail:users.email',
    'migrate new "keep the index" --from-database --system shop',
  ],
  arguments: [{ name: "name", sentence: "What it does, in a few words.", required: true }],
  options: {
    system,
    rename: {
      type: "string",
      multiple: true,
      value: "old:new",
      sentence: "What was renamed; `old:` says that it goes.",
    },
    empty: { type: "boolean", sentence: "Writes a file for hand-written SQL." },
    "from-database": {
      type: "boolean",
      sentence: "Writes what somebody changed in the database by hand, as `migrate check` lists it.",
    },
  },
  async run(call, surroundings) {
    const renames = (call.options["rename"] ?? []) as string[]
    const empty = call.options["empty"] === true
    const fromDatabase = call.options["from-database"] === true
    if (empty && fromDatabase) throw new UsageError("--empty and --from-database exclude each other.")
    const units = empty || fromDatabase || renames.length > 0 ? [chosenOne(call)] : chosen(call, unitNames)
    const { ask } = surroundings
    const name = call.words["name"]!
    return forEachUnit(
      units,
      async (unit) => {
        const { tables } = unit
        const answers = ask === undefined ? {} : { ask: (question: RenameQuestion) => askRename(question, ask) }
        const options = { directory: folderOf(unit), name, renames, ...answers }
        const made = fromDatabase
          ? adoptDrift({ ...options, url: urlsOf(call, surroundings)(unit) })
          : newMigration({ ...options, tables, empty })
        return (await made) ?? null
      },
      (unit, made) => {
        if (made === null) return [`${unit.name}: nothing differs.`]
        const losses = made.losses.map((loss) => `  Careful: ${lossText(loss)} go for good when it is applied.`)
        const next = fromDatabase
          ? [`  The database has it already: declare it, then run \`rootstock migrate stamp --system ${unit.name}\`.`]
          : []
        return [`${unit.name}: wrote ${made.id}.`, ...made.changes.map((change) => `  ${change}`), ...losses, ...next]
      },
    )
  },
}

async function askRename({ kind, added, candidates }: RenameQuestion, ask: (question: string) => Promise<string>) {
  const choices = candidates.map((candidate, at) => `  ${at + 1} it was ${candidate}`).join("\n")
  for (;;) {
    const answer = (
      await ask(`The ${kind} ${added} is new. Was it there under another name?\n  0 no\n${choices}\n> `)
    ).trim()
    if (answer === "0") return undefined
    const candidate = /^[1-9]\d*$/.test(answer) ? candidates[Number(answer) - 1] : undefined
    if (candidate !== undefined) return candidate
  }
}

function lossText({ table, column }: Pick<CountedLoss, "table" | "column">): string {
  return column === undefined ? `the rows of ${table}` : `the values of ${table}.${column}`
}

const up: Command = {
  name: "up",
  summary: "Applies the migrations that the databases lack.",
  examples: ["migrate up", "migrate up --sql", "migrate up --system shop --to 3"],
  options: { system, to: toOption, sql: sqlOption },
  async run(call, surroundings) {
    const to = call.options["to"] as string | undefined
    const dryRun = call.options["sql"] === true
    const units = to === undefined ? chosen(call, unitNames) : [chosenOne(call)]
    const url = urlsOf(call, surroundings)
    return forEachUnit(
      units,
      (unit) => migrateUp({ url: url(unit), directory: folderOf(unit), to, dryRun }),
      showRuns("applied", "nothing to apply", dryRun),
    )
  },
}

const down: Command = {
  name: "down",
  summary: "Takes back the migrations that were applied last.",
  examples: ["migrate down", "migrate down 2 --allow-loss"],
  arguments: [{ name: "count", sentence: "How many; 1 where it is left out." }],
  options: {
    system,
    sql: sqlOption,
    "allow-loss": { type: "boolean", sentence: "Takes back also what loses rows or values." },
  },
  async run(call, surroundings) {
    const word = call.words["count"] ?? "1"
    const count = /^[1-9]\d{0,3}$/.test(word) ? Number(word) : undefined
    if (count === undefined) throw new UsageError(`${word} is no number of migrations.`)
    const dryRun = call.options["sql"] === true
    const allowLoss = call.options["allow-loss"] === true
    const unit = chosenOne(call)
    const url = urlsOf(call, surroundings)(unit)
    return forEachUnit(
      [unit],
      () => migrateDown({ url, directory: folderOf(unit), count, dryRun, allowLoss }),
      showRuns("took back", "nothing to take back", dryRun),
    )
  },
}

const status: Command = {
  name: "status",
  summary: "Shows every migration and whether it is applied.",
  options: { system },
  async run(call, surroundings) {
    const url = urlsOf(call, surroundings)
    return forEachUnit(
      chosen(call, unitNames),
      (unit) => migrationStatus({ url: url(unit), directory: folderOf(unit) }),
      ({ name }, states) =>
        states.length === 0
          ? [`${name}: there are no migrations.`]
          : states.map(
              ({ id, state, appliedAt }) =>
                `${name}: ${id} ${state}${appliedAt === undefined ? "" : ` ${appliedAt.toISOString()}`}`,
            ),
    )
  },
}

const check: Command = {
  name: "check",
  summary: "Compares the databases with the declared tables; ends with 1 where they differ.",
  options: { system },
  async run(call, surroundings) {
    const url = urlsOf(call, surroundings)
    const answer = await forEachUnit(
      chosen(call, unitNames),
      (unit) => checkDrift({ url: url(unit), tables: unit.tables }),
      ({ name }, differences) => {
        if (differences.length === 0) return [`${name}: the database is as declared.`]
        const lines = differences.map((one) => `${name}: ${describeDifference(one)}.`)
        return [
          ...lines,
          `${name}: \`rootstock migrate status\` shows what is pending; \`rootstock migrate new\` writes what is declared and in no migration yet, with \`--from-database\` what was changed by hand.`,
        ]
      },
    )
    const differs = Object.values(answer.data as Record<string, unknown[]>).some((one) => one.length > 0)
    return { ...answer, code: differs ? 1 : 0 }
  },
}

const stamp: Command = {
  name: "stamp",
  summary: "Notes migrations as applied without running them, for a database that has their result already.",
  options: {
    system,
    to: toOption,
    force: { type: "boolean", sentence: "Notes them although the database differs from their result." },
  },
  async run(call, surroundings) {
    const to = call.options["to"] as string | undefined
    const force = call.options["force"] === true
    const unit = chosenOne(call)
    const url = urlsOf(call, surroundings)(unit)
    return forEachUnit(
      [unit],
      () => stampMigrations({ url, directory: folderOf(unit), to, force }),
      ({ name }, ids) => (ids.length === 0 ? [`${name}: nothing to note.`] : ids.map((id) => `${name}: noted ${id}.`)),
    )
  },
}

export const migrate: Command = {
  name: "migrate",
  summary: "Makes, applies and takes back migrations.",
  commands: [create, up, down, status, check, stamp],
}
