const longestMessage = 500
const longestText = 4_000

/** An error in one line, for a list. */
export function errorMessage(error: unknown): string {
  return stored(error instanceof Error ? `${error.name}: ${error.message}` : String(error), longestMessage)
}

/** An error with its stack and its causes, for the history of a job. */
export function errorText(error: unknown): string {
  let text = ""
  const seen = new Set<unknown>()
  for (let one = error; one !== undefined && !seen.has(one); one = one instanceof Error ? one.cause : undefined) {
    seen.add(one)
    text += `${text === "" ? "" : "\nCaused by "}${one instanceof Error ? (one.stack ?? errorMessage(one)) : String(one)}`
  }
  return stored(text, longestText)
}

/** As both engines can store it. */
function stored(text: string, longest: number): string {
  const whole = text.replaceAll("\0", "\uFFFD")
  return (whole.length > longest ? `${whole.slice(0, longest - 1)}…` : whole).toWellFormed()
}
