import type { Context } from "./context.ts"

/** The services of the assistants. */
export type Services = ReturnType<typeof makeServices>

export function makeServices(_context: Context) {
  return {}
}

export type { Context } from "./context.ts"
