// Builds the library into packages/rootstock/dist, ready for `npm publish packages/rootstock/dist`.

import { fileURLToPath } from "node:url"
import { buildLibrary } from "./build/library.ts"

await buildLibrary(fileURLToPath(new URL("../packages/rootstock/dist", import.meta.url)))
