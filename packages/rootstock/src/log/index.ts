export { currentRequestId, requestIds, withRequestId } from "./context.ts"
export { createLogger, type LogFields, type Logger, type LoggerOptions, type LogLevel } from "./logger.ts"
