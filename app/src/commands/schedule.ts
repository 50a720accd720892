import type { Settings } from "rootstock/config"
import { type Operations, operationsJson } from "rootstock/http"
import type {
  NewSchedule,
  Schedule,
  ScheduleChanges,
  ScheduleFilter,
  TimingInput,
  UpcomingFire,
} from "rootstock/schedule"
import {
  type Answer,
  type Call,
  type Command,
  inColumns,
  inJsonKeys,
  type Option,
  UsageError,
} from "../command/index.ts"
import {
  checkAskable,
  countAnswer,
  inWords,
  isMeant,
  meansAll,
  moreLines,
  mostListed,
  nothingDone,
  operate,
  pageOf,
  pageOptions,
  targetOptions,
  yesOption,
} from "./operating.ts"
import { choiceOption, instantOption, jsonOption, numberOption, textOption } from "./options.ts"
import { requiredOption, systemOption } from "./surroundings.ts"

type ScheduleOperations = Operations["schedules"]

const keyArgument = { name: "key", sentence: "Key of the schedule, e.g. calendar:7.", required: true } as const
const keysArgument = {
  name: "key",
  sentence: "Keys of schedules, as `schedule list` shows them.",
  multiple: true,
} as const

const filterOptions: Readonly<Record<string, Option>> = {
  state: { type: "string", value: "state", sentence: "Only those that are active, paused or ended." },
  source: { type: "string", value: "source", sentence: "Only those that are declared in code, or stored." },
  kind: { type: "string", value: "name", sentence: "Only those that send jobs of this kind." },
  prefix: { type: "string", value: "text", sentence: "Only those whose keys begin so." },
}

/** @throws UsageError */
function filterOf(call: Call): ScheduleFilter {
  return {
    state: choiceOption(call, "state", ["active", "paused", "ended"]),
    source: choiceOption(call, "source", ["code", "stored"]),
    kind: textOption(call, "kind"),
    prefix: textOption(call, "prefix"),
  }
}

const timingOptions: Readonly<Record<string, Option>> = {
  cron: { type: "string", value: "expression", sentence: "When it fires, e.g. '0 9 * * MON', or @daily." },
  "time-zone": {
    type: "string",
    value: "zone",
    sentence: "Zone whose wall clock is meant, e.g. Europe/Berlin; TIME_ZONE where a schedule is made without it.",
  },
  at: {
    type: "string",
    value: "instant",
    sentence: "When it fires once, e.g. 2027-01-31T09:00:00Z, in place of --cron.",
  },
}

const definitionOptions: Readonly<Record<string, Option>> = {
  ...timingOptions,
  kind: { type: "string", value: "name", sentence: "Kind of the job that it sends." },
  payload: { type: "string", value: "json", sentence: "What the job carries; {} where a schedule is made without it." },
  misfire: {
    type: "string",
    value: "rule",
    sentence: "What becomes of late fires: skip, once, or all:<n> (once by default).",
  },
  "grace-ms": { type: "string", value: "n", sentence: "How many milliseconds late a fire is still on time (60000)." },
}

/** The timing as it is given. @throws UsageError */
function timingOf(call: Call) {
  const [cron, at, timeZone] = [textOption(call, "cron"), instantOption(call, "at"), textOption(call, "time-zone")]
  return {
    ...(cron === undefined ? {} : { cron }),
    ...(timeZone === undefined ? {} : { timeZone }),
    ...(at === undefined ? {} : { at }),
  }
}

/** What recurs without a zone does so in that of the business. */
function inZone<T extends ReturnType<typeof timingOf>>(timing: T, { TIME_ZONE }: Settings): T {
  return timing.cron === undefined ? timing : { timeZone: TIME_ZONE, ...timing }
}

/** @throws UsageError */
function misfireOf(call: Call): Pick<ScheduleChanges, "misfire"> {
  const text = textOption(call, "misfire")
  if (text === undefined) return {}
  if (text === "skip" || text === "once") return { misfire: text }
  const all = /^all:([1-9]\d{0,3})$/.exec(text)?.[1]
  if (all !== undefined) return { misfire: { all: Number(all) } }
  throw new UsageError(`--misfire ${text} is no rule for missed fires.`, "Give skip, once, or e.g. all:31.")
}

/** What is given of a schedule beside its timing. @throws UsageError */
function restOf(call: Call) {
  const [kind, payload] = [textOption(call, "kind"), jsonOption(call, "payload")]
  const graceMs = numberOption(call, "grace-ms", 0, 30 * 86_400_000)
  return {
    ...(kind === undefined ? {} : { kind }),
    ...(payload === undefined ? {} : { payload }),
    ...(graceMs === undefined ? {} : { graceMs }),
    ...misfireOf(call),
  }
}

