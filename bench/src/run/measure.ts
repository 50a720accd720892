import type { Contestant } from "../contestants/contract.ts"
import { Random } from "../data/random.ts"
import type { Task } from "./tasks.ts"

export interface Slice {
  operations: number
  seconds: number
}

const inputsOf = new WeakMap<Task, readonly unknown[]>()

/** Runs a task for about the given time and counts the calls that were answered. */
export async function measure(task: Task, contestant: Contestant, seconds: number): Promise<Slice> {
  let inputs = inputsOf.get(task)
  if (inputs === undefined) {
    inputs = task.inputs(new Random(17))
    task.prepare?.(contestant, inputs as readonly never[])
    inputsOf.set(task, inputs)
  }
  return task.before === undefined
    ? measureCallers(task, contestant, inputs, seconds)
    : measureSingly(task, contestant, inputs, seconds)
}

async function measureCallers(
  task: Task,
  contestant: Contestant,
  inputs: readonly unknown[],
  seconds: number,
): Promise<Slice> {
  let operations = 0
  let next = 0
  const start = performance.now()
  const end = start + seconds * 1_000
  const callLoop = async (): Promise<void> => {
    while (performance.now() < end) {
      const input = inputs[next] as never
      next = next + 1 === inputs.length ? 0 : next + 1
      await task.run(contestant, input)
      operations += 1
    }
  }
  await Promise.all(Array.from({ length: task.concurrency }, callLoop))
  return { operations, seconds: (performance.now() - start) / 1_000 }
}

async function measureSingly(
  task: Task,
  contestant: Contestant,
  inputs: readonly unknown[],
  seconds: number,
): Promise<Slice> {
  let operations = 0
  let measured = 0
  while (measured < seconds * 1_000) {
    await task.before?.(contestant)
    const start = performance.now()
    await task.run(contestant, inputs[operations % inputs.length] as never)
    measured += performance.now() - start
    operations += 1
  }
  return { operations, seconds: measured / 1_000 }
}
