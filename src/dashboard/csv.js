// Tables as CSV (RFC 4180), in the form in which the API writes it.

/** A table: columns with a title, and a row of cells for each line. */
export function csv(columns, rows) {
  const line = (cells) => `${cells.map(cell).join(",")}\r\n`;
  return line(columns) + rows.map(line).join("");
}

/** A cell. What a spreadsheet would take for a formula gets a ' before it. */
export function cell(value) {
  if (value === null || value === undefined) return "";
  let text = String(value);
  if (typeof value === "string" && /^[=+\-@\t\r]/.test(text) && !/^-?\d+(\.\d+)?$/.test(text)) text = `'${text}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
