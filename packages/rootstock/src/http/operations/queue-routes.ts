import { optional, words } from "../../fields/index.ts"
import type { Route } from "../route.ts"
import { call } from "./call.ts"
import { acted, queue, queueName, queuesAndWorkers, targetOf } from "./fields.ts"
import type { QueueOperations } from "./queue-operations.ts"
import { rules } from "./rules.ts"
import { queueView, statsView } from "./views.ts"

const tag = "operations: queues"
const params = { queue: queueName }
const target = targetOf("QueueTarget", queueName, { prefix: optional(words(64)) }, {})
const refusals = rules.pick("QUEUE_NOT_FOUND")

export function queueRoutes(queues: QueueOperations): Route[] {
  return [
    call(
      "GET",
      "/queues",
      { summary: "How all queues stand, and which workers live", tag, answer: queuesAndWorkers },
      async () => statsView(await queues.stats()),
    ),
    call(
      "GET",
      "/queues/{queue}",
      { summary: "How a queue stands", tag, params, answer: queue, refusals },
      async ({ params }) => queueView(await queues.get(params.queue)),
    ),
    call(
      "POST",
      "/queues/{queue}/pause",
      {
        summary: "Take nothing more from a queue",
        description: "In all processes, until it is resumed. What was taken is done; jobs may still be sent.",
        tag,
        params,
        answer: queue,
        refusals,
      },
      async ({ params }) => queueView(await queues.pause(params.queue)),
    ),
    call(
      "POST",
      "/queues/{queue}/resume",
      { summary: "Take jobs from a queue again", tag, params, answer: queue, refusals },
      async ({ params }) => queueView(await queues.resume(params.queue)),
    ),
    call(
      "POST",
      "/queues/pause",
      { summary: "Pause several queues", tag, body: target, answer: acted },
      async ({ body }) => ({ count: await queues.pauseAll(body) }),
    ),
    call(
      "POST",
      "/queues/resume",
      { summary: "Resume several queues", tag, body: target, answer: acted },
      async ({ body }) => ({ count: await queues.resumeAll(body) }),
    ),
  ]
}
