import { type ColumnType, type Problem, shown, wrongType, wrongValue } from "./type.ts"

function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** What both engines can store as text: well-formed Unicode without U+0000, which PostgreSQL refuses. */
export function textProblem(value: unknown): Problem | undefined {
  if (typeof value !== "string") return wrongType(`must be a string, not ${shown(value)}`)
  if (value.includes("\0")) return wrongType("must not contain the character U+0000")
  if (!value.isWellFormed()) return wrongType("must be well-formed Unicode (it has half a surrogate pair)")
  return undefined
}

/** Length in code points, which is how both engines count. */
function codePoints(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}

const plainText = { encode: (value: string) => value }

export function textColumn(max: number | undefined): ColumnType {
  return {
    kind: "text",
    options: max === undefined ? {} : { max },
    problem(value) {
      const problem = textProblem(value)
      if (problem !== undefined || max === undefined) return problem
      const text = value as string
      if (text.length <= max) return undefined
      const length = codePoints(text)
      return length > max ? wrongValue(`is longer than ${max} characters: it has ${length}`) : undefined
    },
    codecs: {
      sqlite: {
        ddl: "TEXT",
        cast: "TEXT",
        ...plainText,
        ...(max === undefined ? {} : { check: (column: string) => `length(${column}) <= ${max}` }),
      },
      postgres: { ddl: `${max === undefined ? "text" : `varchar(${max})`} COLLATE "C"`, cast: "text", ...plainText },
    },
    jsonSchema: max === undefined ? { type: "string" } : { type: "string", maxLength: max },
  }
}

export function choiceColumn(values: readonly string[]): ColumnType {
  const known = new Set(values)
  const listed = values.map(quoteText).join(", ")
  const check = (column: string) => `${column} IN (${listed})`
  const decode = (raw: string) => {
    if (known.has(raw)) return raw
    throw new RangeError(`the stored value ${shown(raw)} is none of ${values.join(", ")}`)
  }
  return {
    kind: "choice",
    options: { values },
    problem(value) {
      if (typeof value !== "string") return wrongType(`must be a string, not ${shown(value)}`)
      return known.has(value) ? undefined : wrongValue(`must be one of ${values.join(", ")}, not ${shown(value)}`)
    },
    codecs: {
      sqlite: { ddl: "TEXT", cast: "TEXT", check, ...plainText, decode },
      postgres: { ddl: 'text COLLATE "C"', cast: "text", check, ...plainText, decode },
    },
    jsonSchema: { type: "string", enum: values },
  }
}

const uuidText = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

const lowerCase = (value: string): string => value.toLowerCase()

export const uuidColumn: ColumnType = {
  kind: "uuid",
  options: {},
  problem: (value) =>
    typeof value === "string" && uuidText.test(value) ? undefined : wrongType(`must be a UUID, not ${shown(value)}`),
  canonical: lowerCase,
  codecs: {
    sqlite: {
      ddl: "TEXT",
      cast: "TEXT",
      check: (column) => `length(${column}) = 36`,
      encode: lowerCase,
    },
    postgres: { ddl: "uuid", cast: "uuid", encode: lowerCase },
  },
  jsonSchema: { type: "string", format: "uuid" },
}
