export { asked, type CachedPlace, forEachCached, inProcess } from "./place.ts"
