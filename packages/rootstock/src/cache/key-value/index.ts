export { KeyValueCache, type KeyValueOptions, openKeyValueCache } from "./key-value.ts"
