// The page in Chromium, over the real API. AIG_LOGS_BIN names the program, AIG_LOGS_CHROMIUM a browser that is not in the
// PATH, and AIG_LOGS_PICTURES a folder for pictures of the page.

import { after, describe, test } from "node:test";

import "./served.mjs";
import "./state.mjs";
import "./numbers.mjs";
import "./trouble.mjs";
import "./access.mjs";
import { AT_ONCE, ended, tests, world } from "./world.mjs";

await world();
describe("the page", { concurrency: AT_ONCE }, () => tests.forEach(([name, run]) => test(name, run)));
after(ended);
