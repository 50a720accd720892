import type { AsyncMessage, Envelope } from "rabbitmq-client"
import type { TakenJob } from "../taken.ts"

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
    messageId: `job:${id}:${attempt}`,
    type: kind,
    appId: sender,
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

const markForm = /^job:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}):(\d{1,9})$/

/** The job for which a message stands; undefined where others published it. */
export function markOf({ messageId }: Pick<AsyncMessage, "messageId">): Mark | undefined {
  const [, id, attempt] = (messageId === undefined ? null : markForm.exec(messageId)) ?? []
  return id === undefined ? undefined : { id, attempt: Number(attempt) }
}
