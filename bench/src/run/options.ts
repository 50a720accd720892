/** Reads the values of command-line options; what makes no sense ends the program with its help. */
export class OptionReader {
  readonly #help: string

  constructor(help: string) {
    this.#help = help
  }

  /** The chosen ones of a comma-separated list, in the order of `allowed`; all of them without a list. */
  chosen<T extends string>(option: string, value: string | undefined, allowed: readonly T[]): readonly T[] {
    if (value === undefined) return allowed
    const names = value.split(",")
    const unknown = names.filter((name) => !allowed.includes(name as T))
    if (unknown.length > 0) this.fail(`${option}: ${unknown.join(", ")} is none of ${allowed.join(", ")}`)
    return allowed.filter((name) => names.includes(name))
  }

  positive(option: string, value: string): number {
    const number = Number(value)
    if (!(number > 0)) this.fail(`${option}: ${value} is no positive number`)
    return number
  }

  /** Prints the help and ends, where it was asked for. */
  helpIf(asked: boolean): void {
    if (!asked) return
    process.stdout.write(this.#help)
    process.exit(0)
  }

  fail(message: string): never {
    process.stderr.write(`${message}\n\n${this.#help}`)
    process.exit(2)
  }
}

/** The command as it was typed, for the results. */
export function commandLine(script: string): string {
  const given = process.argv.slice(2)
  return `npm run ${script}${given.length === 0 ? "" : ` -- ${given.join(" ")}`}`
}
