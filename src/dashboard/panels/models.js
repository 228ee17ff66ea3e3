// 5: models, with their costs, tokens, speed and errors.

import { note } from "../dom.js";
import * as format from "../format.js";
import { table } from "../table.js";
import { shared } from "../view.js";

export const models = {
  id: "models",
  number: 5,
  title: "Models",
  questions: (view) => ({ models: shared.models(view) }),
  draw(view, { models }) {
    if (models.rows.length === 0) return note("No log lies in this range. Choose a longer range, or take filters away.");
    const tokens = (row) => row.tokensIn + row.tokensOut;
    const columns = [
      { title: "model", of: (row) => row.model ?? "(no model)", where: (row) => [["model", row.model]] },
      { title: "cost", of: (row) => row.cost, show: (cost, row) => (row.unpriced === 0 ? format.usd(cost) : cost === 0 ? "no price?" : `≥ ${format.usd(cost)}`) },
      { title: "calls", of: (row) => row.count, show: format.count },
      { title: "in", about: "Tokens in", of: (row) => row.tokensIn, show: format.compact },
      { title: "cached", about: "Tokens in that the provider's cache had", of: (row) => row.tokensCached, show: format.compact },
      { title: "out", about: "Tokens out", of: (row) => row.tokensOut, show: format.compact },
      { title: "$/M", about: "Cost of a million tokens", of: (row) => (tokens(row) ? (row.cost / tokens(row)) * 1e6 : null), show: format.usd },
      { title: "p95", of: (row) => row.p95, show: format.duration },
      { title: "errors", of: (row) => row.errorRate, show: format.percent, where: (row) => (row.errors ? [["model", row.model], ["success", "false"]] : null) },
      { title: "unpriced", about: "Calls that must have cost something, and have no cost", of: (row) => row.unpriced, show: format.count },
    ];
    return table("Models", columns, models.rows, { most: 12 });
  },
};
