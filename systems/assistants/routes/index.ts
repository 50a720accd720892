import type { Route } from "rootstock/http"
import type { Services } from "../services/index.ts"

/** All calls of the assistants. */
export function routes(_services: Services): Route[] {
  return []
}
