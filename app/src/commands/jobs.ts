import { type JobAction, type Operations, operationsJson } from "rootstock/http"
import type { JobDetail, JobFilter, JobState, JobSummary, QueueDepth } from "rootstock/jobs"
import { type Call, type Command, inColumns, type Option, type Surroundings, UsageError } from "../command/index.ts"
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
import { choiceOption, textOption } from "./options.ts"
import { systemOption } from "./surroundings.ts"

const states = ["waiting", "held", "at_broker", "dead"] as const

const stateOption: Option = { type: "string", value: "state", sentence: `One of ${states.join(", ")}.` }
const filterOptions: Readonly<Record<string, Option>> = {
  queue: { type: "string", value: "name", sentence: "Only those of this queue." },
  kind: { type: "string", value: "name", sentence: "Only those of this kind." },
}
const filterNames = ["state", ...Object.keys(filterOptions)]

const idsArgument = { name: "id", sentence: "Ids of jobs, as `jobs list` shows them.", multiple: true } as const

/** @throws UsageError */
function readId(text: string): string {
  const id = text.toLowerCase()
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) return id
  throw new UsageError(`${text} is no id of a job.`, "Take it from `rootstock jobs list`.")
}

function filterOf(call: Call, state: JobState): JobFilter {
  return { state, queue: textOption(call, "queue"), kind: textOption(call, "kind") }
}

const list: Command = {
  name: "list",
  summary: "Lists jobs that wait, are being done, or are dead.",
  examples: ["jobs list", "jobs list --state dead --queue order --limit 10"],
  options: {
    state: { ...stateOption, sentence: `${stateOption.sentence} waiting where it is left out.` },
    ...filterOptions,
    ...pageOptions,
  },
  async run(call, surroundings) {
    const state = choiceOption(call, "state", states) ?? "waiting"
    const [filter, page] = [filterOf(call, state), pageOf(call)]
    return operate(call, surroundings, async ({ jobs }) => {
      const { jobs: found, next } = await jobs.list(filter, page)
      const lines = found.length === 0 ? [`There are no ${state} jobs.`] : inColumns(found.map(rowOf))
      const data = { items: found.map(operationsJson.job), next_cursor: next ?? null }
      return { lines: [...lines, ...moreLines(next)], data }
    })
  },
}

function rowOf({ id, queue, kind, attempt, maxAttempts, runAt, diedAt, reason, lastError }: JobSummary): string[] {
  const when = runAt === undefined ? `died ${diedAt?.toISOString()} (${reason})` : `due ${runAt.toISOString()}`
  return [id, queue, kind, `${attempt}/${maxAttempts}`, when, lastError?.split("\n", 1)[0] ?? ""]
}

const show: Command = {
  name: "show",
  summary: "Shows a job with its payload and what went wrong.",
  arguments: [{ name: "id", sentence: "Id of the job.", required: true }],
  options: { system: systemOption },
  async run(call, surroundings) {
    const id = readId(call.words["id"]!)
    return operate(call, surroundings, async ({ jobs }) => {
      const found = await jobs.get(id)
      return { lines: linesOf(found), data: operationsJson.jobDetail(found) }
    })
  },
}

function linesOf(job: JobDetail): string[] {
  const facts: [string, string | undefined][] = [
    ["id", job.id],
    ["state", job.reason === undefined ? job.state : `${job.state} (${job.reason})`],
    ["queue", job.queue],
    ["kind", job.kind],
    ["attempt", `${job.attempt} of ${job.maxAttempts}`],
    ["made", job.createdAt.toISOString()],
    ["for", job.fireAt?.toISOString()],
    ["due", job.runAt?.toISOString()],
    ["died", job.diedAt?.toISOString()],
    ["worker", job.worker],
    ["payload", JSON.stringify(job.payload)],
  ]
  const errors = job.errors.flatMap(({ attempt, at, error }) => [
    "",
    `Attempt ${attempt}, ${at.toISOString()}:`,
    ...error.split("\n").map((line) => `  ${line}`),
  ])
  return [...inColumns(facts.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))), ...errors]
}

type Action = {
  readonly name: JobAction
  readonly summary: string
  readonly examples: readonly string[]
  /** In the past tense, at the beginning of a sentence. */
  readonly done: string
  /** The states that it can mean with `--all`; the only one needs not be said. */
  readonly states: readonly JobState[]
  /** The verb of the question that comes first; without it nobody is asked. */
  readonly question?: string
}

function actionCommand({ name, summary, examples, done, states: possible, question }: Action): Command {
  const only = possible.length === 1 ? possible[0] : undefined
  return {
    name,
    summary,
    examples,
    arguments: [idsArgument],
    options: {
      ...targetOptions,
      ...(only === undefined
        ? { state: { ...stateOption, sentence: `With --all: one of ${possible.join(", ")}.` } }
        : {}),
      ...filterOptions,
      ...(question === undefined ? {} : { yes: yesOption }),
    },
    async run(call, surroundings) {
      if (!meansAll(call, "ids", filterNames)) {
        const ids = [...new Set(call.list.map(readId))]
        return operate(call, surroundings, async ({ jobs }) => {
          const [first, ...more] = ids
          if (more.length > 0) return countAnswer(done, await jobs.act(name, { ids }), ids.length, "job")
          const job = await jobs.actOnOne(name, first!)
          return {
            lines: [`${done} ${first}.`],
            data: job === undefined ? { id: first } : operationsJson.jobDetail(job),
          }
        })
      }
      const state = only ?? choiceOption(call, "state", possible)
      if (state === undefined) throw new UsageError("--state is missing.", `Give one of ${possible.join(", ")}.`)
      const filter = filterOf(call, state)
      if (question !== undefined) checkAskable(call, surroundings)
      return operate(call, surroundings, async ({ jobs }) => {
        const asked = question === undefined ? undefined : () => questionOf(jobs, question, filter)
        if (asked !== undefined && !(await isMeant(call, surroundings, asked))) return nothingDone
        return countAnswer(done, await jobs.act(name, { filter }), undefined, "job")
      })
    },
  }
}

