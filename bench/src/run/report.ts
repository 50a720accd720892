import { type ContestantName, type Engine, isPeer, titles } from "./contestants.ts"
import { median, ratio, spread } from "./statistics.ts"
import { tasks } from "./tasks.ts"

export interface TaskResult {
  task: string
  /** Calls a second, one number a round. */
  rates: Partial<Record<ContestantName, number[]>>
}

export interface EngineResult {
  engine: Engine
  seconds: number
  rounds: number
  contestants: { name: ContestantName; form: string; packages: readonly string[] }[]
  tasks: TaskResult[]
}

const engineTitles: Record<Engine, string> = { sqlite: "SQLite", postgres: "PostgreSQL" }

/** The results of one engine as Markdown. */
export function engineTable(result: EngineResult): string {
  const names = result.contestants.map(({ name }) => name)
  const lines = [
    `## Tasks on ${engineTitles[result.engine]}`,
    "",
    `Calls a second: medians of ${result.rounds} rounds of ${result.seconds} s; c is the number of concurrent callers. Ratios are medians of the ratios round by round.`,
    "",
    row(["task", "c", ...names.map((name) => titles[name]), "± floor", "of the floor", "of the best peer", "target"]),
    row(["---", "---:", ...names.map(() => "---:"), "---:", "---:", "---:", "---"]),
  ]
  for (const taskResult of result.tasks) lines.push(taskRow(result.engine, taskResult, names))
  lines.push("", "How each is used:", "")
  for (const { name, form } of result.contestants) lines.push(`- ${titles[name]}: ${form}`)
  lines.push("")
  return lines.join("\n")
}

function taskRow(engine: Engine, { task: name, rates }: TaskResult, names: readonly ContestantName[]): string {
  const task = tasks.find((candidate) => candidate.name === name)
  if (task === undefined) throw new Error(`no task ${name}`)
  const { raw, rootstock } = rates
  const cells = names.map((contestant) => rounded(median(rates[contestant] ?? [])))
  const ofFloor = raw !== undefined && rootstock !== undefined ? ratio(rootstock, raw) : undefined
  const best = bestPeer(rates)
  const ofPeer = best !== undefined && rootstock !== undefined ? ratio(rootstock, rates[best] ?? []) : undefined
  return row([
    task.title,
    String(task.concurrency),
    ...cells,
    raw === undefined ? "" : `${Math.round(spread(raw) * 100)} %`,
    ofFloor === undefined ? "" : ofFloor.toFixed(2),
    best === undefined || ofPeer === undefined ? "" : `${ofPeer.toFixed(2)} (${titles[best]})`,
    verdict(ofFloor, task.target.ofFloor[engine], ofPeer, task.target.ofBestPeer),
  ])
}

function verdict(
  ofFloor: number | undefined,
  floorTarget: number,
  ofPeer: number | undefined,
  peerTarget: number,
): string {
  const wanted = `≥ ${floorTarget} of the floor, ${peerTarget === 1 ? "first" : `≥ ${peerTarget} × the best peer`}`
  if (ofFloor === undefined || ofPeer === undefined) return wanted
  const missed = [ofFloor < floorTarget ? "floor" : "", ofPeer < peerTarget ? "peers" : ""].filter(Boolean)
  return missed.length === 0 ? `pass: ${wanted}` : `**miss (${missed.join(", ")})**: ${wanted}`
}

function bestPeer(rates: TaskResult["rates"]): ContestantName | undefined {
  const peers = (Object.keys(rates) as ContestantName[]).filter(isPeer)
  return peers.sort((left, right) => median(rates[right] ?? []) - median(rates[left] ?? []))[0]
}

const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`

/** Three significant digits are more than the noise allows to tell apart. */
export function rounded(value: number): string {
  if (Number.isNaN(value)) return "n/a"
  return value >= 1_000 ? Number(value.toPrecision(3)).toLocaleString("en-US") : String(Number(value.toPrecision(3)))
}
