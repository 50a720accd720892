export type { DatabaseHome } from "./database-url.ts"
export { EnvironmentError, type EnvironmentProblem } from "./environment-error.ts"
export { type Environment, readEnvironment } from "./read.ts"
export { withoutCredentials } from "./server-urls.ts"
export { environmentVariables, readSettings, type Settings } from "./settings.ts"
export {
  addressesVariable,
  booleanVariable,
  choiceVariable,
  hostVariable,
  integerVariable,
  keysVariable,
  type NamedKey,
  pairsVariable,
  textVariable,
  timeZoneVariable,
  urlVariable,
  type Values,
  type Variable,
  type Variables,
} from "./variables.ts"