const list: Command = {
  name: "list",
  summary: "Lists the schedules with their next fires.",
  examples: ["schedule list", "schedule list --state paused --prefix calendar:"],
  options: { ...filterOptions, ...pageOptions },
  async run(call, surroundings) {
    const [filter, page] = [filterOf(call), pageOf(call)]
    return operate(call, surroundings, async ({ schedules }) => {
      const { schedules: found, next } = await schedules.list({ ...filter, ...page })
      const lines =
        found.length === 0 ? ["There are no schedules."] : inColumns(found.map((one) => rowOf(one, schedules)))
      const data = { items: found.map((one) => operationsJson.schedule(one, schedules)), next_cursor: next ?? null }
      return { lines: [...lines, ...moreLines(next)], data }
    })
  },
}

function rowOf(schedule: Schedule, schedules: ScheduleOperations): string[] {
  const { key, source, state, cron, timeZone, kind } = schedule
  const [first] = schedules.upcoming(schedule, 1)
  const next = state === "active" && first !== undefined ? `next ${first.local}` : state
  return [key, source, kind, cron === null ? "once" : `${cron} (${timeZone})`, next]
}

/** What is answered where one schedule was made or changed. */
function scheduleAnswer(done: string, schedule: Schedule, schedules: ScheduleOperations): Answer {
  const [first] = schedules.upcoming(schedule, 1)
  const next = schedule.state === "active" && first !== undefined ? [`Next fire: ${first.local}`] : []
  const lines = [`${done} ${schedule.key}.`, ...next]
  return { lines, data: operationsJson.schedule(schedule, schedules) }
}

const add: Command = {
  name: "add",
  summary: "Makes a schedule.",
  examples: [
    "schedule add reports:extra --cron '0 6 * * MON' --time-zone Europe/Berlin --kind report_run",
    'schedule add reports:once --at 2027-01-31T09:00:00Z --kind report_run --payload \'{"report_date":"2027-01-30"}\'',
  ],
  arguments: [keyArgument],
  options: { system: systemOption, ...definitionOptions },
  async run(call, surroundings) {
    const kind = requiredOption(call, "kind", "report_run")
    const input = { payload: {}, ...restOf(call), kind, ...timingOf(call) }
    return operate(call, surroundings, async ({ schedules }, { settings }) => {
      const added = await schedules.add(call.words["key"]!, inZone(input, settings) as NewSchedule)
      return scheduleAnswer("Added", added, schedules)
    })
  },
}

const change: Command = {
  name: "change",
  summary: "Changes a schedule that is not declared in code; what is left out stays.",
  examples: ["schedule change reports:extra --cron '0 7 * * MON'"],
  arguments: [keyArgument],
  options: {
    system: systemOption,
    ...definitionOptions,
    rev: { type: "string", value: "n", sentence: "Refuses where somebody has changed it since it had this rev." },
  },
  async run(call, surroundings) {
    const changes = { ...restOf(call), ...timingOf(call) } as ScheduleChanges
    if (Object.keys(changes).length === 0) throw new UsageError("There is nothing to change.")
    const rev = numberOption(call, "rev", 0, Number.MAX_SAFE_INTEGER)
    return operate(call, surroundings, async ({ schedules }) =>
      scheduleAnswer("Changed", await schedules.change(call.words["key"]!, changes, rev), schedules),
    )
  },
}

type Action = {
  readonly name: "pause" | "resume" | "remove" | "run"
  readonly summary: string
  readonly done: string
  readonly one: (schedules: ScheduleOperations, key: string) => Promise<Answer>
  readonly many: "pauseAll" | "resumeAll" | "removeAll" | "runAll"
  /** The verb of the question that comes before many; without it nobody is asked. */
  readonly question?: string
}

function actionCommand({ name, summary, done, one, many, question }: Action): Command {
  return {
    name,
    summary,
    examples: [`schedule ${name} calendar:7`, `schedule ${name} --all --prefix calendar:`],
    arguments: [keysArgument],
    options: { ...targetOptions, ...filterOptions, ...(question === undefined ? {} : { yes: yesOption }) },
    async run(call, surroundings) {
      const all = meansAll(call, "keys", Object.keys(filterOptions))
      const filter = filterOf(call)
      if (all && question !== undefined) checkAskable(call, surroundings)
      return operate(call, surroundings, async ({ schedules }) => {
        if (!all) {
          const ids = [...new Set(call.list)]
          if (ids.length === 1) return one(schedules, ids[0]!)
          return countAnswer(done, await schedules[many]({ ids }), ids.length, "schedule")
        }
        const asked = question === undefined ? undefined : () => questionOf(schedules, question, filter)
        if (asked !== undefined && !(await isMeant(call, surroundings, asked))) return nothingDone
        return countAnswer(done, await schedules[many]({ filter }), undefined, "schedule")
      })
    },
  }
}

