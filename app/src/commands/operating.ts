import { ValidationError } from "rootstock/errors"
import { Operations, operator, type System } from "rootstock/http"
import type { Tables } from "rootstock/schema"
import { actAs } from "rootstock/shared"
import { type Answer, type Call, type Option, type Surroundings, UsageError } from "../command/index.ts"
import { unitsOf, urlOf } from "../databases.ts"
import { refusePending } from "../migrations.ts"
import { openApp } from "../opened-app.ts"
import { type OpenedSystem, openSystem } from "../opened-system.ts"
import { systemsNamed } from "../systems.ts"
import { numberOption } from "./options.ts"
import { oneSystemOf, systemOption, type Workplace, workplaceOf } from "./surroundings.ts"

/** Runs `work` as the operator of the system that `--system` names; nothing else works on it meanwhile in this process. */
export async function operate(
  call: Call,
  surroundings: Surroundings,
  work: (operations: Operations, workplace: Workplace) => Promise<Answer>,
): Promise<Answer> {
  return withSystem(call, surroundings, async (opened, workplace) => {
    try {
      return await actAs(operator, () => work(new Operations(opened.schedules), workplace))
    } catch (error) {
      // What is refused was given on the command line.
      throw error instanceof ValidationError ? new UsageError(error.message, error.cure) : error
    }
  })
}

/** Runs `work` over the system that `--system` names, opened by itself. */
export async function withSystem(
  call: Call,
  surroundings: Surroundings,
  work: (opened: OpenedSystem, workplace: Workplace) => Promise<Answer>,
): Promise<Answer> {
  const [system] = systemsNamed([oneSystemOf(call)]) as [System<Tables>]
  const workplace = workplaceOf(surroundings, { write: (line) => surroundings.complain(line.trimEnd()) })
  for (const unit of unitsOf([system])) await refusePending(unit, urlOf(unit, workplace.settings, true))
  await using app = await openApp(workplace)
  const opened = await openSystem(system, workplace, app, true)
  try {
    return await work(opened, workplace)
  } finally {
    await opened.close()
  }
}

/** Options of commands that list. */
export const pageOptions: Readonly<Record<string, Option>> = {
  system: systemOption,
  limit: { type: "string", value: "n", sentence: "How many at most, 1 to 1000; 50 where it is left out." },
  cursor: { type: "string", value: "text", sentence: "Goes on where the list before ended, as it said." },
}

/** The page that a call asks for. @throws UsageError */
export function pageOf(call: Call): { cursor: string | undefined; limit: number } {
  const cursor = call.options["cursor"]
  return {
    cursor: typeof cursor === "string" ? cursor : undefined,
    limit: numberOption(call, "limit", 1, mostListed) ?? 50,
  }
}

/** The most that one list shows. */
export const mostListed = 1_000

/** The last line of a list that goes on. */
export const moreLines = (next: string | undefined): string[] => (next === undefined ? [] : [`More: --cursor ${next}`])

/** Options of commands that act on what is named, or on all that their filters find. */
export const targetOptions: Readonly<Record<string, Option>> = {
  system: systemOption,
  all: { type: "boolean", sentence: "Means all that the filters find, in place of those that are named." },
}

export const yesOption: Option = { type: "boolean", short: "y", sentence: "Does not ask before it acts on many." }

/**
 * Whether a call means all that its filters find, and not what it names.
 *
 * @param filters names of the options that only go with `--all`
 * @throws UsageError where it says neither or both
 */
export function meansAll({ options, list }: Call, what: string, filters: readonly string[]): boolean {
  const all = options["all"] === true
  if (all && list.length > 0) throw new UsageError(`--all and ${what} exclude each other.`, "Give one of them.")
  if (!all && list.length === 0) throw new UsageError(`No ${what} are given.`, `Give some, or --all with filters.`)
  const stray = all ? undefined : filters.find((name) => options[name] !== undefined)
  if (stray !== undefined) throw new UsageError(`--${stray} goes with --all.`, `Leave it out, or give --all.`)
  return all
}

/** @throws UsageError where `--yes` is missing and nobody can be asked */
export function checkAskable({ options }: Call, { ask }: Surroundings): void {
  if (options["yes"] === true || ask !== undefined) return
  throw new UsageError("--yes is missing, and there is no terminal to ask on.", "Give --yes where you mean it.")
}

/** Whether something that is hard to take back is meant: asks a person, unless `--yes` is given. */
export async function isMeant(call: Call, { ask }: Surroundings, question: () => Promise<string>): Promise<boolean> {
  if (call.options["yes"] === true || ask === undefined) return true
  return /^\s*y(es)?\s*$/i.test(await ask(`${await question()} [y/N] `))
}

/** What is answered where a person said no. */
export const nothingDone: Answer = { lines: ["Nothing was done."], data: { count: 0 }, code: 1 }

/** How many there are, as words; beyond a page of 1,000 they are not counted. */
export function inWords(count: number, more: boolean, one: string): string {
  return `${count}${more ? " or more" : ""} ${one}${count === 1 ? "" : "s"}`
}

/** What is answered where several were acted upon; with 1 where some of those that were named were not. */
export function countAnswer(done: string, count: number, named: number | undefined, one: string): Answer {
  const lines = [`${done} ${inWords(count, false, one)}.`]
  const left = named === undefined ? 0 : named - count
  if (left > 0) lines.push(`${left} left as they were: not there, or in no state for it.`)
  return { lines, data: { count }, code: left > 0 ? 1 : 0 }
}
