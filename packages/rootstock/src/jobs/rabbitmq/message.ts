import type { AsyncMessage, Envelope } from "rabbitmq-client"
import type { TakenJob } from "../taken.ts"

const jobHeader = "rootstock-job"
const attemptHeader = "rootstock-attempt"
const json = "application/json"

/** An envelope by whose message id the broker's answers are told apart. */
export type NamedEnvelope = Envelope & { readonly messageId: string }

/** Which taking of which job a message stands for. */
export type Mark = { readonly id: string; readonly attempt: number }

/**
 * The envelope of a message that stands for a job. Its mark is what counts; kind and payload are there for people, since
 * who takes the job reads its row.
 *
 * @param sender whose job it is, shown as the message's application
 */
export function jobEnvelope({ id, attempt, kind, queue }: TakenJob, sender: string): NamedEnvelope {
  return {
    routingKey: queue,
    durable: true,
    mandatory: true,
    contentType: json,
    messageId: `${id}.${attempt}`,
    type: kind,
    appId: sender,
    headers: { [jobHeader]: id, [attemptHeader]: attempt },
  }
}

/** The envelope of a message for whoever listens. Published twice, it has the same id. */
export function eventEnvelope({ id, kind, queue }: TakenJob, sender: string): NamedEnvelope {
  return {
    routingKey: queue,
    durable: true,
    mandatory: true,
    contentType: json,
    messageId: id,
    type: kind,
    appId: sender,
  }
}

/** The body of either. */
export const bodyOf = ({ payload }: TakenJob): Buffer => Buffer.from(JSON.stringify(payload ?? null))

const uuidForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** The job for which a message stands; undefined where others published it. */
export function markOf({ headers }: Pick<AsyncMessage, "headers">): Mark | undefined {
  const id: unknown = headers?.[jobHeader]
  const attempt: unknown = headers?.[attemptHeader]
  if (typeof id !== "string" || !uuidForm.test(id)) return undefined
  if (typeof attempt !== "number" || !Number.isSafeInteger(attempt)) return undefined
  return { id, attempt }
}