async function questionOf(jobs: Operations["jobs"], verb: string, filter: JobFilter): Promise<string> {
  const { jobs: found, next } = await jobs.list(filter, { limit: mostListed })
  const { state, queue, kind } = filter
  const of = [...(queue === undefined ? [] : [`queue ${queue}`]), ...(kind === undefined ? [] : [`kind ${kind}`])]
  return `${verb} ${inWords(found.length, next !== undefined, `${state} job`)}${of.length === 0 ? "" : ` of ${of.join(", ")}`}?`
}

const retry = actionCommand({
  name: "retry",
  summary: "Lets dead jobs wait again, with all their attempts.",
  examples: ["jobs retry 01992f6e-7a00-7000-8000-000000000001", "jobs retry --all --queue order"],
  done: "Retried",
  states: ["dead"],
})

const run = actionCommand({
  name: "run",
  summary: "Makes waiting jobs due at once.",
  examples: ["jobs run --all --queue report"],
  done: "Made due",
  states: ["waiting"],
})

const cancel = actionCommand({
  name: "cancel",
  summary: "Gives jobs up, so that they are dead and can be retried; one that runs is aborted.",
  examples: ["jobs cancel --all --state waiting --queue order"],
  done: "Cancelled",
  states: ["waiting", "held", "at_broker"],
  question: "Cancel",
})

const remove = actionCommand({
  name: "delete",
  summary: "Removes jobs for good, with what is known of them.",
  examples: ["jobs delete --all --state dead --queue order --yes"],
  done: "Deleted",
  states,
  question: "Delete for good",
})

type QueueCommand = { readonly name: "pause" | "resume"; readonly summary: string; readonly done: string }

function queueCommand({ name, summary, done }: QueueCommand): Command {
  return {
    name,
    summary,
    examples: [`jobs ${name} order`, `jobs ${name} --all`],
    arguments: [{ name: "queue", sentence: "Names of queues, as `jobs stats` shows them.", multiple: true }],
    options: {
      ...targetOptions,
      prefix: { type: "string", value: "text", sentence: "With --all: those whose names begin so." },
    },
    async run(call, surroundings) {
      const all = meansAll(call, "queues", ["prefix"])
      return operate(call, surroundings, async ({ queues }) => {
        if (all) {
          const target = { filter: { prefix: textOption(call, "prefix") } }
          const count = await (name === "pause" ? queues.pauseAll(target) : queues.resumeAll(target))
          return countAnswer(done, count, undefined, "queue")
        }
        const names = [...new Set(call.list)]
        for (const queue of names) await queues.get(queue)
        const count = await (name === "pause" ? queues.pauseAll({ ids: names }) : queues.resumeAll({ ids: names }))
        return { lines: [`${done} ${names.join(", ")}.`], data: { count } }
      })
    },
  }
}

const pause = queueCommand({
  name: "pause",
  summary: "Takes nothing more from queues, in all processes, until they are resumed.",
  done: "Paused",
})

const resume = queueCommand({ name: "resume", summary: "Takes jobs from paused queues again.", done: "Resumed" })

const stats: Command = {
  name: "stats",
  summary: "Shows how all queues stand, and which workers live.",
  options: { system: systemOption },
  run: (call, surroundings: Surroundings) =>
    operate(call, surroundings, async ({ queues }) => {
      const found = await queues.stats()
      const head = ["QUEUE", "WAITING", "HELD", "AT BROKER", "DEAD", "OLDEST DUE", ""]
      const workers = found.workers.map(
        ({ id, host, pid, seen }) => `${id}  ${host}:${pid}  seen ${seen.toISOString()}`,
      )
      return {
        lines: [
          ...inColumns([head, ...found.queues.map(cellsOf)]),
          "",
          ...(workers.length === 0 ? ["No worker lives."] : ["Workers:", ...workers.map((line) => `  ${line}`)]),
        ],
        data: operationsJson.stats(found),
      }
    }),
}

function cellsOf({ queue, waiting, held, atBroker, dead, oldestReadyMs, paused }: QueueDepth): string[] {
  const oldest = oldestReadyMs === undefined ? "-" : `${(oldestReadyMs / 1_000).toFixed(1)} s`
  return [queue, ...[waiting, held, atBroker, dead].map(String), oldest, paused ? "paused" : ""]
}

export const jobs: Command = {
  name: "jobs",
  summary: "Looks into the queues of a system, and acts on jobs.",
  commands: [list, show, retry, run, cancel, remove, pause, resume, stats],
}
