import assert from "node:assert/strict"
import { AskedProcess } from "../run/process.ts"
import { progress } from "../run/progress.ts"
import { inRounds } from "../run/rounds.ts"
import { median } from "../run/statistics.ts"
import type { User } from "../schema/rows.ts"
import type { Places } from "./contract.ts"
import type { HitForm, HitRequest, HitSlice } from "./hits-worker.ts"
import type { CacheReport, CacheRun, Library } from "./libraries.ts"
import { ratesTable, usedAs } from "./report.ts"

/** One contestant of a task. */
interface Entrant {
  library: Library
  form: HitForm
  title: string
}

const inProcess: readonly Entrant[] = [
  { library: "raw", form: "map", title: "`Map`" },
  { library: "rootstock", form: "rootstock", title: "Rootstock" },
  { library: "lru-cache", form: "lru-cache", title: "lru-cache" },
  { library: "cache-manager", form: "cache-manager", title: "cache-manager" },
  { library: "bentocache", form: "bentocache", title: "bentocache" },
  { library: "keyv", form: "keyv", title: "keyv" },
]

const overRedis: readonly Entrant[] = [
  { library: "raw", form: "node-redis", title: "node-redis" },
  { library: "rootstock", form: "rootstock-redis", title: "Rootstock" },
  { library: "cache-manager", form: "cache-manager-redis", title: "cache-manager" },
  { library: "bentocache", form: "bentocache-redis", title: "bentocache" },
  { library: "keyv", form: "keyv-redis", title: "keyv" },
]

const mostAttempts = 10
const checkedIds = [1, 2, 471, 1_000]

/** Hits in the process: how many there are a second, when nothing else is done in between. */
export async function localHits(run: CacheRun): Promise<CacheReport> {
  const processes = await open(run, inProcess, (user) => user)
  const rates = await measure(run, "in process", processes, { callers: 1, batch: 128, inProcess: true })
  const table = ratesTable(chosenOf(run, inProcess), rates, {
    of: "hits a second",
    targets: { map: 0.25, "cache-manager": 2, bentocache: 3 },
  })
  const lines = [
    "## Cache: a hit in the process",
    "",
    `\`storage.get(id)\` of cached rows and what comes nearest to it, one caller, 1,000 users; by the processor time of the process, which on an idle machine is that of the clock; medians of ${run.rounds} rounds of ${run.seconds} s.`,
    "",
    table,
    ...usedAs(processes.values()),
  ]
  return { markdown: lines.join("\n"), packages: packagesOf(processes) }
}

/** What a hit takes where each has a turn of the event loop for itself, as in a server with few requests. */
export async function turnHits(run: CacheRun): Promise<CacheReport> {
  const entrants: readonly Entrant[] = [
    { library: "raw", form: "map", title: "`Map`" },
    { library: "rootstock", form: "rootstock", title: "Rootstock, SQLite, cached" },
    { library: "rootstock", form: "rootstock-off", title: "Rootstock, SQLite, not cached" },
  ]
  const processes = await open(run, entrants, (user) => user)
  const turn = (name: HitForm, empty: boolean): Promise<number> =>
    rate(processes.get(name)?.asked as AskedProcess<HitRequest>, { kind: "measure turns", seconds: run.seconds, empty })
  const names = [...processes.keys()]
  for (const name of names) await turn(name, false)
  const extras = await inRounds("turns: ", names, run.rounds, async (name) => {
    const empty = await turn(name, true)
    return 1e6 / (await turn(name, false)) - 1e6 / empty
  })
  const lines = [
    "## Cache: a hit in a turn of its own",
    "",
    `Microseconds of processor time that a call adds to an otherwise empty turn of the event loop; medians of ${run.rounds} rounds of ${run.seconds} s. On SQLite, Rootstock's cache looks once in each callback whether another process has committed to the file (\`PRAGMA data_version\`), which is most of it; in the loop above that look is shared by all hits.`,
    "",
    "| | µs a call |",
    "| --- | ---: |",
    ...chosenOf(run, entrants).map(({ form, title }) => `| ${title} | ${median(extras.get(form) ?? []).toFixed(2)} |`),
    "",
  ]
  return { markdown: lines.join("\n"), packages: [] }
}

