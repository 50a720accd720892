import { Storage } from "rootstock"
import { apiKeys } from "../schema.ts"

export class ApiKeyStorage extends Storage(apiKeys) {}
