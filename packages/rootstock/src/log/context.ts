import { Ambient } from "../ambient/index.ts"

/** The id of the request that is being answered. */
export const requestIds = new Ambient<string>()

/** Runs `work` so that every line it logs carries `requestId`, however deep the call. */
export function withRequestId<T>(requestId: string, work: () => T): T {
  return requestIds.run(requestId, work)
}

/** The id of the request that is being answered, or `undefined` outside of one. */
export function currentRequestId(): string | undefined {
  return requestIds.value
}
