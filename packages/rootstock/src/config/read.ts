import { EnvironmentError, type EnvironmentProblem } from "./environment-error.ts"
import { type Values, type Variables, WrongValue } from "./variables.ts"

/** The environment of a process, e.g. `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads declared variables. An empty value counts as unset, as compose files write it so.
 *
 * @throws EnvironmentError that names every wrong variable at once; the wrong values are not repeated in it
 *
 * ### Examples
 *
 * ```ts
 * const { PORT } = readEnvironment(process.env, {
 *   PORT: integerVariable({ sentence: "Port to listen on.", example: "8000", default: 8000, min: 1, max: 65_535 }),
 * })
 * ```
 */
export function readEnvironment<V extends Variables>(environment: Environment, variables: V): Values<V> {
  const { values, problems } = readVariables(environment, variables)
  if (problems.length > 0) throw new EnvironmentError(problems)
  return values
}

/** As {@link readEnvironment}, but gives the problems back, so that rules over several variables can add theirs. */
export function readVariables<V extends Variables>(
  environment: Environment,
  variables: V,
): { values: Values<V>; problems: EnvironmentProblem[] } {
  const values: Record<string, unknown> = {}
  const problems: EnvironmentProblem[] = []
  for (const [name, variable] of Object.entries(variables)) {
    const text = environment[name]?.trim() ?? ""
    values[name] = variable.fallback
    if (text === "") continue
    try {
      values[name] = variable.read(text)
    } catch (error) {
      if (!(error instanceof WrongValue)) throw error
      problems.push({ variable: name, problem: error.message, example: variable.example })
    }
  }
  return { values: values as Values<V>, problems }
}
