export { type BrokerOptions, JobBroker, openBroker } from "./broker.ts"
export { QueueMismatchError } from "./errors.ts"
