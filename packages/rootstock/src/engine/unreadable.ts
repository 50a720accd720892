import { ValidationError } from "../errors/index.ts"

/** What a caller gets where a stored value cannot be read by its column, on every engine; other errors as they are. */
export function unreadable(error: unknown): unknown {
  if (!(error instanceof RangeError)) return error
  const { message } = error
  const beyond = (error as { code?: string }).code === "ERR_OUT_OF_RANGE"
  return new ValidationError(
    beyond ? "A stored integer is beyond 2^53." : `${message.charAt(0).toUpperCase()}${message.slice(1)}.`,
    {
      cure: "Mend the stored value, or the declaration of its column: a bigint() holds 64 bits.",
      cause: error,
    },
  )
}
