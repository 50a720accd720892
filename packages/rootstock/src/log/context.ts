import { AsyncLocalStorage } from "node:async_hooks"

const requestIds = new AsyncLocalStorage<string>()

/** Runs `work` so that every line it logs carries `requestId`, however deep the call. */
export function withRequestId<T>(requestId: string, work: () => T): T {
  return requestIds.run(requestId, work)
}

/** The id of the request that is being answered, or `undefined` outside of one. */
export function currentRequestId(): string | undefined {
  return requestIds.getStore()
}
