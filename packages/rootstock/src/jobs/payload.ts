import { ValidationError } from "../errors/index.ts"
import { bodyCheck, type Field, type JsonSchema } from "../fields/index.ts"
import { PermanentError } from "./errors.ts"

/** What jobs of a kind carry: JSON in the database, a value in TypeScript. */
export type Payload<P> = {
  /** The JSON Schema of what is stored. */
  readonly schema: JsonSchema
  /** The JSON of a value. @throws ValidationError where it does not fit */
  write(value: P): unknown
  /** JSON that somebody else wrote, as it is stored. @throws ValidationError where it does not fit */
  check(json: unknown): unknown
  /** The value of stored JSON. @throws PermanentError where it does not fit */
  read(json: unknown): P
}

const withTexts = (json: unknown): unknown => (json === undefined ? json : JSON.parse(JSON.stringify(json)))

export function makePayload<P>(kind: string, { schema, toJson, fromJson }: Field<P>): Payload<P> {
  const check = bodyCheck(schema)
  const checked = (json: unknown): unknown => {
    const result = check(json)
    if ("value" in result) return result.value
    const { message } = result.error
    throw new ValidationError(`The payload of ${kind} does not fit: ${message}`, {
      cure: "Give the fields that the kind of job declares.",
      cause: result.error,
    })
  }
  // Fields leave instants to who serialises.
  const hasInstants = JSON.stringify(schema).includes('"date-time"')
  return Object.freeze({
    schema,
    write(value: P): unknown {
      const json = value === undefined || value === null || toJson === undefined ? value : toJson(value)
      return checked(hasInstants ? withTexts(json) : json)
    },
    check: checked,
    read(json: unknown): P {
      const result = check(json)
      if ("error" in result) {
        throw new PermanentError(`The payload of ${kind} does not fit: ${result.error.message}`, {
          cause: result.error,
        })
      }
      return fromJson === undefined ? (json as P) : fromJson(json as never)
    },
  })
}