/** Hits of Redis, with nothing kept in the process. */
export async function redisHits(run: CacheRun): Promise<CacheReport> {
  const processes = await open(run, overRedis, (user) => JSON.parse(JSON.stringify(user)))
  const chosen = chosenOf(run, overRedis)
  const lines = [
    "## Cache: a hit in Redis",
    "",
    `Nothing is kept in the process; 1,000 users; medians of ${run.rounds} rounds of ${run.seconds} s.`,
    "",
  ]
  for (const callers of [64, 1]) {
    const rates = await measure(run, `Redis, ${callers} at once`, processes, { callers, batch: 1, inProcess: false })
    lines.push(
      `${callers === 1 ? "One caller" : `${callers} callers at once`}:`,
      "",
      ratesTable(chosen, rates, {
        of: "hits a second",
        targets: { "node-redis": 0.9 },
        ...(callers === 1 ? {} : { bestPeer: 1.5, peers: chosen.filter(isPeer).map(({ form }) => form) }),
      }),
    )
  }
  lines.push(...usedAs(processes.values()))
  return { markdown: lines.join("\n"), packages: packagesOf(processes) }
}

const isPeer = ({ library }: Entrant): boolean => library !== "raw" && library !== "rootstock"
const chosenOf = (run: CacheRun, entrants: readonly Entrant[]): readonly Entrant[] =>
  entrants.filter(({ library }) => run.only.includes(library))

interface OpenedProcess {
  title: string
  asked: AskedProcess<HitRequest>
  form: string
  packages: readonly string[]
}

/** Starts the contestants, has them filled, and compares their answers. @param plain what is compared of a user */
async function open(
  run: CacheRun,
  entrants: readonly Entrant[],
  plain: (user: User) => unknown,
): Promise<Map<HitForm, OpenedProcess>> {
  const { databases, redis } = run
  const processes = new Map<HitForm, OpenedProcess>()
  const expected = checkedIds.map((id) => plain(databases.users[id - 1] as User))
  for (const [index, { form, title }] of chosenOf(run, entrants).entries()) {
    progress(`starting ${form}`)
    const asked = new AskedProcess<HitRequest>(form, new URL("hits-worker.ts", import.meta.url))
    run.atEnd(() => asked.kill())
    const places: Places = {
      database: await databases.make(form === "rootstock-redis" ? "postgres" : "sqlite"),
      redis: `${redis.url}/${index}`,
    }
    const opened = (await asked.ask({ kind: "open", form, places, users: databases.users })) as Omit<
      OpenedProcess,
      "asked"
    >
    const answers = (await asked.ask({ kind: "get", ids: checkedIds })) as User[]
    assert.deepEqual(answers.map(plain), expected, `${form} gives other users`)
    processes.set(form, { ...opened, title, asked })
  }
  return processes
}

async function measure(
  run: CacheRun,
  what: string,
  processes: ReadonlyMap<HitForm, OpenedProcess>,
  how: { callers: number; batch: number; inProcess: boolean },
): Promise<Map<HitForm, number[]>> {
  const one = (name: HitForm, seconds: number): Promise<number> =>
    rate(processes.get(name)?.asked as AskedProcess<HitRequest>, { kind: "measure", seconds, ...how })
  const names = [...processes.keys()]
  for (const name of names) {
    progress(`${what}: warming up ${name}`)
    await one(name, Math.min(0.5, run.seconds))
  }
  return inRounds(`${what}: `, names, run.rounds, (name) => one(name, run.seconds))
}

/**
 * Hits a second. A slice in which a read was not answered from the cache is measured again: on a machine that is held up,
 * Redis counts as away for a moment.
 */
async function rate(asked: AskedProcess<HitRequest>, request: HitRequest): Promise<number> {
  let missed = 0
  for (let attempt = 1; attempt <= mostAttempts; attempt += 1) {
    const { operations, seconds, misses } = (await asked.ask(request)) as HitSlice
    if (misses === 0) return operations / seconds
    missed += misses
  }
  throw new Error(`${asked.name}: ${missed} reads in ${mostAttempts} slices were not answered from the cache`)
}

const packagesOf = (processes: ReadonlyMap<HitForm, OpenedProcess>): readonly string[] => [
  ...new Set([...processes.values()].flatMap(({ packages }) => packages)),
]
