import { UnavailableError } from "../errors/index.ts"

/** What a call on a closed database gets, on every engine. */
export function databaseClosed(): UnavailableError {
  return new UnavailableError("The database is closed.", {
    cure: "Close it when nothing uses it any more, or open it again.",
  })
}
