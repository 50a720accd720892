import { RootstockError } from "../../errors/index.ts"

/** A queue exists in RabbitMQ, but with other properties than it must have here. */
export class QueueMismatchError extends RootstockError {
  override readonly code = "QUEUE_MISMATCH"
  readonly queue: string

  constructor(queue: string, details: { reason: string; cause: unknown }) {
    super(`The queue ${queue} exists in RabbitMQ with other properties: ${details.reason}`, {
      cure: `Stop its publishers, let it be emptied by its consumers, and delete it (rabbitmqctl delete_queue ${queue}); it is made anew by itself as a durable quorum queue. Until then its jobs wait in the database.`,
      cause: details.cause,
    })
    this.queue = queue
  }
}