async function questionOf(schedules: ScheduleOperations, verb: string, filter: ScheduleFilter): Promise<string> {
  const { schedules: found, next } = await schedules.list({ ...filter, limit: mostListed })
  const removable = found.filter(({ source, nextAt }) => source === "stored" || nextAt === null).length
  return `${verb} ${inWords(removable, next !== undefined, "schedule")}?`
}

const pause = actionCommand({
  name: "pause",
  summary: "Stops schedules from firing until they are resumed.",
  done: "Paused",
  one: async (schedules, key) => scheduleAnswer("Paused", await schedules.pause(key), schedules),
  many: "pauseAll",
})

const resume = actionCommand({
  name: "resume",
  summary: "Lets paused schedules fire again.",
  done: "Resumed",
  one: async (schedules, key) => scheduleAnswer("Resumed", await schedules.resume(key), schedules),
  many: "resumeAll",
})

const remove = actionCommand({
  name: "remove",
  summary: "Removes schedules that are not declared in code.",
  done: "Removed",
  async one(schedules, key) {
    await schedules.remove(key)
    return { lines: [`Removed ${key}.`], data: { key } }
  },
  many: "removeAll",
  question: "Remove",
})

const run = actionCommand({
  name: "run",
  summary: "Fires schedules at once, whatever their timing.",
  done: "Fired",
  async one(schedules, key) {
    const jobId = await schedules.run(key)
    return { lines: [`Fired ${key}: job ${jobId}.`], data: { key, job_id: jobId } }
  },
  many: "runAll",
})

const next: Command = {
  name: "next",
  summary: "Shows the next fires of a schedule, or those that a timing would have.",
  examples: ["schedule next order-reports", "schedule next --cron '30 2 * * *' --time-zone Europe/Berlin --count 5"],
  arguments: [{ ...keyArgument, required: false }],
  options: {
    system: systemOption,
    count: { type: "string", value: "n", sentence: "How many, 1 to 1000; 10 where it is left out." },
    ...timingOptions,
  },
  async run(call, surroundings) {
    const count = numberOption(call, "count", 1, 1_000) ?? 10
    const key = call.words["key"]
    const timing = timingOf(call)
    if (key !== undefined && Object.keys(timing).length > 0) {
      throw new UsageError("A key and a timing exclude each other.", "Give one of them.")
    }
    return operate(call, surroundings, async ({ schedules }, { settings }) => {
      const fires =
        key === undefined
          ? schedules.preview(inZone(timing, settings) as TimingInput, count)
          : schedules.upcoming(await schedules.get(key), count)
      return { lines: fires.length === 0 ? ["It fires no more."] : fires.map(lineOf), data: inJsonKeys(fires) }
    })
  },
}

const lineOf = ({ at, local }: UpcomingFire): string => `${local}  ${at.toISOString()}`

const replay: Command = {
  name: "replay",
  summary: "Fires schedules for the times for which they have not fired.",
  examples: ["schedule replay order-reports --from 2027-01-01T00:00:00Z --to 2027-02-01T00:00:00Z --dry-run"],
  arguments: [keysArgument],
  options: {
    ...targetOptions,
    ...filterOptions,
    from: { type: "string", value: "instant", sentence: "The first instant that is meant." },
    to: { type: "string", value: "instant", sentence: "The first instant that is not meant any more; now by default." },
    "dry-run": { type: "boolean", sentence: "Shows the times of one schedule, and fires nothing." },
  },
  async run(call, surroundings) {
    const all = meansAll(call, "keys", Object.keys(filterOptions))
    const filter = filterOf(call)
    const from = instantOption(call, "from")
    if (from === undefined) throw new UsageError("--from is missing.", "Give it, e.g. --from 2027-01-31T00:00:00Z.")
    const dryRun = call.options["dry-run"] === true
    const ids = [...new Set(call.list)]
    if (dryRun && ids.length !== 1) throw new UsageError("--dry-run goes with one key.")
    return operate(call, surroundings, async ({ schedules }, { clock }) => {
      const range = { from, to: instantOption(call, "to") ?? clock.now() }
      if (all) return countAnswer("Replayed", await schedules.replayAll({ filter }, range), undefined, "schedule")
      if (ids.length > 1)
        return countAnswer("Replayed", await schedules.replayAll({ ids }, range), undefined, "schedule")
      const times = dryRun
        ? await schedules.missed(ids[0]!, range)
        : (await schedules.replay(ids[0]!, range)).map(({ fireAt }) => fireAt)
      const verb = dryRun ? "Missed" : "Fired for"
      return {
        lines: times.length === 0 ? ["No time was missed."] : times.map((time) => `${verb} ${time.toISOString()}`),
        data: { times },
      }
    })
  },
}

export const schedule: Command = {
  name: "schedule",
  summary: "Shows what a system does by itself and when, and changes it.",
  commands: [list, add, change, pause, resume, remove, run, next, replay],
}
