import { defineConfig } from "vitest/config"

// biome-ignore lint/style/noDefaultExport: vitest asks for it
export default defineConfig({
  test: { include: ["src/keyv/*.spec.ts"], reporters: ["verbose"] },
})
