import type { Clock } from "rootstock/clock"
import type { Settings } from "rootstock/config"
import { OpenAiProvider } from "./openai.ts"
import type { Provider } from "./provider.ts"
import { ScriptedProvider } from "./scripted.ts"

/** The provider that the settings name: a server behind `LLM_URL`, else the built-in script. */
export function chooseProvider(
  settings: Pick<Settings, "LLM_URL" | "LLM_API_KEY" | "LLM_MODEL_MAP">,
  clock: Clock,
): Provider {
  const { LLM_URL: url, LLM_API_KEY: key, LLM_MODEL_MAP: models } = settings
  return url === undefined ? new ScriptedProvider() : new OpenAiProvider({ url, key, models, clock })
}
