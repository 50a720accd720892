import { setTimeout as pause } from "node:timers/promises"
import { Random } from "../data/random.ts"
import { answerRequests } from "../run/requests.ts"
import { openBentocacheShared } from "./contestants/bentocache.ts"
import { openCacheManagerShared } from "./contestants/cache-manager.ts"
import { openKeyvShared } from "./contestants/keyv.ts"
import { openRootstockShared } from "./contestants/rootstock.ts"
import type { Places, SharedContestant, SharedPlaces } from "./contract.ts"

const forms = {
  rootstock: (places) => openRootstockShared(places, true),
  "rootstock-redis": (places) => openRootstockShared(places, false),
  bentocache: openBentocacheShared,
  "cache-manager": (places) => openCacheManagerShared(places, true),
  "cache-manager-redis": (places) => openCacheManagerShared(places, false),
  keyv: openKeyvShared,
} satisfies Record<string, (places: SharedPlaces) => Promise<SharedContestant>>

export type SharedForm = keyof typeof forms

/** What the bench asks of one of the processes that share a cache. */
export type SharedRequest =
  /** Loading takes so many milliseconds beyond the query, at random between the two. */
  | { kind: "open"; form: SharedForm; places: Places; pauseMs: readonly [least: number, most: number]; seed: number }
  /** Many reads of one key at once. */
  | { kind: "stampede"; id: number; readers: number; startAt: bigint }
  | {
      kind: "read and write"
      ids: readonly number[]
      readers: number
      writers: number
      seconds: number
      startAt: bigint
    }
  | { kind: "close" }

export interface Stampede {
  loads: number
  /** The different versions that the readers got. */
  versions: readonly number[]
  milliseconds: number
}

/** Times are those of `process.hrtime.bigint()`, which all processes of a machine share. */
export interface Events {
  reads: readonly { id: number; version: number; startedAt: bigint }[]
  writes: readonly { id: number; version: number; acknowledgedAt: bigint }[]
}

let contestant: SharedContestant
let random: Random

async function answer(request: SharedRequest): Promise<unknown> {
  switch (request.kind) {
    case "open": {
      const [least, most] = request.pauseMs
      random = new Random(request.seed)
      const places = { ...request.places, pause: () => pause(least + random.next() * (most - least)) as Promise<void> }
      contestant = await forms[request.form](places)
      return { form: contestant.form, packages: contestant.packages }
    }
    case "stampede":
      return runStampede(request)
    case "read and write":
      return readAndWrite(request)
    case "close":
      return contestant.close()
  }
}

/** Lets what follows begin in all processes at once. */
async function until(startAt: bigint): Promise<void> {
  await pause(Math.max(1, Number(startAt - process.hrtime.bigint()) / 1e6 - 5))
  while (process.hrtime.bigint() < startAt);
}

async function runStampede({ id, readers, startAt }: SharedRequest & { kind: "stampede" }): Promise<Stampede> {
  await until(startAt)
  const before = contestant.loads()
  const start = performance.now()
  const versions = await Promise.all(Array.from({ length: readers }, () => contestant.read(id)))
  const milliseconds = performance.now() - start
  return { loads: contestant.loads() - before, versions: [...new Set(versions)], milliseconds }
}

async function readAndWrite(request: SharedRequest & { kind: "read and write" }): Promise<Events> {
  const { ids, readers, writers, seconds, startAt } = request
  const reads: Events["reads"][number][] = []
  const writes: Events["writes"][number][] = []
  await until(startAt)
  const end = performance.now() + seconds * 1_000
  const read = async (): Promise<void> => {
    while (performance.now() < end) {
      const id = random.pick(ids)
      const startedAt = process.hrtime.bigint()
      reads.push({ id, version: await contestant.read(id), startedAt })
      await pause(random.next() * 4)
    }
  }
  const write = async (): Promise<void> => {
    while (performance.now() < end) {
      const id = random.pick(ids)
      writes.push({ id, version: await contestant.raise(id), acknowledgedAt: process.hrtime.bigint() })
      await pause(random.next() * 40)
    }
  }
  await Promise.all([...Array.from({ length: readers }, read), ...Array.from({ length: writers }, write)])
  return { reads, writes }
}

answerRequests<SharedRequest>(answer)
