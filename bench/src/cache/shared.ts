import { AskedProcess } from "../run/process.ts"
import { progress } from "../run/progress.ts"
import type { CacheRun, Library } from "./libraries.ts"
import type { SharedForm, SharedRequest } from "./shared-worker.ts"

const entrants: readonly { library: Library; form: SharedForm; title: string }[] = [
  { library: "rootstock", form: "rootstock", title: "Rootstock" },
  { library: "rootstock", form: "rootstock-redis", title: "Rootstock, Redis alone" },
  { library: "bentocache", form: "bentocache", title: "bentocache" },
  { library: "cache-manager", form: "cache-manager", title: "cache-manager" },
  { library: "cache-manager", form: "cache-manager-redis", title: "cache-manager, Redis alone" },
  { library: "keyv", form: "keyv", title: "keyv" },
]

/** Two processes that share a cache and a database. */
export interface Pair {
  title: string
  form: string
  packages: readonly string[]
  processes: readonly AskedProcess<SharedRequest>[]
}

/** @param pauseMs how long loading takes beyond the query: least and most */
export async function openPairs(
  run: CacheRun,
  pauseMs: readonly [least: number, most: number],
): Promise<Map<SharedForm, Pair>> {
  const pairs = new Map<SharedForm, Pair>()
  for (const [index, { library, form, title }] of entrants.entries()) {
    if (!run.only.includes(library)) continue
    progress(`starting two processes with ${form}`)
    const places = { database: await run.databases.make("postgres"), redis: `${run.redis.url}/${index + 8}` }
    const processes: AskedProcess<SharedRequest>[] = []
    let opened: Pick<Pair, "form" | "packages"> = { form: "", packages: [] }
    for (const seed of [1, 2]) {
      const asked = new AskedProcess<SharedRequest>(form, new URL("shared-worker.ts", import.meta.url))
      run.atEnd(() => asked.kill())
      opened = (await asked.ask({ kind: "open", form, places, pauseMs, seed })) as typeof opened
      processes.push(asked)
    }
    pairs.set(form, { ...opened, title, processes })
  }
  return pairs
}

/** Asks both processes the same, to be begun at the same time. */
export async function askBoth<Answer>(pair: Pair, request: (startAt: bigint) => SharedRequest): Promise<Answer[]> {
  const startAt = process.hrtime.bigint() + 50_000_000n
  return (await Promise.all(pair.processes.map((one) => one.ask(request(startAt))))) as Answer[]
}

export const packagesOfPairs = (pairs: ReadonlyMap<SharedForm, Pair>): readonly string[] => [
  ...new Set([...pairs.values()].flatMap(({ packages }) => packages)),
]
