import type { Contestant } from "../contestants/contract.ts"
import { chatsFor, messageCursor } from "../data/rows.ts"
import { defineTask, type Task } from "./tasks.ts"

/** The calls whose cost must not grow with the table. */
export const growthCalls = ["row by key", "newest 50 of a chat", "keyset page of 50"] as const
export type GrowthCall = (typeof growthCalls)[number]

const made = new Map<string, Task>()

/** The task on a table of `size` messages; the same object each time, so that its inputs are made once. */
export function growthTask(call: GrowthCall, size: number): Task {
  const key = `${call} of ${size}`
  const task = made.get(key) ?? makeTask(call, size)
  made.set(key, task)
  return task
}

const noTarget = { ofFloor: { sqlite: 0, postgres: 0 }, ofBestPeer: 0 }
const inputCount = 4_096

function makeTask(call: GrowthCall, size: number): Task {
  const common = { name: call, title: call, concurrency: 1, target: noTarget }
  switch (call) {
    case "row by key":
      return defineTask({
        ...common,
        call: "messageById",
        inputs: (random) => Array.from({ length: inputCount }, () => random.between(1, size)),
        run: (contestant, id) => (contestant as Required<Contestant>).messageById(id),
      })
    case "newest 50 of a chat":
      return defineTask({
        ...common,
        call: "latestMessages",
        inputs: (random) => Array.from({ length: inputCount }, () => random.between(1, chatsFor(size))),
        run: (contestant, chatId) => contestant.latestMessages(chatId, 50),
      })
    case "keyset page of 50":
      return defineTask({
        ...common,
        call: "messagesAfter",
        inputs: (random) =>
          Array.from({ length: inputCount }, () => messageCursor(random.between(size * 0.25, size * 0.75))),
        prepare: (contestant, cursors) => contestant.prepareCursors?.(cursors),
        run: (contestant, cursor) => contestant.messagesAfter(cursor, 50),
      })
  }
}
