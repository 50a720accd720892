import { ConfigError } from "../errors/index.ts"

/** One variable that has a wrong value. */
export type EnvironmentProblem = {
  /** Name of the variable. */
  readonly variable: string
  /** What is wrong, as a phrase that follows the name. */
  readonly problem: string
  /** A value that would be accepted. */
  readonly example: string
}

/** Everything that is wrong with the environment, in one error. */
export class EnvironmentError extends ConfigError {
  readonly problems: readonly EnvironmentProblem[]

  constructor(problems: readonly EnvironmentProblem[]) {
    const lines = problems.map(
      ({ variable, problem, example }) => `  ${variable} ${problem}, e.g. ${variable}=${example}`,
    )
    const count = problems.length === 1 ? "One variable has" : `${problems.length} variables have`
    super(`${count} a wrong value:\n${lines.join("\n")}`, {
      cure: "Set them in the environment or in .env as the examples show, then start again.",
    })
    this.problems = Object.freeze([...problems])
  }
}
