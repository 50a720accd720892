export { keepNumbers } from "./exact-numbers.ts"
export {
  day,
  emailAddress,
  type Field,
  type Fields,
  fieldsOf,
  flag,
  type JsonSchema,
  jsonNameOf,
  listOf,
  moment,
  money,
  objectOf,
  oneOf,
  optional,
  orNull,
  refined,
  rowId,
  uuidText,
  type ValueOf,
  type ValuesOf,
  wholeNumber,
  withDefault,
  words,
} from "./fields.ts"
export { readInstant } from "./instants.ts"
export { cursorPage, cursorQuery, pageOf } from "./pages.ts"
export { bodyCheck, invalidRequest, type Place, textCheck } from "./validation.ts"
