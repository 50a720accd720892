export { bigintColumn, booleanColumn, decimalColumn, identityColumn, integerColumn, realColumn } from "./numbers.ts"
export { bytesColumn, canonicalJson, jsonColumn, listColumn, parsePostgresArray, postgresArray } from "./structures.ts"
export { choiceColumn, textColumn, textProblem, uuidColumn } from "./texts.ts"
export { dateColumn, isoTime, timeColumn, timestampColumn } from "./times.ts"
export {
  type Codec,
  type ColumnType,
  canonicalValue,
  type Problem,
  type SqlValue,
  shown,
  type TypeKind,
  type TypeOptions,
} from "./type.ts"
