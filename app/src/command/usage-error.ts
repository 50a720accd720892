import { RootstockError } from "rootstock/errors"

/** The program was called in a way that it does not know. */
export class UsageError extends RootstockError {
  override readonly code = "USAGE"

  constructor(message: string, cure = "Call it with --help to see what it takes.") {
    super(message, { cure })
  }
}
