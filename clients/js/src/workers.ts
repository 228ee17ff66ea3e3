// The same for Workers, where the platform keeps the current request alive without a context at hand.
import { waitUntil } from "cloudflare:workers";
import { current } from "./host.ts";

current.ctx = { waitUntil };

export * from "./index.ts";
