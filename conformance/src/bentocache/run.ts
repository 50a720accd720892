import { assert } from "@japa/assert"
import { configure, run } from "@japa/runner"

configure({ files: ["src/bentocache/*.spec.ts"], plugins: [assert()] })
await run()
