/** Counts the tests that are skipped for lack of a server, and says how to run them. */
export class LeftOut {
  readonly #counts = new Map<string, number>()

  record(event: { skip?: string | boolean | undefined }): void {
    if (typeof event.skip !== "string") return
    const variable = /^needs (TEST_[A-Z_]+_URL)/.exec(event.skip)?.[1]
    if (variable) this.#counts.set(variable, (this.#counts.get(variable) ?? 0) + 1)
  }

  /** One line, or nothing where every test ran. */
  summary(): string | undefined {
    if (this.#counts.size === 0) return undefined
    const groups = [...this.#counts].map(([variable, count]) => `${count} for lack of ${variable}`)
    const values = [...this.#counts.keys()].filter((variable) => variable in composed)
    if (values.length === 0) return `Left out: ${groups.join(", ")}.`
    const assignments = values.map((variable) => `${variable}=${composed[variable]}`).join(" ")
    return `Left out: ${groups.join(", ")}. To run them: docker compose up -d db redis rabbitmq && ${assignments} npm test`
  }
}

/** Where the servers of compose.yaml are. */
const composed: Record<string, string> = {
  TEST_POSTGRES_URL: "postgres://app:app@127.0.0.1:5433/app",
  TEST_REDIS_URL: "redis://127.0.0.1:6379",
  TEST_AMQP_URL: "amqp://guest:guest@127.0.0.1:5672/local",
}
