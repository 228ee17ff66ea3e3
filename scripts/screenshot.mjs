// Makes docs/page.png, the picture of the page in README.md: over simulated logs and events, in Chromium.
// AIG_LOGS_BIN names the built program, AIG_LOGS_CHROMIUM a browser that is not in the PATH.

import { writeFileSync } from "node:fs";

import { ended, opened, world } from "../tests/page/world.mjs";

/** A picture above this is slow to load for readers of README.md. */
const MOST_BYTES = 200_000;

// The world's own range fits into three days; the simulated past of applications has as many.
const { range } = await world();
const tab = await opened({ search: `range=${range}`, width: 1240, height: 880 });
const picture = await tab.picture(false);
await ended();
if (picture.length > MOST_BYTES) throw new Error(`The picture has ${picture.length} bytes, but at most ${MOST_BYTES} are allowed.`);
writeFileSync(new URL("../docs/page.png", import.meta.url), picture);
console.log(`docs/page.png: ${picture.length} bytes`);
