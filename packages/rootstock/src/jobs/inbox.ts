import type { Query } from "../engine/index.ts"
import { SessionError, ValidationError } from "../errors/index.ts"
import { definitionOf } from "../schema/index.ts"
import { currentSession } from "../session/index.ts"
import type { Jobs } from "./jobs.ts"
import { asItIs, statement } from "./outcomes.ts"
import { inbox } from "./tables.ts"

/**
 * Notes, in the ambient transaction, that a consumer handles a message of somebody else's. A second transaction that
 * handles the same one waits for the first to end.
 *
 * @param consumer who handles it, at most 64 characters
 * @param messageId the producer's own id of the message, at most 255 characters
 * @returns whether it is the first time: otherwise the message was handled, and nothing is to be done
 * @throws SessionError outside of a transaction, where nothing would tie the note to what is done
 *
 * ### Examples
 *
 * ```ts
 * await transaction(async () => {
 *   if (await receiveOnce(jobs, "order", message.id)) await placeOrder(message.body)
 * })
 * ```
 */
export async function receiveOnce(jobs: Jobs, consumer: string, messageId: string): Promise<boolean> {
  if (currentSession() === undefined) {
    throw new SessionError("receiveOnce was called outside a transaction.", {
      cure: "Call it in the transaction that does what the message says.",
    })
  }
  const { column } = definitionOf(inbox)
  for (const [key, value] of Object.entries({ consumer, messageId })) {
    const problem = column.get(key)?.type.problem(value)
    if (problem !== undefined) {
      throw new ValidationError(`The ${key} of a message ${problem.sentence}.`, { cure: "Give a shorter one." })
    }
  }
  const { backend, clock } = jobs
  const query: Query = backend.plans(definitionOf(inbox)).shape("receiveOnce", () => {
    const values = [1, 2, 3].map((index) => backend.dialect.parameter(index)).join(", ")
    return statement(
      `INSERT INTO inbox (consumer, message_id, at) VALUES (${values}) ON CONFLICT (consumer, message_id) DO NOTHING`,
      "jobs.receiveOnce",
    )
  })
  const first = (await backend.run(query, [consumer, messageId, clock.now().toISOString()], asItIs)) === 1
  if (!first) jobs.measures.inboxHits++
  return first
}
